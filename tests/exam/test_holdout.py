"""Promise 9's other half: new rows begin a new budget of looks, and nothing else does."""

import csv
import itertools

from mlgate import corpus, ledger
from mlgate.errors import MlgateError
from mlgate.exam import holdout
from mlgate.root import Policy, Root

import numpy as np
import pytest
from crashes import verdict_on

SETTINGS = '[corpus]\npath = "rows.csv"\n'
REQUIRED = 'required = ["imdb", "rotten_tomatoes"]'  # in gate.toml as it is shipped
POLICY = Policy(alpha=0.05, looks=20)


def is_sealed(text: str) -> bool:
    """Whether the split puts a text into the holdout."""
    return corpus.split_of(corpus.bucket(text)) == "holdout"


def sealed_texts(count: int) -> list[str]:
    """Texts that the split puts into the holdout."""
    numbered = (f"a review with the number {number}" for number in itertools.count())
    sealed = (text for text in numbered if is_sealed(text))
    return list(itertools.islice(sealed, count))


TEXTS = sealed_texts(320)


@pytest.fixture
def root(tmp_path) -> Root:
    """A root with a corpus of its own, which `put` fills."""
    root = Root(tmp_path)
    root.policy.write_text(SETTINGS)
    return root


def put(root: Root, texts: list[str]) -> None:
    """Make these the corpus's texts."""
    labels = itertools.cycle(("bad", "good"))
    with open(root.path / "rows.csv", "w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *zip(texts, labels, strict=False)])


def generation_of(root: Root, texts: list[str], policy: Policy = POLICY) -> int:
    """The generation of the holdout once these are the corpus's texts."""
    put(root, texts)
    return holdout.generation(root, policy)


def spend(root: Root, policy: Policy, looks: int) -> None:
    """Write down so many looks at the generation in use."""
    number = ledger.current_holdout(ledger.read(root))["generation"]
    facts = {"verdict": verdict_on("1" * 64, "2" * 64, "HOLD"), "verdict_sha256": "0" * 64}
    for _ in range(looks):
        ledger.append(root, "look", alpha=policy.alpha_look, generation=number, **facts)


def looks_left(root: Root, policy: Policy = POLICY) -> int:
    return ledger.looks_left(ledger.read(root), policy)


def test_rows_that_were_read_in_any_earlier_state_of_a_generation_bring_no_new_budget(root):
    assert generation_of(root, TEXTS[:200]) == 1
    spend(root, POLICY, 20)
    assert generation_of(root, TEXTS[100:300]) == 1
    assert generation_of(root, TEXTS[:100]) == 1  # no row of these is among the last ones, but all were read
    assert looks_left(root) == 0


def test_one_row_that_was_read_is_enough_to_go_on_with_the_budget(root):
    generation_of(root, TEXTS[:100])
    spend(root, POLICY, 3)
    assert generation_of(root, [TEXTS[0], *TEXTS[100:300]]) == 1
    assert looks_left(root) == 17


def test_rows_that_nobody_read_begin_a_generation_with_a_budget_of_its_own(root):
    generation_of(root, TEXTS[:100])
    spend(root, POLICY, 20)
    assert generation_of(root, TEXTS[100:200]) == 2
    assert looks_left(root) == 20
    assert generation_of(root, TEXTS[200:300]) == 3
    assert generation_of(root, TEXTS[:100]) == 1  # and the old rows still have the budget that they had
    assert looks_left(root) == 0


def test_alpha_belongs_to_the_generation_so_that_no_edit_of_gate_toml_and_a_row_brings_looks_back(root):
    generation_of(root, TEXTS[:200])
    spend(root, POLICY, 20)
    raised = Policy(alpha=0.1, looks=20)
    assert generation_of(root, TEXTS[1:201], raised) == 1
    assert ledger.current_holdout(ledger.read(root))["alpha"] == 0.05
    assert looks_left(root, raised) == 0


def test_the_number_of_looks_belongs_to_the_generation_too(root):
    generation_of(root, TEXTS[:200])
    spend(root, POLICY, 20)
    finer = Policy(alpha=0.05, looks=100_000)
    assert generation_of(root, TEXTS[1:201], finer) == 1
    assert ledger.current_holdout(ledger.read(root))["looks"] == 20
    assert looks_left(root, finer) == 0
    assert generation_of(root, TEXTS[201:300], Policy(alpha=0.05, looks=40)) == 2
    assert ledger.current_holdout(ledger.read(root))["looks"] == 40


def test_rows_that_were_read_with_a_sign_more_are_rows_that_were_read(root):
    generation_of(root, TEXTS[:200])
    spend(root, POLICY, 20)
    changed = [f"{text} ." for text in TEXTS[:200]]
    assert generation_of(root, [text for text in changed if is_sealed(text)]) == 1
    assert looks_left(root) == 0
    assert generation_of(root, TEXTS[200:300]) == 2


def test_a_row_counts_as_known_once_however_many_known_rows_it_is_like():
    known = np.array([1, 2, 3], dtype=np.uint64)
    whole, near = holdout._known(np.array([[9, 1, 5], [8, 1, 6], [7, 1, 9], [2, 3, 3]], dtype=np.uint64), known)
    assert (whole, near) == (1, 3)


def test_fresh_rows_that_begin_like_old_ones_by_chance_are_fresh(root):
    """Letters that all begin alike: so do the corpus's own rows of different splits."""
    polite = [f"Dear Sir or Madam I am writing to you because of my order {number}" for number in range(2_000)]
    sealed = [text for text in polite if is_sealed(text)]
    others = [text for text in polite if not is_sealed(text)]
    generation_of(root, [*sealed[:100], *others])
    assert generation_of(root, [*sealed[100:200], *others]) == 2


def test_what_chance_gives_is_the_share_of_the_holdouts_own_rows_and_one_row_more(alike_root):
    count = len(corpus.split("holdout", alike_root))
    assert holdout._share_by_chance(alike_root) == (count + 1) / count


def test_the_same_rows_add_no_line_in_whatever_order_they_stand(root):
    generation_of(root, TEXTS[:100])
    before = root.ledger.read_bytes()
    assert generation_of(root, TEXTS[:100]) == 1
    put(root, TEXTS[:100])
    lines = (root.path / "rows.csv").read_text().splitlines(keepends=True)
    (root.path / "rows.csv").write_text("".join([lines[0], *reversed(lines[1:])]))
    assert holdout.generation(root, POLICY) == 1
    assert root.ledger.read_bytes() == before


@pytest.mark.parametrize("spoil", [lambda path: path.unlink(), lambda path: path.write_bytes(b"8 bytes.")])
def test_without_the_fingerprints_of_earlier_rows_nothing_is_begun(root, spoil):
    generation_of(root, TEXTS[:100])
    [kept] = root.holdouts.glob("*.keys")
    spoil(kept)
    before = root.ledger.read_bytes()
    with pytest.raises(MlgateError, match="git checkout -- artifacts_prod"):
        generation_of(root, TEXTS[100:200])
    assert root.ledger.read_bytes() == before


def test_rows_that_come_back_after_an_edit_are_written_down_again_as_the_ones_in_use(root):
    first = TEXTS[:100]
    generation_of(root, first)
    digest = ledger.current_holdout(ledger.read(root))["rows"]["digest"]
    generation_of(root, TEXTS[50:150])
    assert generation_of(root, first) == 1
    assert ledger.current_holdout(ledger.read(root))["rows"]["digest"] == digest


def written(root: Root, rows: list[tuple[str, str, str]]) -> corpus.Source:
    """A file of texts, labels and channels."""
    path = root.path / "new.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label", "channel"), *rows])
    return corpus.Source(path, slice_column="channel")


def require(root: Root, slices: str) -> None:
    """Have gate.toml require these slices."""
    policy = root.policy.read_text()
    assert REQUIRED in policy
    root.policy.write_text(policy.replace(REQUIRED, f"required = [{slices}]"))


def new_rows(count: int, labels: tuple[str, ...] = ("positive", "negative")) -> list[tuple[str, str, str]]:
    """Rows that nobody has read."""
    each = zip(range(count), itertools.cycle(labels), itertools.cycle(("mail", "chat", "")), strict=False)
    return [(f"{number} times seen, {number} times liked: film {number}", *others) for number, *others in each]


def test_new_rows_become_the_holdout_and_say_how_many_looks_they_bring(root_with_production):
    root = root_with_production
    require(root, "")
    said = holdout.renew(root, written(root, new_rows(120)))
    assert said == "Holdout generation 2: 120 rows, 20 looks. The old rows are training rows now."
    assert corpus.split("holdout", root)["source"].value_counts().to_dict() == {"mail": 40, "chat": 40, "": 40}
    assert len(corpus.split("train", root)) > 2_500  # the old ones have joined some thousand


@pytest.mark.slow
def test_new_rows_that_could_not_judge_change_nothing(root_with_production):
    root = root_with_production
    before = root.ledger.read_bytes()
    for rows, why in (
        (
            [*new_rows(9), ("never seen: film 99", "meh", "mail")],
            "'meh'; production's classes are negative, positive",
        ),
        (new_rows(9, ("positive",)), "have one label"),
        ([*new_rows(9), new_rows(1)[0]], "has 1 duplicate texts"),
    ):
        with pytest.raises(MlgateError, match=why):
            holdout.renew(root, written(root, rows))
    require(root, '"mail"')
    for begin in (holdout.renew, holdout.freeze):
        with pytest.raises(MlgateError, match=r"has 40 rows of the slice 'mail', .*: at least 100 are needed"):
            begin(root, written(root, new_rows(120)))
    assert root.ledger.read_bytes().startswith(before)
    assert not root.new_holdout.exists()
    assert not root.unlabelled_holdout.exists()


def test_unlabelled_rows_are_a_generation_of_their_own(root_with_production):
    root = root_with_production
    require(root, "")
    said = holdout.freeze(root, written(root, new_rows(120)))
    assert said.startswith("Holdout generation 2: 120 unlabelled rows, 20 looks.")
    [line] = [line for line in ledger.holdouts(ledger.read(root)) if line.get("unlabelled")]
    assert (line["generation"], line["rows"]["count"], line["alpha"], line["looks"]) == (2, 120, 0.05, 20)
    assert ledger.current_holdout(ledger.read(root))["generation"] == 1
    rows = list(csv.DictReader(root.unlabelled_holdout.open(newline="")))
    assert [(row["text"], row["source"]) for row in rows[:3]] == [
        ("0 times seen, 0 times liked: film 0", "mail"),
        ("1 times seen, 1 times liked: film 1", "chat"),
        ("2 times seen, 2 times liked: film 2", "(empty)"),
    ]
    with pytest.raises(MlgateError, match=r"120 of 120 rows in .* are known already"):
        holdout.freeze(root, written(root, new_rows(120)))
    with pytest.raises(MlgateError, match="has a header but no rows"):
        holdout.freeze(root, written(root, []))
    with pytest.raises(MlgateError, match=r"/\w+\.csv, row 3: column 'text' is empty"):
        holdout.freeze(root, written(root, [*new_rows(2), (" ", "positive", "mail")]))
