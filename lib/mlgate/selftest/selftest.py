"""The gate's own test: what it catches and misses, whom it rejects wrongly, and how often it is wrong, on real models.

Nothing in here touches the root it is run for, but for the result in runs/selftest/.
"""

import ast
import hashlib
import json
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import mlgate
from mlgate.artifacts import to_json, versions
from mlgate.exam import policy_of
from mlgate.gate import PROMOTE, REJECT, Verdict
from mlgate.reporting.markdown import table
from mlgate.root import Root, write_atomically
from mlgate.selftest import equal_models, laboratory, lives, tampering
from mlgate.selftest.harmless import HARMLESS
from mlgate.selftest.incidents import INCIDENTS
from mlgate.selftest.laboratory import Lab
from mlgate.selftest.tampering import TAMPERING

PACKAGE = Path(mlgate.__file__).parent
SEEDS = (0, 1)
PLAIN = {None: "-", True: "promotes", False: "keeps production"}
CAUGHT = ("fail", "undecided")  # how the named check may stand: not shown to be better is enough to stop luck


@dataclass(frozen=True)
class Trial:
    """One incident, tampering or harmless candidate in one laboratory. plain: whether `accuracy >` would promote it."""

    name: str
    kind: str
    seed: int
    good: bool
    decision: str
    reason: str
    plain: bool | None = None


def run(root: Root, seeds: tuple[int, ...] = SEEDS, processes: int = 2, fresh: bool = False) -> dict:
    """Return the result of the self-test under the root's policy, cached per code and policy."""
    key = digest(root)
    kept = read(root)
    if kept and kept["digest"] == key and kept["seeds"] == list(seeds) and not fresh:
        return kept
    with ProcessPoolExecutor(processes) as pool:
        found = list(pool.map(_in_a_lab, [root.policy] * len(seeds), seeds))
    trials = [trial for part, _ in found for trial in part]
    result = {
        "digest": key,
        "seeds": list(seeds),
        "trials": [asdict(trial) for trial in trials],
        "equal": equal_models.together([counted for _, counted in found]),
        "lives": lives.count(policy_of(root)),
        "versions": versions(),
    }
    result["problems"] = problems(result)
    write_atomically(root.runs / "selftest" / "result.json", to_json(result))
    write_atomically(root.runs / "selftest" / "result.md", markdown(result).encode())
    return result


def read(root: Root) -> dict | None:
    """Return the result that was kept, or None."""
    try:
        return json.loads((root.runs / "selftest" / "result.json").read_bytes())
    except (OSError, ValueError):
        return None


def _in_a_lab(policy: Path, seed: int) -> tuple[list[Trial], dict]:
    with tempfile.TemporaryDirectory(prefix="mlgate-") as name:
        folder = Path(name)
        (folder / "lab").mkdir()
        lab = laboratory.set_up(folder / "lab", policy, seed)
        return trials(lab, folder), equal_models.count(lab)


def trials(lab: Lab, folder: Path) -> list[Trial]:
    """Every incident, every harmless candidate and every tampering in one laboratory."""
    made = [_judge(lab, folder, "incident", item, is_caught) for item in INCIDENTS.values()]
    made += [
        _judge(lab, folder, "harmless", item, lambda _, verdict: verdict.decision != REJECT)
        for item in HARMLESS.values()
    ]
    template = tampering.winner(lab, folder / "winner")
    for item in TAMPERING.values():
        refused, said = item.refused(lab, tampering.copy(template, folder / item.name))
        made.append(Trial(item.name, "tampering", lab.seed, refused, "refused" if refused else "done", said))
    return made


def is_caught(item, verdict: Verdict) -> bool:
    """Not promoted, and stopped by the check that is there for it; or seen by it, where the policy only reports it."""
    found = next((check for check in verdict.checks if check.name == item.check), None)
    if found is None or found.status not in CAUGHT:
        return False
    return verdict.decision != PROMOTE or found.action == "report"


def _judge(lab: Lab, folder: Path, kind: str, item, good: Callable) -> Trial:
    root = laboratory.fresh(lab, folder / item.name)
    verdict = laboratory.take_exam(lab, item.make(lab), root, item.settings)
    return Trial(item.name, kind, lab.seed, good(item, verdict), verdict.decision, verdict.reason, plain(verdict))


def plain(verdict: Verdict) -> bool:
    """Return what the rule `candidate's accuracy > production's` says, on the rows the verdict is about."""
    production = verdict.production.accuracy
    candidate = verdict.candidate.accuracy
    return production is not None and candidate is not None and candidate > production


def problems(result: dict) -> list[str]:
    """Return what a self-test found wrong: each miss, each harmless candidate rejected, each rate above its promise."""
    bad = [trial for trial in result["trials"] if not trial["good"]]
    words = {"incident": "missed", "tampering": "not refused", "harmless": "rejected, though harmless"}
    lines = [f"{it['name']} (seed {it['seed']}): {words[it['kind']]}: {it['decision']}: {it['reason']}" for it in bad]
    return lines + equal_models.problems(result["equal"]) + lives.problems(result["lives"])


def markdown(result: dict) -> str:
    """Return the result as Markdown: what was caught, who was rejected wrongly, and how often the gate is wrong."""
    found = result["problems"] or ["No problem found."]
    lines = ["# The gate's self-test", "", *(f"- **{line}**" for line in found), ""]
    for kind, title in (("incident", "Incidents"), ("tampering", "Tampering"), ("harmless", "Harmless candidates")):
        mine = [trial for trial in result["trials"] if trial["kind"] == kind]
        good = sum(trial["good"] for trial in mine)
        lines += [f"## {title}: {good} of {len(mine)} as they should be", ""]
        rows = []
        for name in dict.fromkeys(trial["name"] for trial in mine):
            own = [trial for trial in mine if trial["name"] == name]
            decisions = ", ".join(trial["decision"] for trial in own)
            rows.append((name, decisions, ", ".join(PLAIN[trial["plain"]] for trial in own)))
        lines += [*table(("", "gate", "`accuracy >`"), rows), ""]
    return "\n".join([*lines, *equal_models.markdown(result["equal"]), "", *lives.markdown(result["lives"]), ""])


def digest(root: Root) -> str:
    """Return a sha256 of the code that the self-test runs, the policy and the versions; the result stands with it."""
    code = {path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8") for path in sources(Path(__file__))}
    facts = {"code": code, "policy": policy_of(root).digest, "versions": versions()}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def sources(path: Path, found: frozenset[Path] = frozenset()) -> frozenset[Path]:
    """Return the module at `path` and every module of this package that it imports, directly or not.

    A package counts with its __init__, and so with every module whose names it hands on.
    """
    found |= {path}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "mlgate":
            for other in _files(node):
                if other not in found:
                    found |= sources(other, found)
    return found


def _files(node: ast.ImportFrom) -> list[Path]:
    """Return the files that `from … import …` reads: each package's on the way, the module's, and the names' own."""
    parts = str(node.module).split(".")[1:]
    packages = [PACKAGE.joinpath(*parts[: depth + 1]) for depth in range(len(parts))]
    places = [*packages, *(PACKAGE.joinpath(*parts, alias.name) for alias in node.names)]
    files = [file for place in places for file in (place.with_suffix(".py"), place / "__init__.py")]
    return [file for file in files if file.is_file()]
