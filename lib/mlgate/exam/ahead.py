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
    """Have production answer the texts of these splits."""
    _ask(root, artifacts.load_production(root), splits)


def ask_candidate(root: Root, trained: str | None) -> None:
    """Have the candidate answer what the exam asks it: the sealed texts too, unless validation rows reject it.

    trained: as for `exam.take`. One that came otherwise is not asked: it is trained again first, and that takes longer.
    """
    attempt = Attempt(root, artifacts.load_production(root), artifacts.load_candidate(root), trained=trained)
    if attempt.candidate.digest == trained and attempt.preview.decision != REJECT:
        _ask(root, attempt.candidate, ["holdout"])


def _ask(root: Root, model: artifacts.Model, splits: Sequence[str]) -> None:
    for name in splits:
        artifacts.answer_once(model, corpus.split(name, root)["text"].tolist())
