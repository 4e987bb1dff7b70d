"""One candidate's attempt to win: the pair, the rows, the demands and the history that the exam's rules ask about."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from mlgate import corpus, ledger
from mlgate.answers import scoring
from mlgate.artifacts import Model
from mlgate.corpus import Rows
from mlgate.errors import MlgateError
from mlgate.exam import holdout, provenance
from mlgate.gate import Check, Code, Look, Verdict, guards, judge
from mlgate.root import Policy, Root, policy_from
from mlgate.scorecard import Scorecard

# The last pair's answers to validation rows: a kernel that waits for its turn asks ahead (ahead.py).
REMEMBERED: dict[tuple[Any, ...], Scorecard] = {}


def policy_of(root: Root) -> Policy:
    """Return the policy in the root's gate.toml. The exam decides by accuracy, which its looks and labels count."""
    if not root.policy.is_file():
        raise MlgateError(f"There is no {root.policy}. It says what the gate demands: copy the project's own.")
    policy = policy_from(root.settings())
    if policy.metric != "accuracy":
        raise MlgateError(
            f"gate.toml: [decision] metric = {policy.metric!r} is for `mlgate judge`; the exam decides by accuracy."
            " Take the line out here, and say it there: mlgate judge --metric."
        )
    return policy


@dataclass(frozen=True)
class Attempt:
    """What is known of an attempt. Each part is made when it is first asked for, so that nobody pays for the others.

    The caller holds the root's lock. trained: the digest of the model that this very run trained, where it says so.
    """

    root: Root
    production: Model
    candidate: Model
    trained: str | None = None

    @cached_property
    def policy(self) -> Policy:
        """The demands in gate.toml."""
        return policy_of(self.root)

    @cached_property
    def entries(self) -> list[ledger.Entry]:
        """The ledger as it was when the attempt began."""
        return ledger.read(self.root)

    @cached_property
    def validation_rows(self) -> Rows:
        """The rows that anybody may explore."""
        return corpus.rows_of("validation", self.root)

    @cached_property
    def holdout_rows(self) -> Rows:
        """The sealed rows."""
        return corpus.rows_of("holdout", self.root)

    @cached_property
    def on_validation(self) -> Scorecard:
        """What both models answer to the validation rows, and what the probes found."""
        models = [(model.digest, model.limits, model.fault) for model in (self.production, self.candidate)]
        key = (*models, self.validation_rows.digest)
        if key not in REMEMBERED:
            REMEMBERED.clear()
            REMEMBERED[key] = scoring.score(self.production, self.candidate, self.validation_rows)
        return REMEMBERED[key]

    @cached_property
    def on_holdout(self) -> Scorecard:
        """What both models answer to the sealed rows. The probes need no sealed rows: they are those of validation."""
        sealed = scoring.score(self.production, self.candidate, self.holdout_rows, probing=False)
        return replace(sealed, probes=self.on_validation.probes)

    @cached_property
    def reproducible(self) -> Check:
        """Whether the candidate is what its card says. It is trained again at most once."""
        return provenance.reproducible(self.root, self.policy, self.candidate, self.trained)

    @cached_property
    def preview(self) -> Verdict:
        """The verdict on validation rows."""
        return self.judge(self.on_validation, self.unspent("decided on validation rows"))

    def looks_left_on_holdout(self) -> int:
        """Return how many looks the sealed rows' generation has left. A new one is written into the ledger first."""
        holdout.generation(self.root, self.policy)
        return self.looks_left()

    def looks_left(self) -> int:
        """Return how many looks are left of the generation in use."""
        return ledger.looks_left(ledger.read(self.root), self.policy)

    def judged_on(self, rows: Rows) -> dict[str, Any] | None:
        """Return the verdict that the ledger has on this pair, these rows and these demands, or None."""
        names = (self.production.digest, self.candidate.digest, rows.digest, self.policy.digest)
        return ledger.verdict_on(self.entries, *names)

    def judge(self, scorecard: Scorecard, look: Look, *extra: Check) -> Verdict:
        """Return the gate's verdict on a scorecard, with the checks of where both models come from."""
        if not scorecard.candidate.fault and not scorecard.same_model:
            level = guards.level(scorecard, self.policy)
            pair = (self.production, self.candidate)
            extra += provenance.checks(self.root, self.policy, *pair, level=level)
            extra += (self.reproducible,)
        return judge(scorecard, self.policy, extra, look)

    def hold(self, code: Code, reason: str) -> Verdict:
        """Return a HOLD for this reason, with the figures of the validation rows: the sealed ones stay unread."""
        check = Check(code, "undecided", "hold", reason)
        return self.judge(self.on_validation, self.unspent(reason), check)

    def unspent(self, why: str) -> Look:
        """Return what to say of looks where none is spent."""
        return Look(spent=False, left=self.looks_left(), why=why)
