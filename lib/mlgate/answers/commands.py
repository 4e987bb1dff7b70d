"""A model behind a command: rows go in as JSON lines, answers come out as JSON lines.

The command is run anew for each batch. It reads until its input ends, so it need not care when its output is flushed.
"""

import contextlib
import json
import os
import selectors
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from mlgate.answers.asked import ID, Counters, Faulty, Row, plain, word
from mlgate.errors import MlgateError

# All that a command gets of the environment, beside what is named: no secret has one of these names.
KEPT = (
    "HOME", "LANG", "LC_ALL", "LC_CTYPE", "OMP_NUM_THREADS", "OPENBLAS_CORETYPE", "PATH", "SYSTEMROOT", "TMPDIR", "TZ",
    "VIRTUAL_ENV",
)  # fmt: skip
MOST_OUTPUT = 1_000_000  # bytes, and as many for each row as:
MOST_LINE = 4_000
MOST_ERRORS = 2_000  # of what it says went wrong


class Command:
    """A program that answers rows, started without a shell. seconds: for each batch.

    score: the label whose score is taken for the answer, where an answer has scores.
    """

    def __init__(self, line: str, seconds: float, environment: Iterable[str] = (), score: str | None = None):
        self.score = score
        self.place = line
        self.seconds = seconds
        self.counters = Counters()
        missing = [name for name in environment if name not in os.environ]
        if missing:
            raise MlgateError(f"There is no {missing[0]!r} in the environment to pass on. Set it, or leave it out.")
        self.environment = {name: os.environ[name] for name in (*KEPT, *environment) if name in os.environ}
        try:
            self.words = shlex.split(line)
        except ValueError as error:
            raise MlgateError(
                f"The command {line!r:.80} cannot be read: {error}. Check its quotation marks."
            ) from error

    def answer(self, rows: Sequence[Row]) -> list[str]:
        """Return one answer for each row. Raises Faulty where it crashes, hangs, or says something else."""
        question = "".join(json.dumps(row) + "\n" for row in rows)
        self.counters.requests += 1
        output = self._run(question.encode(), MOST_OUTPUT + MOST_LINE * len(rows))
        return _answers(output, [row[ID] for row in rows], self.score)

    def _run(self, question: bytes, most: int) -> bytes:
        with tempfile.TemporaryFile() as file:
            file.write(question)
            file.seek(0)
            try:
                process = subprocess.Popen(
                    self.words,
                    stdin=file,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=self.environment,
                    start_new_session=True,
                )
            except (OSError, IndexError) as error:
                reason = getattr(error, "strerror", None) or "it is empty"
                raise MlgateError(f"The command {self.place!r:.80} cannot be started: {reason}. Check it.") from error
        with process:
            try:
                return self._output(process, most)
            finally:
                with contextlib.suppress(ProcessLookupError):  # with all that it started
                    os.killpg(process.pid, signal.SIGKILL)

    def _output(self, process: subprocess.Popen[bytes], most: int) -> bytes:
        """Return what it wrote until it closed its output. Raises Faulty where that is too much, or takes too long."""
        deadline = time.monotonic() + self.seconds
        output = bytearray()
        errors = bytearray()
        for written, part in _parts(((process.stdout, output), (process.stderr, errors)), deadline):
            written.extend(part)
            del errors[:-MOST_ERRORS]
            if len(output) > most:
                raise Faulty(f"it wrote more than {most:,} bytes")
        try:
            status = process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired as error:
            raise Faulty(f"it did not end within {self.seconds:g} s") from error
        if status:
            last = errors.decode(errors="replace").strip().rpartition("\n")[2]
            raise Faulty(f"it ended with status {status}: {plain(last) or 'and did not say why'}")
        return bytes(output)


def _parts(pipes: Iterable[tuple[Any, bytearray]], deadline: float) -> Iterator[tuple[bytearray, bytes]]:
    """Yield what comes out of the pipes, each part with where it belongs. Raises Faulty after the deadline."""
    started = time.monotonic()
    with selectors.DefaultSelector() as selector:
        for pipe, where in pipes:
            selector.register(pipe, selectors.EVENT_READ, where)
        while selector.get_map():
            left = deadline - time.monotonic()
            if left <= 0:
                raise Faulty(f"it did not answer within {deadline - started:.3g} s")
            for key, _ in selector.select(left):
                part = os.read(key.fd, 1 << 16)
                if not part:
                    selector.unregister(key.fileobj)
                yield key.data, part


def _answers(output: bytes, ids: list[int], score: str | None = None) -> list[str]:
    """Return the answer to each of these rows. Raises Faulty where a line is none, or a row has not just one."""
    found: dict[str, str] = {}
    wanted = {str(name) for name in ids}
    for number, line in enumerate(output.decode(errors="replace").split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise Faulty(f"line {number:,} of its output is no JSON: {plain(line, 60)!r}") from error
        if not isinstance(row, dict) or ID not in row or "answer" not in row:
            raise Faulty(f'line {number:,} of its output is no {{"id": …, "answer": …}}: {plain(line, 60)!r}')
        name = str(row[ID])
        if name not in wanted or name in found:
            raise Faulty(f"line {number:,} of its output answers row {plain(name, 40)!r}, which is not open")
        scores = row.get("scores")
        if score is not None and isinstance(scores, dict) and score in scores:
            row["answer"] = scores[score]
        found[name] = word(row["answer"])
    if len(found) < len(ids):
        raise Faulty(f"it answered {len(found):,} of {len(ids):,} rows")
    return [found[str(name)] for name in ids]
