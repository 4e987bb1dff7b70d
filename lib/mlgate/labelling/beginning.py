"""Begin a session: only where labels can decide, with a plan of what they will cost."""

from mlgate import artifacts, ledger, promotion
from mlgate.artifacts import locked
from mlgate.errors import MlgateError
from mlgate.exam import holdout, looks
from mlgate.exam.attempt import Attempt
from mlgate.gate import guards
from mlgate.gate.planning import outlook
from mlgate.gate.sequential import Rule, least_labels, null_share, rule_for
from mlgate.labelling.pool import Pool, Traffic, answered
from mlgate.labelling.session import Session, begin, opened
from mlgate.promotion.promotion import BRING_BACK
from mlgate.root import Policy, Root, section

BUDGET = 400  # labels, unless somebody says otherwise
PLANNED = (1, 2)  # points of accuracy
WITHOUT_LABELS = (
    looks.same_model,
    looks.rejected_before,
    looks.rejected_on_validation,
    looks.rolled_back,
    looks.blocked_without_labels,
)


def new(root: Root, traffic: Traffic | None = None, budget: int = BUDGET) -> tuple[Session, Pool]:
    """Begin to label what decides between production and the candidate, on a file of unlabelled rows. It is a look.

    Without a file: on the unlabelled holdout, which has looks of its own. Else it is a look at the exam's generation.

    Where this pair was begun on these rows before, that session goes on. Raises MlgateError, with nothing begun and no
    look spent, where rows, models or budget cannot decide anything.
    """
    if budget < 1:
        raise MlgateError("A budget is one label or more.")
    with locked(root):
        promotion.tidy(root)
        promotion.require_known(root, ledger.read(root))
        attempt = Attempt(root, artifacts.load_production(root), artifacts.load_candidate(root))
        pair = (attempt.production.digest, attempt.candidate.digest)
        if attempt.candidate.fault:
            raise MlgateError(f"The candidate cannot be used: {attempt.candidate.fault}. No label is needed.")
        pool = answered(root, traffic or _frozen(root), attempt.production, attempt.candidate)
        before = _begun(root, pool, pair)
        if before:
            return before, pool
        _require_open_question(attempt)
        policy = attempt.policy
        generation = _generation(root, policy, frozen=traffic is None)
        horizon = min(budget, len(pool.different))
        _require_winnable(pool, rule_for(len(pool.different), pool.count, horizon, policy.alpha_look, policy.margin))
        facts = {
            "horizon": horizon,
            "alpha": policy.alpha_look,
            "margin": policy.margin,
            "generation": generation,
            "policy": policy.digest,
            "corpus": section(root.settings(), "corpus"),
        }
        checks = [check for check in attempt.preview.checks if not check.uses_labels and check.code != "identical"]
        known = {
            "classes": [str(name) for name in attempt.production.classes],
            "checks": [check.as_dict() for check in checks],
            "level": guards.level(attempt.on_validation, policy),
        }
        return begin(root, pool, pair, known, facts), pool


def _frozen(root: Root) -> Traffic:
    """Return the unlabelled holdout. Raises MlgateError where there is none, or it was changed."""
    line = ledger.unlabelled_holdout(ledger.read(root))
    if line is None:
        raise MlgateError(
            "There is no unlabelled holdout. Name a file, or freeze one: mlgate holdout new rows.csv --unlabelled."
        )
    path = root.unlabelled_holdout
    if artifacts.digest(artifacts.read_bytes(path, BRING_BACK)) != line["rows"]["digest"]:
        raise MlgateError(f"{path} was changed. {BRING_BACK}")
    return Traffic(path, slice_column="source")


def _generation(root: Root, policy: Policy, frozen: bool) -> int:
    """Return the generation that a look is to be taken at. Raises MlgateError where it has none left."""
    number = holdout.generation(root, policy)
    entries = ledger.read(root)
    line = ledger.unlabelled_holdout(entries)
    if frozen and line:
        number = line["generation"]
    if not ledger.looks_left(entries, policy, number):
        raise MlgateError(
            "No label is needed: no look is left on these rows. Bring rows that nobody has read: mlgate holdout new"
            " rows.csv --unlabelled."
        )
    return number


def _begun(root: Root, pool: Pool, pair: tuple[str, str]) -> Session | None:
    """Return this pair's session on these rows, or None. Raises MlgateError where it was left for others."""
    mine = [line for line in ledger.labellings(ledger.read(root)) if (line["production"], line["candidate"]) == pair]
    same = [line for line in mine if line["rows"]["digest"] == pool.digest]
    if not same:
        return None
    if same[-1] is not mine[-1]:
        raise MlgateError("This pair was labelled on these rows before, and then on others: go on with those.")
    return opened(root, same[-1])


def _require_open_question(attempt: Attempt) -> None:
    """Raise MlgateError where it is decided already, by a rule of the exam that needs no label of new rows."""
    for rule in WITHOUT_LABELS:
        outcome = rule(attempt)
        if outcome is not None:
            said = outcome.verdict
            raise MlgateError(f"No label is needed: {said['decision']}, {said['reason']}. Nothing was begun.")


def _require_winnable(pool: Pool, rule: Rule) -> None:
    if rule.horizon == 0:
        raise MlgateError(f"Both models answer all {pool.count:,} rows alike: there is nothing to label.")
    least = least_labels(rule)
    if least > rule.horizon:
        raise MlgateError(
            f"Nothing could be decided: the models disagree on {len(pool.different):,} of {pool.count:,} rows, and"
            f" {rule.horizon:,} labels are too few at a level of {rule.alpha:g}. Bring more rows, or a larger --budget."
        )


def plan(session: Session) -> str:
    """Return in words what labelling will cost, and what it can show, before a label is there."""
    line = session.line
    discordance = line["different"] / line["rows"]["count"]
    sentences = [
        f"The models answer {line['different']:,} of {line['rows']['count']:,} rows differently ({discordance:.1%}):"
        f" only those are labelled, at most {line['horizon']:,}, in an order that the ledger fixed.",
        f"Each of the two decisions is wrong at most {line['alpha']:.2%} of the time, whenever you stop.",
    ]
    for points in PLANNED:
        share = null_share(discordance, points / 100)
        if share < 1:
            found = outlook(session.rule, share)
            sentences.append(
                f"A candidate better by {points} point{'s' * (points > 1)} wins {share:.0%} of these rows: it is"
                f" promoted with a probability of {found.promoted:.2f}, and labelling ends, in the middle of all cases,"
                f" after {found.labels:,} labels."
            )
    worse = outlook(session.rule, 1 - null_share(discordance, PLANNED[-1] / 100))
    sentences.append(f"One worse by {PLANNED[-1]} points is rejected typically after {worse.labels:,}.")
    return "\n".join(sentences)
