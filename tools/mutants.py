"""Break the gate on purpose, a line at a time: does a test fail for each break? Run by `make mutants`.

A mutant is one module with one change: `<` for `<=`, `+` for `-`, `and` for `or`, a constant moved or doubled, two
arguments swapped, "fail" for "pass", a check left out of a list. It is killed where a test of its module fails, of
those that run its line. Those that survive are listed with their place; why some of them may survive stands in
mutants.toml.

Not cosmic-ray: it starts the tests anew for each mutant, and changes no texts. Not mutmut: it leaves properties and the
bodies of classes and modules alone, where alpha_look, the policy and the rules are (docs/decisions/08).

    python tools/mutants.py [--sample N [--seed N]] [--module NAME] [--processes 2] [--least 95]
"""

import argparse
import ast
import atexit
import copy
import importlib.machinery
import importlib.util
import json
import math
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import coverage
import hypothesis
import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
LIBRARY, TESTS = REPOSITORY / "lib" / "mlgate", REPOSITORY / "tests"
EXPLAINED = Path(__file__).with_name("mutants.toml")
GATE = (
    "root/test_policy",
    "gate/test_guards",
    "gate/test_parts",
    "gate/test_gate",
    "gate/test_metrics",
    "gate/test_clusters",
)
MODULES = {  # what is broken, and the tests that have to notice
    "gate.statistics": ("gate/test_statistics", "gate/test_parts"),
    "gate.moments": ("gate/test_moments", "gate/test_metrics", "gate/test_clusters"),
    "gate.metrics": ("gate/test_metrics", "answers/test_measured"),
    "gate.comparison": (*GATE, "answers/test_measured"),
    "gate.difference": GATE,
    "gate.label_free": GATE,
    "gate.with_labels": GATE,
    "gate.parts": GATE,
    "gate.guards": GATE,
    "gate.judging": GATE,
    "root.policy": GATE,
    "ledger.ledger": ("ledger/test_ledger", "exam/test_holdout", "promotion/test_promotion"),
    "ledger.integrity": ("ledger/test_ledger", "promotion/test_promotion", "exam/test_exam"),
    "exam.holdout": ("exam/test_holdout", "exam/test_exam"),
    "exam.looks": ("exam/test_exam",),
    "exam.attempt": ("exam/test_exam",),
    "exam.exam": ("exam/test_exam",),
    "exam.provenance": ("exam/test_provenance", "exam/test_exam"),
    "promotion.promotion": ("promotion/test_promotion", "exam/test_exam"),
    "promotion.permission": ("promotion/test_promotion", "exam/test_exam"),
    "promotion.refresh": ("promotion/test_refresh",),
    "answers.scoring": ("answers/test_scoring",),
    "answers.measured": ("answers/test_measured",),
    "artifacts.opcodes": ("artifacts/test_opcodes", "artifacts/test_unpickling"),
    "artifacts.unpickling": ("artifacts/test_unpickling", "artifacts/test_bounds", "artifacts/test_artifacts"),
    "service.watching": ("service/test_watching",),
    "ci.record": ("ci/test_record",),
}
COMPARED = {
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.GtE), ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
}  # fmt: skip
COUNTED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.BitOr: ast.BitAnd}
COUNTED |= {ast.BitAnd: ast.BitOr, ast.Pow: ast.Mult, ast.FloorDiv: ast.Mult}
WORDS = {"pass": "fail", "fail": "pass", "undecided": "pass", "skipped": "fail", "reject": "hold", "hold": "report"}
WORDS |= {"PROMOTE": "HOLD", "HOLD": "PROMOTE", "REJECT": "HOLD"}
EITHER_WAY = {"math.hypot", "max", "min", "np.array_equal", "np.maximum"}  # they take two things in either order
CIRCLES = 5  # a mutant that takes so many times as long as its tests do by themselves is killed: it runs in circles


@dataclass(frozen=True)
class Mutant:
    """One change to one module: where (a line's number and its text), what it was, what it is, the whole new source."""

    module: str
    line: int
    text: str
    before: str
    after: str
    source: str

    def __str__(self) -> str:
        return f"{path_of(self.module).relative_to(REPOSITORY)}:{self.line}: {self.before}  ->  {self.after}"


def path_of(module: str) -> Path:
    """Where a module of MODULES is."""
    return LIBRARY.joinpath(*module.split(".")).with_suffix(".py")


def mutants(module: str, text: str) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of its lines."""
    tree = ast.parse(text)
    for number, node in enumerate(places(tree)):
        for changed in changes(node):
            whole = copy.deepcopy(tree)
            target = list(places(whole))[number]
            replace(whole, target, changed)
            before, after = (" ".join(ast.unparse(it).split()) for it in (node, changed))
            line = text.splitlines()[node.lineno - 1].strip()
            yield Mutant(module, node.lineno, line, before, after, ast.unparse(ast.fix_missing_locations(whole)))


def places(tree: ast.AST) -> Iterator[ast.expr]:
    """The expressions that may be changed: not annotations, not docstrings, not what is said to people (f-strings)."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "decorator_list", "type_params") or isinstance(
            tree, ast.JoinedStr | ast.Raise
        ):
            continue
        for node in value if isinstance(value, list) else [value]:
            if not isinstance(node, ast.AST) or _is_docstring(node) or _says_that_lengths_agree(node):
                continue
            if isinstance(node, ast.expr) and not _in_any_order(tree, name, node):
                yield node
            yield from places(node)


def _in_any_order(parent: ast.AST, name: str, node: ast.expr) -> bool:
    """Whether a pair means the same with its halves exchanged: where something is `in` it, or caught by it."""
    if not isinstance(node, ast.Tuple | ast.List | ast.Set) or len(node.elts) != 2:
        return False
    if isinstance(parent, ast.ExceptHandler):
        return True
    return isinstance(parent, ast.Compare) and name == "comparators" and isinstance(parent.ops[0], ast.In | ast.NotIn)


def _says_that_lengths_agree(node: ast.AST) -> bool:
    """Whether it is zip's `strict`: an assertion, which raises only where something is broken already."""
    return isinstance(node, ast.keyword) and node.arg == "strict"


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def changes(node: ast.expr) -> Iterator[ast.expr]:
    """What an expression is changed into, one change at a time."""

    def with_(**fields) -> ast.expr:
        made = copy.copy(node)
        for name, value in fields.items():
            setattr(made, name, value)
        return made

    match node:
        case ast.Compare():
            for number, op in enumerate(node.ops):
                for other in COMPARED[type(op)]:
                    yield with_(ops=[*node.ops[:number], other(), *node.ops[number + 1 :]])
        case ast.BinOp() if type(node.op) in COUNTED:
            yield with_(op=COUNTED[type(node.op)]())
        case ast.BoolOp():
            yield with_(op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.USub() | ast.Not()):
            yield node.operand
        case ast.IfExp():
            yield with_(body=node.orelse, orelse=node.body)
        case ast.Constant(value=bool()):
            yield with_(value=not node.value)
        case ast.Constant(value=int()):
            yield with_(value=node.value + 1)
            yield with_(value=node.value - 1)
        case ast.Constant(value=float()):
            yield with_(value=node.value * 2 or 0.5)
        case ast.Constant(value=str()) if node.value in WORDS:
            yield with_(value=WORDS[node.value])
        case ast.Name(id=("PROMOTE" | "HOLD" | "REJECT") as name, ctx=ast.Load()):
            yield with_(id=WORDS[name])
        case ast.Call() if len(node.args) >= 2 and _ordered(node):
            yield with_(args=[node.args[1], node.args[0], *node.args[2:]])
        case ast.Tuple(ctx=ast.Load()) | ast.List(ctx=ast.Load()):
            yield from _shorter(node, with_)


def _ordered(call: ast.Call) -> bool:
    """Whether the first two arguments of a call can be swapped, and that makes a difference."""
    starred = any(isinstance(it, ast.Starred) for it in call.args[:2])
    return not starred and ast.unparse(call.func) not in EITHER_WAY


def _shorter(node: ast.Tuple | ast.List, with_) -> Iterator[ast.expr]:
    """A list with each of its checks left out; a pair with its halves exchanged."""
    if len(node.elts) == 2:
        yield with_(elts=node.elts[::-1])
    if any(isinstance(item, ast.Starred | ast.Tuple | ast.Call) for item in node.elts) and len(node.elts) > 1:
        for number in range(len(node.elts)):
            yield with_(elts=node.elts[:number] + node.elts[number + 1 :])


def replace(tree: ast.AST, target: ast.AST, new: ast.AST) -> None:
    """Put `new` where `target` stands in the tree."""
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is target:
                setattr(parent, name, new)
            elif isinstance(value, list):
                value[:] = [new if item is target else item for item in value]


class Loader(importlib.machinery.SourceFileLoader):
    """Loads a mutant in the place of its module, and everything else as ever."""

    def __init__(self, mutant: Mutant):
        super().__init__(f"mlgate.{mutant.module}", str(path_of(mutant.module)))
        self.mutant = mutant

    def find_spec(self, name: str, path=None, target=None):
        return importlib.util.spec_from_loader(name, self) if name == self.name else None

    def get_code(self, name: str):
        return compile(self.mutant.source, self.path, "exec")


@dataclass
class Course:
    """What the tests of a module did with nothing broken: for each, its seconds and the lines of the module it ran."""

    seconds: dict[str, float]
    lines: dict[str, list[int]]

    def order_for(self, mutant: Mutant) -> list[str]:
        """The tests that run the mutant's line, the quick ones first; all tests where it runs in none of them itself.

        A line may run in processes that the tests start, which are not looked into.
        """
        running = [name for name in self.seconds if mutant.line in self.lines[name]]
        return sorted(running or self.seconds, key=self.seconds.__getitem__)


def course_of(module: str) -> Course:
    """Run the tests of a module as it is, in a process of its own. Raises SystemExit where one fails."""
    with tempfile.NamedTemporaryFile() as kept:
        if not passes(lambda: _try(module, _Watched(module, kept.name)), None):
            raise SystemExit(f"The tests of {module} fail with nothing broken: run them, and mend that first.")
        return Course(**json.load(kept))


def survives(mutant: Mutant, course: Course) -> bool:
    """Whether every test of its module passes all the same: tried in a process of its own."""

    order = course.order_for(mutant)

    def broken() -> None:
        sys.meta_path.insert(0, Loader(mutant))
        _try(mutant.module, _Chosen(order))

    return passes(broken, 60 + CIRCLES * sum(course.seconds[name] for name in order))


def passes(tried: Callable[[], None], seconds: float | None) -> bool:
    """Whether a child process that tries something ends well, and in time."""
    child = os.fork()
    if not child:
        try:
            tried()
        finally:
            os._exit(1)
    end = time.monotonic() + (seconds or math.inf)
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status == 0
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


class _Watched:
    """Notes how long each test takes and which lines of a module it runs, and writes that to a file."""

    def __init__(self, module: str, kept: str):
        self.path, self.kept = str(path_of(module)), kept
        self.course = Course({}, {})
        self.coverage = coverage.Coverage(data_file=None, include=[self.path], config_file=False)
        self.coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item):
        self.coverage.switch_context(item.nodeid)
        begun = time.perf_counter()
        try:
            return (yield)
        finally:
            self.course.seconds[item.nodeid] = time.perf_counter() - begun

    def pytest_sessionfinish(self) -> None:
        self.coverage.stop()
        found = self.coverage.get_data()
        for name in self.course.seconds:
            found.set_query_context(name)
            self.course.lines[name] = found.lines(self.path) or []
        Path(self.kept).write_text(json.dumps(vars(self.course)), encoding="utf-8")


class _Chosen:
    """Leaves these tests, in their order."""

    def __init__(self, names: list[str]):
        self.order = {name: number for number, name in enumerate(names)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted(
            (item for item in items if item.nodeid in self.order), key=lambda item: self.order[item.nodeid]
        )


def _try(module: str, plugin: object) -> None:
    """Run the tests of a module and end this process: with 0 where they all pass."""
    quick = {"phases": [hypothesis.Phase.explicit, hypothesis.Phase.generate], "database": None, "derandomize": True}
    hypothesis.settings.register_profile("mutants", **quick)  # one failure will do: it is not shrunk
    hypothesis.settings.load_profile("mutants")
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1), os.dup2(nothing, 2)
    tests = [str(TESTS / f"{name}.py") for name in MODULES[module]]
    chosen = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not long"]
    os._exit(1 if pytest.main([*chosen, *tests], plugins=[plugin]) else 0)


def explained() -> dict[tuple[str, str], str]:
    """Survivors that are known, by their line's text and their change, and why each of them may survive."""
    known = tomllib.loads(EXPLAINED.read_text(encoding="utf-8"))
    return {(it["line"], change): it["why"] for it in known.get("survivor", ()) for change in it["changes"]}


def named(mutant: Mutant) -> tuple[str, str]:
    """How mutants.toml names a mutant: the text of its line, and the change."""
    return mutant.text, f"{mutant.before}  ->  {mutant.after}"


def prepare() -> None:
    """Do once what every mutant's process would do: import what no mutant touches, read the corpus, keep trainings."""
    from mlgate import corpus
    from mlgate.selftest import selftest  # first: it pins the arithmetic

    importlib.import_module("pyarrow")
    corpus.load()
    os.environ["MLGATE_CACHE"] = tempfile.mkdtemp(prefix="mlgate-mutants-")
    atexit.register(shutil.rmtree, os.environ["MLGATE_CACHE"], ignore_errors=True)
    touched = {path_of(name) for name in MODULES}
    loaded = {name: module for name, module in sys.modules.items() if name.startswith("mlgate.")}
    for name, module in loaded.items():
        if selftest.sources(Path(module.__file__)) & touched:
            package, _, last = name.rpartition(".")
            del sys.modules[name]
            vars(loaded.get(package, sys.modules["mlgate"])).pop(last, None)


def main() -> int:
    """Try the mutants, say which survive, and fail where fewer than --least per cent of them are killed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=int, metavar="N", help="only so many, chosen at random")
    parser.add_argument("--seed", type=int, default=0, help="which ones those are")
    parser.add_argument("--module", choices=MODULES, action="append", help="only this one (more than once: these)")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--least", type=float, default=95)
    options = parser.parse_args()
    made = {name: list(mutants(name, path_of(name).read_text(encoding="utf-8"))) for name in MODULES}
    known = explained()
    there = {named(mutant) for each in made.values() for mutant in each}
    for line, change in sorted(known.keys() - there):
        print(f"mutants.toml explains what is not there any more: {change}, in: {line}")
    found = [mutant for name in options.module or MODULES for mutant in made[name]]
    if options.sample:
        found = random.Random(options.seed).sample(found, min(options.sample, len(found)))
    prepare()
    alive = 0
    with ThreadPoolExecutor(options.processes) as pool:
        names = sorted({mutant.module for mutant in found})
        courses = dict(zip(names, pool.map(course_of, names), strict=True))
        tried = pool.map(lambda mutant: survives(mutant, courses[mutant.module]), found)
        for number, (mutant, left) in enumerate(zip(found, tried, strict=True), 1):
            alive += left
            if number % 25 == 0:
                print(f"{number} of {len(found)} tried, {alive} survive", file=sys.stderr, flush=True)
            why = known.get(named(mutant))
            if left:
                print(f"{mutant}{f'   (explained: {why})' if why else ''}", flush=True)
    score = 100 * (1 - alive / max(1, len(found)))
    print(f"{len(found) - alive} of {len(found)} mutants were killed: {score:.1f} %; {options.least:g} % wanted")
    return 0 if score >= options.least and not known.keys() - there else 1


if __name__ == "__main__":
    sys.exit(main())
