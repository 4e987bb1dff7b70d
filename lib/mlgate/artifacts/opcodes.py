"""The opcodes of a pickle: which are read at all, how many, and many at once."""

import pickle
from collections.abc import Callable
from typing import Any

from mlgate.artifacts.refusals import Refused

# What picklers write at protocols 2 to 5 for such models: no INST, OBJ, EXT or persistent id, and no set (to hash a
# nested tuple can take years).
# fmt: off
OPCODES = (
    "PROTO", "FRAME", "STOP", "MARK", "NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1",
    "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINBYTES", "SHORT_BINBYTES", "BYTEARRAY8", "EMPTY_LIST", "APPEND",
    "APPENDS", "EMPTY_DICT", "SETITEM", "SETITEMS", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "GLOBAL",
    "STACK_GLOBAL", "REDUCE", "NEWOBJ", "BUILD", "BINPUT", "LONG_BINPUT", "MEMOIZE", "BINGET", "LONG_BINGET",
)
# fmt: on
TEXT = ord(pickle.SHORT_BINUNICODE)
NUMBER_1 = ord(pickle.BININT1)
NUMBER_2 = ord(pickle.BININT2)
NUMBER_4 = ord(pickle.BININT)
MEMOIZE = ord(pickle.MEMOIZE)


class Counted(dict):
    """Counts the opcodes that are looked up in it: with no bytes behind them, 18 MB of them fill a memory."""

    def __init__(self, opcodes: dict[int, Callable], most: int):
        super().__init__(opcodes)
        self.left = most

    def __getitem__(self, code: int) -> Callable:
        self.left -= 1
        if self.left < 0:
            raise Refused("The file holds too many objects: save a smaller model (max_objects in gate.toml).")
        return super().__getitem__(code)


def read_run(frame: bytes, place: int, stack: list[Any], memo: dict[int, Any]) -> int:
    """Put the texts and whole numbers that start at `place` on the stack, and in the memo those that belong there.

    A vocabulary is 50,000 of them and little else; joblib's unpickler makes three calls for each, this one none.
    Returns where the next other opcode stands, or one that does not fit into the frame: the unpickler goes on there,
    and says what is wrong with it. Raises UnicodeDecodeError, as the unpickler does.
    """
    length = len(frame)
    end = length - 4  # up to here an opcode, and the number behind it, can be read without looking for the end
    append = stack.append
    while place < end:
        code = frame[place]
        if code == TEXT:
            start = place + 2
            after = start + frame[place + 1]
            if after > length:
                break
            append(str(frame[start:after], "utf-8", "surrogatepass"))
            place = after
        elif code == MEMOIZE:
            if not stack:
                break
            memo[len(memo)] = stack[-1]
            place += 1
        elif code == NUMBER_2:
            append(frame[place + 1] | frame[place + 2] << 8)
            place += 3
        elif code == NUMBER_1:
            append(frame[place + 1])
            place += 2
        elif code == NUMBER_4:
            append(int.from_bytes(frame[place + 1 : place + 5], "little", signed=True))
            place += 5
        else:
            break
    return place
