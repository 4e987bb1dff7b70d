"""What a kernel that waits for its turn may do meanwhile: ask models what their notebook will ask them.

Answers stay in the kernel's memory (artifacts.answer_once), and whoever asks again gets them at once. Nothing is
decided, spent or written here, and no label of a sealed row is read: an answer to its text is no look.
"""

from collections.abc import Sequence

from mlgate import artifacts, corpus
from mlgate.exam.attempt import Attempt
from mlgate.gate import REJECT
from mlgate.root import Root


def ask_production(root: Root, *splits: str) -> None:
    """Have production answer the texts of these splits, and take the fingerprint of the rows that cards name."""
    _ask(root, artifacts.load_production(root), splits)
    corpus.fingerprint(corpus.split("train", root))


def ask_candidate(root: Root, *splits: str) -> None:
    """Have the candidate answer the texts of these splits."""
    _ask(root, artifacts.load_candidate(root), splits)


def prepare_exam(root: Root) -> None:
    """Have the candidate answer what the exam asks it: the sealed texts too, unless validation rows reject it."""
    with artifacts.fenced(artifacts.load_candidate(root)) as candidate:  # one child process for all that it is asked
        # Whether it has to be trained again, the exam will see.
        attempt = Attempt(root, artifacts.load_production(root), candidate, trained=candidate.digest)
        if attempt.preview.decision != REJECT:
            _ask(root, candidate, ["holdout"])


def _ask(root: Root, model: artifacts.Model, splits: Sequence[str]) -> None:
    for name in splits:
        artifacts.answer_once(model, corpus.split(name, root)["text"].tolist())
