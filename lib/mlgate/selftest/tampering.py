"""Tampering: what is done to files, and not to models. Each must be refused, and for the right reason.

It works in a root of its own in a laboratory, where `winner` has been judged PROMOTE and waits to be promoted. It
ends in what mlgate says: a MlgateError, or a verdict that is not PROMOTE.
"""

import inspect
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mlgate import artifacts, exam, promotion
from mlgate.errors import MlgateError
from mlgate.gate import PROMOTE
from mlgate.root import Root
from mlgate.selftest import laboratory
from mlgate.selftest.harmless import HARMLESS
from mlgate.selftest.laboratory import Lab


@dataclass(frozen=True)
class Tampering:
    """Something done to files. `refusal`: words that must stand in what mlgate says; production must not move."""

    name: str
    function: Callable[[Lab, Root], str]
    refusal: str

    @property
    def story(self) -> str:
        """How it happens in a real team."""
        return inspect.getdoc(self.function) or ""

    def refused(self, lab: Lab, root: Root) -> tuple[bool, str]:
        """Do it. Whether it was refused for the right reason, and what mlgate said."""
        try:
            said = self.function(lab, root)
        except MlgateError as error:
            said = str(error)
        return self.refusal in said, said


TAMPERING: dict[str, Tampering] = {}


def tampering(refusal: str) -> Callable:
    """Put the decorated function into the catalogue, under its own name."""

    def register(function: Callable) -> Callable:
        TAMPERING[function.__name__] = Tampering(function.__name__, function, refusal)
        return function

    return register


def winner(lab: Lab, folder: Path) -> Root:
    """Make a root in which a truly better candidate was judged PROMOTE. Copy it for each."""
    root = laboratory.fresh(lab, folder)
    verdict = laboratory.take_exam(lab, HARMLESS["better"].make(lab), root)
    if verdict.decision != PROMOTE:
        raise MlgateError(f"The lab with seed {lab.seed} has no winner: {verdict.reason}. Take another seed.")
    return root


def copy(root: Root, folder: Path) -> Root:
    """Return a copy of a root to do something to."""
    shutil.copytree(root.path, folder)
    return Root(folder)


@tampering("not the one that was judged")
def swapped_after_judging(lab, root):
    """Between the exam and the promotion, a nightly job wrote its own model over the candidate."""
    laboratory.submit(lab, HARMLESS["more_data"].make(lab), other := copy(root, root.path / "other"))
    shutil.copy(other.candidate, root.candidate)
    shutil.copy(other.candidate_card, root.candidate_card)
    return _promoted(root)


@tampering("no such verdict")
def edited_verdict(lab, root):
    """The numbers in verdict.json were tidied up for the release notes. It is only a text file, is it not?"""
    value = json.loads(root.verdict.read_bytes())
    value["candidate"]["accuracy"] = 0.99
    root.verdict.write_bytes(artifacts.to_json(value))
    return _promoted(root)


@tampering("line 1")
def edited_ledger(lab, root):
    """Somebody corrected the history, so that the first model looks as if it had always been the better one."""
    lines = root.ledger.read_text(encoding="utf-8").splitlines(keepends=True)
    lines[0] = lines[0].replace('"bootstrap"', '"promotion"')
    root.ledger.write_text("".join(lines), encoding="utf-8")
    return _promoted(root)


@tampering("does not follow the line before it")
def forgotten_look(lab, root):
    """An exam had gone badly, so its line was cut out of the ledger: the look it cost should not count."""
    laboratory.submit(lab, HARMLESS["dampened_counts"].make(lab), root)
    exam.take(root)
    lines = root.ledger.read_text(encoding="utf-8").splitlines(keepends=True)
    looks = [number for number, line in enumerate(lines) if json.loads(line)["kind"] == "look"]
    root.ledger.write_text("".join(lines[: looks[0]] + lines[looks[0] + 1 :]), encoding="utf-8")
    return _judged(root)


@tampering("changed by hand")
def production_by_hand(lab, root):
    """In a hurry, the new file was copied over production's, past the gate, to be put right on Monday."""
    shutil.copy(root.candidate, root.production)
    return _promoted(root)


@tampering("has to beat the new one")
def production_moved_on(lab, root):
    """Two candidates were judged against the same old production. The other one was promoted first."""
    verdict = root.verdict.read_bytes()
    model = root.candidate.read_bytes()
    card = root.candidate_card.read_bytes()
    pipeline = HARMLESS["more_data"].make(lab).pipeline
    data = artifacts.dump(pipeline)
    promotion.switch(root, data, artifacts.card_of(pipeline, data, {}), "promotion")
    root.candidate.write_bytes(model)
    root.candidate_card.write_bytes(card)
    root.verdict.write_bytes(verdict)
    return _promoted(root)


@tampering("card")
def patched_after_training(lab, root):
    """A weight was "fixed" in the finished file, by hand. The card beside it describes the file as it was trained."""
    pipeline = artifacts.load_candidate(root).pipeline
    assert pipeline is not None
    pipeline[-1].intercept_ = pipeline[-1].intercept_ + 0.5
    root.candidate.write_bytes(artifacts.dump(pipeline))
    return _judged(root)


@tampering("rolled back")
def same_model_again(lab, root):
    """It was promoted, broke what no gate knows of, and was rolled back; on Tuesday the same job sent it in again."""
    promotion.promote(root)
    promotion.rollback(root)
    return _judged(root)


@tampering("no look is left")
def asked_too_often(lab, root):
    """Another seed, another exam; and another, and another. One of them was bound to pass by luck."""
    laboratory.demand(root, {"decision.looks": 1, "decision.margin": 0.06})
    for name in ("better", "dampened_counts"):  # nobody is better by so much: the one look is spent, and not given back
        laboratory.submit(lab, HARMLESS[name].make(lab), root)
        said = _judged(root)
    return said


def _promoted(root: Root) -> str:
    return "promoted" if promotion.promote(root) else "nothing to do"


def _judged(root: Root) -> str:
    verdict = exam.take(root)
    return "promoted" if verdict.decision == PROMOTE else verdict.reason
