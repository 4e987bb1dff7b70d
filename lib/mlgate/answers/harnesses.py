"""Read one result file of inspect, lm-eval or promptfoo: which item, which run, and the score it was given."""

import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgate.errors import MlgateError
from mlgate.root import read_file

TIME = re.compile(r"^samples_(.+?)(?:_\d{4}-\d\d-\d\dT[\d-]+(?:\.\d+)?)?$")  # lm-eval's file name: its task, when
Score = str | float | bool | None


@dataclass(frozen=True)
class Row:
    """One run of one item. item: what all its runs share; score: None where the run gave none."""

    id: str
    item: str
    task: str
    score: Score


def recognise(path: Path) -> str | None:
    """Return which harness wrote a file, by marks that no other file has, or None. Raises ValueError for no JSON."""
    kind = path.suffix.lower()
    if kind == ".eval":
        return "inspect"
    if kind == ".json":
        return _of_document(json.loads(read_file(path)))
    if kind == ".jsonl":
        with path.open(encoding="utf-8") as lines:
            return _of_line(json.loads(lines.readline(8 << 20) or "{}"))
    return None


def _of_document(found: Any) -> str | None:
    if not isinstance(found, dict):
        return None
    if isinstance(found.get("eval"), dict) and "status" in found and "plan" in found:
        return "inspect"
    inner = found.get("results")
    if isinstance(inner, dict) and isinstance(inner.get("results"), list) and "stats" in inner:
        return "promptfoo"
    return None


def _of_line(found: Any) -> str | None:
    if isinstance(found, dict) and {"doc_id", "filtered_resps", "target"} <= found.keys():
        return "lm-eval"
    if isinstance(found, dict) and {"promptIdx", "testIdx", "success"} <= found.keys():
        return "promptfoo"
    return None


def inspect(path: Path, score: str | None) -> Iterator[Row]:
    """Return the samples of an inspect log. score: the scorer's name, where there are several."""
    if path.suffix.lower() == ".eval":
        samples = _samples_in_archive(path)
    else:
        samples = json.loads(read_file(path)).get("samples") or []
    for sample in samples:
        given = {name: found["value"] for name, found in (sample.get("scores") or {}).items()}
        name = f"{sample['id']}/{sample['epoch']}"
        yield Row(name, str(sample["id"]), "", _chosen(path, given, score))


def _samples_in_archive(path: Path) -> list[Any]:
    """Return the samples of a .eval file, which is a zip of JSON files."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if "summaries.json" in names:
                summaries: list[Any] = json.loads(archive.read("summaries.json"))
                return summaries
            return [json.loads(archive.read(name)) for name in names if name.startswith("samples/")]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise MlgateError(
            f"{path} cannot be unpacked here ({error!s:.80}). Write it as JSON: inspect log convert --to json"
        ) from error


def lm_eval(path: Path, score: str | None) -> Iterator[Row]:
    """Return the samples of one task. score: a metric, with its filter behind a comma where there are several."""
    task = TIME.sub(r"\1", path.stem)
    filters = set()
    for line in read_file(path).decode("utf-8-sig").splitlines():
        if not line.strip():
            continue
        sample = json.loads(line)
        metric, _, wanted = (score or "").partition(",")
        filters.add(sample.get("filter", "none"))
        if wanted and sample.get("filter") != wanted:
            continue
        if not wanted and len(filters) > 1:
            listed = " or ".join(sorted(filters))
            raise MlgateError(f"{path} has more than one filter: name one, such as --score {metric or 'acc'},{listed}")
        names = sample.get("metrics") or [name for name in ("exact_match", "acc") if name in sample]
        given = {name: sample[name] for name in names if name in sample}
        item = str(sample["doc_id"])
        yield Row(f"{task}/{item}", item, task, _chosen(path, given, metric or None))


def promptfoo(path: Path, score: str | None) -> Iterator[Row]:
    """Return the results of one prompt and provider. score: a named score; by default, whether the test passed."""
    if path.suffix.lower() == ".jsonl":
        found = [json.loads(line) for line in read_file(path).decode().splitlines() if line.strip()]
    else:
        found = json.loads(read_file(path))["results"]["results"]
    if len({result.get("promptIdx") for result in found}) > 1:
        raise MlgateError(
            f"{path} holds results of more than one prompt or provider. Write one file for each: promptfoo eval"
            " --filter-providers or --filter-prompts"
        )
    for place, result in enumerate(found):
        given = result.get("namedScores", {}) if score else {"success": result["success"]}
        name = str(result.get("testIdx", place))
        item = json.dumps(result.get("vars") or name, sort_keys=True)
        yield Row(name, item, "", _chosen(path, given, score))


def _chosen(path: Path, given: dict[str, Any], name: str | None) -> Score:
    """Return the named score, or the only one. None where there is none. Raises MlgateError where it is not clear."""
    if not given:
        return None
    if name is None and len(given) > 1:
        raise MlgateError(f"{path} has the scores {', '.join(sorted(given))}: name one with --score.")
    value = given.get(name) if name else next(iter(given.values()))
    if value is None and name not in given and name is not None:
        raise MlgateError(f"{path} has no score {name!r:.80}; it has {', '.join(sorted(given))}.")
    if value is not None and not isinstance(value, str | int | float):
        raise MlgateError(f"{path} has a score that is neither a number nor a word. Name another with --score.")
    return value
