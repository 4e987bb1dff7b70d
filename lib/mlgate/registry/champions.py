"""MLflow's registry: the challenger is judged against the champion, and the alias moves on the verdict alone.

MLflow's aliases have no compare-and-set, and no history. So whoever promotes takes a lock first, which the registry
itself gives to one at a time, and looks whether the champion is still the one that was judged.
"""

import contextlib
import json
import os
import shlex
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mlgate import corpus, judge_files
from mlgate.answers.commands import Command
from mlgate.errors import MlgateError
from mlgate.gate import PROMOTE, Verdict
from mlgate.root import Metric

from mlflow import MlflowClient, MlflowException
from mlflow.artifacts import download_artifacts
from mlflow.entities.model_registry import ModelVersion

PATIENCE = 30.0  # seconds to wait for another promotion
SUFFIX = ".gate-lock"


class Moved(MlgateError):
    """The champion is not the one that was judged any more."""


@dataclass(frozen=True)
class Contest:
    """Which registered model, and what its champion and its challenger are called."""

    name: str
    champion: str = "champion"
    challenger: str = "challenger"
    previous: str = "previous"


def judge(
    contest: Contest,
    source: corpus.Source,
    policy: Path | None = None,
    metric: Metric | None = None,
    seconds: float = 60.0,
) -> tuple[Verdict, str]:
    """Return the verdict on the challenger, and what followed from it in words.

    Both versions are read once. The verdict is written into the challenger's tags and its run. On PROMOTE the
    champion's alias moves to it. Raises MlgateError where there is no such model, Moved where the champion changed
    meanwhile.
    """
    client = MlflowClient()
    champion = _version(client, contest, contest.champion)
    challenger = _version(client, contest, contest.challenger)
    if champion.version == challenger.version:
        raise MlgateError(f"Version {champion.version} of {contest.name} is champion and challenger. Name another one.")
    with TemporaryDirectory() as folder:
        sides = [_asked(version, Path(folder), seconds) for version in (champion, challenger)]
        verdict = judge_files.judge_asked(sides[0], sides[1], source, policy=policy, metric=metric)
    _write(client, challenger, champion, verdict)
    if verdict.decision != PROMOTE:
        return verdict, f"Version {champion.version} of {contest.name} stays the {contest.champion}."
    _promote(client, contest, champion, challenger)
    return verdict, f"Version {challenger.version} of {contest.name} is the {contest.champion} now."


def _version(client: MlflowClient, contest: Contest, alias: str) -> ModelVersion:
    try:
        return client.get_model_version_by_alias(contest.name, alias)
    except MlflowException as error:
        raise MlgateError(
            f"The registry has no model {contest.name!r:.80} with the alias {alias!r:.80}. Set it, or name another"
            " registry with MLFLOW_TRACKING_URI."
        ) from error


def _asked(version: ModelVersion, folder: Path, seconds: float) -> Command:
    """Return a version as a program that answers: its files are fetched here, and it is loaded where no token is."""
    place = f"models:/{version.name}/{version.version}"
    path = download_artifacts(artifact_uri=place, dst_path=str(folder / str(version.version)))
    environment = [name for name in ("PYTHONPATH",) if name in os.environ]
    command = Command(shlex.join([sys.executable, "-m", "mlgate.registry.answering", path]), seconds, environment)
    command.place = place
    return command


def _write(client: MlflowClient, challenger: ModelVersion, champion: ModelVersion, verdict: Verdict) -> None:
    """Write the verdict where people of the registry look: tags of the version, metrics and a file of its run."""
    tags = {"decision": verdict.decision, "reason": verdict.reason, "against": str(champion.version)}
    tags["rows"] = verdict.rows.digest
    numbers: dict[str, float] = {}
    if verdict.difference:
        tags["metric"] = verdict.difference.metric
        numbers = {name: getattr(verdict.difference, name) for name in ("estimate", "low", "high", "p_value")}
    for name, value in {**tags, **numbers}.items():
        client.set_model_version_tag(challenger.name, challenger.version, f"gate.{name}", str(value)[:5_000])
    if challenger.run_id:
        for name, number in numbers.items():
            client.log_metric(challenger.run_id, f"gate.{name}", number)
        text = json.dumps(verdict.as_dict(), indent=1)
        client.log_text(challenger.run_id, text, "gate/verdict.json")


def _promote(client: MlflowClient, contest: Contest, champion: ModelVersion, challenger: ModelVersion) -> None:
    """Move the alias, if the champion is still the one that was judged."""
    with _alone(client, contest):
        now = _version(client, contest, contest.champion)
        if now.version != champion.version:
            raise Moved(
                f"Version {now.version} of {contest.name} became {contest.champion} meanwhile, and version"
                f" {champion.version} was judged: nothing is moved. Judge against the new one."
            )
        client.set_registered_model_alias(contest.name, contest.champion, challenger.version)  # from here on it is done
    client.set_registered_model_alias(contest.name, contest.previous, champion.version)
    if _version(client, contest, contest.challenger).version == challenger.version:
        client.delete_registered_model_alias(contest.name, contest.challenger)


@contextlib.contextmanager
def _alone(client: MlflowClient, contest: Contest) -> Iterator[None]:
    """Be the only one who promotes: a registered model of some name can be created once."""
    lock = contest.name + SUFFIX
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            client.create_registered_model(lock, description="A promotion is under way.")
            break
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS" or time.monotonic() > deadline:
                raise MlgateError(
                    f"Another promotion holds {lock!r}, or the registry does not give it: {str(error)[:200]!r}. If no"
                    " promotion is under way, one was killed: delete that registered model."
                ) from error
        time.sleep(0.1)
    try:
        yield
    finally:
        client.delete_registered_model(lock)
