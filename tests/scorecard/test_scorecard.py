"""Scorecards are counts: they add up, in any order, and do not care how many rows there were or how they came."""

import itertools
import tracemalloc
from collections import Counter
from dataclasses import replace

from mlgate import scorecard as module
from mlgate.errors import MlgateError
from mlgate.scorecard import Facts, Scorecard, count_answers, merge

import numpy as np
import pytest
from cards import card, of_answers, plain
from sklearn.metrics import accuracy_score, confusion_matrix

CLASSES = ("a", "b", "c")


def draw(count, classes=3, slices=4, seed=0):
    """Rows as positions: truth, production's and the candidate's answers (one in fifty is none), slices."""
    random = np.random.default_rng(seed)
    truth = random.integers(classes, size=count)
    production = np.where(random.random(count) < 0.7, truth, random.integers(classes, size=count))
    candidate = np.where(random.random(count) < 0.7, truth, random.integers(classes, size=count))
    candidate = np.where(random.random(count) < 0.02, classes, candidate)
    return truth, production, candidate, random.integers(slices, size=count)


def counted(card):
    """{(slice, truth, production, candidate): rows} in words."""
    answers = (*card.classes, None)
    lines = zip(card.cells.tolist(), card.counts.tolist(), strict=True)
    return {(card.slices[s], answers[t], answers[p], answers[c]): count for (s, t, p, c), count in lines}


@pytest.fixture(scope="module")
def rows():
    return draw(20_000)


@pytest.fixture(scope="module")
def whole(rows):
    return of_answers(*rows[:3], CLASSES, rows[3], names=("north", "east", "south", "west"))


# ---- counting ----


def test_cells_count_every_combination_that_occurred_and_no_other(rows):
    cells, counts = count_answers(*rows[:3], 3, rows[3])
    expected = Counter(zip(*(column.tolist() for column in (rows[3], *rows[:3])), strict=True))
    assert {tuple(cell): count for cell, count in zip(cells.tolist(), counts.tolist(), strict=True)} == dict(expected)


@pytest.mark.parametrize("chunk", [1, 7, 1_000, 20_000, 20_001])
@pytest.mark.parametrize("classes", [3, 70], ids=["few classes", "many classes"])
def test_counting_in_chunks_is_counting_at_once(monkeypatch, chunk, classes):
    rows = draw(2_000 if chunk == 1 else 20_000, classes)
    once = count_answers(*rows[:3], classes, rows[3])
    monkeypatch.setattr(module, "CHUNK", chunk)
    for found, expected in zip(count_answers(*rows[:3], classes, rows[3]), once, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_counting_does_not_depend_on_the_order_of_rows(rows):
    order = np.random.default_rng(1).permutation(20_000)
    shuffled = count_answers(*(column[order] for column in rows[:3]), 3, rows[3][order])
    for found, expected in zip(shuffled, count_answers(*rows[:3], 3, rows[3]), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int32, np.int64])
def test_positions_of_any_integer_type_do_not_overflow(kind):
    columns = [column.astype(kind) for column in draw(5_000, 100, 100)]
    cells, counts = count_answers(*columns[:3], 100, columns[3])
    assert counts.sum() == 5_000
    expected = set(zip(*(column.tolist() for column in (columns[3], *columns[:3])), strict=True))
    assert set(map(tuple, cells.tolist())) == expected


def test_memory_does_not_grow_with_the_rows():
    def peak(count):
        columns = [np.random.default_rng(0).integers(2, size=count, dtype=np.int8) for _ in range(3)]
        tracemalloc.start()
        count_answers(*columns, 2)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(6 * module.CHUNK) < 1.3 * peak(2 * module.CHUNK)


# ---- adding up ----


def part(rows, chosen, name):
    """The scorecard of some of the rows, its slices in an order of its own."""
    truth, production, candidate, slices = (column[chosen] for column in rows)
    present = np.unique(slices)
    places = np.searchsorted(present, slices)
    names = np.array(["north", "east", "south", "west"])[present]
    made = of_answers(truth, production, candidate, CLASSES, places, tuple(names), digest=name * 64)
    scores = np.array([[(slices == s).sum(), *np.random.default_rng(s).random(3)] for s in present])
    return replace(made, scores=scores, reliability=np.full((2, module.BINS, 3), float(len(truth))))


@pytest.fixture(scope="module")
def parts(rows):
    slices, thirds = rows[3], np.arange(20_000) % 3
    return [part(rows, (slices == 1) | (thirds == 0), "1"), part(rows, (slices > 1) & (thirds == 1), "2"),
            part(rows, (slices != 1) & (thirds == 2), "3"), part(rows, (slices == 0) & (thirds == 1), "4")]  # fmt: skip


def test_the_scorecard_of_a_file_is_the_sum_of_those_of_its_parts_in_any_order(whole, parts):
    sums = [sum(order[1:], order[0]) for order in itertools.permutations(parts)]
    sums += [(parts[0] + parts[1]) + (parts[2] + parts[3])]
    for total in sums:
        assert counted(total) == counted(whole)
        np.testing.assert_array_equal(total.cells, sums[0].cells)
        np.testing.assert_array_equal(total.counts, sums[0].counts)
        np.testing.assert_allclose(total.scores, sums[0].scores)
        np.testing.assert_array_equal(total.reliability, np.full((2, module.BINS, 3), 20_000.0))
        assert (total.slices, total.digest) == (sums[0].slices, sums[0].digest)
        assert total.count == 20_000
        assert total.accuracy == whole.accuracy
        assert total.discordant == whole.discordant


def test_scores_stay_with_their_slice(parts):
    total = parts[3] + parts[0]
    for name in total.slices:
        alone = [p.scores[p.slices.index(name)] for p in (parts[0], parts[3]) if name in p.slices]
        np.testing.assert_allclose(total.scores[total.slices.index(name)], sum(alone))


def test_parts_that_know_different_classes_add_up():
    one = of_answers(np.array([0, 1]), np.array([0, 0]), np.array([0, 2]), ("a", "c"))
    other = of_answers(np.array([0, 1]), np.array([1, 1]), np.array([2, 1]), ("b", "c"))
    for total in (one + other, other + one):
        assert total.classes == ("a", "b", "c")
        assert counted(total) == {
            ("", "a", "a", "a"): 1,
            ("", "c", "a", None): 1,
            ("", "b", "c", None): 1,
            ("", "c", "c", "c"): 1,
        }


@pytest.mark.parametrize("side", ["production", "candidate"])
def test_scorecards_of_other_models_do_not_add_up(side):
    one, other = (plain(5, 5, **{side: Facts(digest=name * 64)}) for name in "ab")
    with pytest.raises(ValueError, match="different models"):
        one + other


def test_a_fault_on_any_part_is_a_fault_of_the_whole():
    good = plain(5, 5, candidate=Facts("a", predict_seconds=1.0))
    bad = plain(5, 5, candidate=Facts("a", predict_seconds=2.0, fault="it raises"))
    for total in (good + bad, bad + good):
        assert total.candidate.fault == "it raises"
        assert total.candidate.predict_seconds == 3.0
    assert (good + good).candidate.fault is None


def test_one_sealed_part_seals_the_whole():
    assert (plain(1, 2, sealed=True) + plain(3, 4)).sealed
    assert (plain(1, 2) + plain(3, 4, sealed=True)).sealed
    assert not (plain(1, 2) + plain(3, 4)).sealed


def test_the_digest_of_one_file_is_its_own_and_that_of_several_depends_on_each():
    truth = np.array([0, 1])
    one, two, three = (of_answers(truth, truth, truth, "ab", digest=name * 64) for name in "123")
    assert one.digest == "1" * 64
    assert len({card.digest for card in (one, one + two, one + three, one + one, one + two + three)}) == 5
    assert (one + two).name == "rows + rows"


# ---- what is read off a scorecard ----


def test_everything_that_is_read_off_agrees_with_scikit_learn(rows, whole):
    truth, production, candidate, slices = rows
    assert whole.accuracy == (accuracy_score(truth, production), accuracy_score(truth, candidate))
    for name, answers in (("production", production), ("candidate", candidate)):
        expected = confusion_matrix(truth, answers, labels=range(4))[:3]
        np.testing.assert_array_equal(whole.confusion(name), expected)
    right, wrong = candidate == truth, production != truth
    assert whole.discordant == ((right & wrong).sum(), (~right & ~wrong).sum())
    assert whole.answered_differently == (production != candidate).sum()
    usual = np.bincount(truth).argmax()
    assert whole.against_one_class == ((right & (truth != usual)).sum(), (~right & (truth == usual)).sum())
    for place, name in enumerate(whole.slices):
        assert whole.rows_of_slice(name) == (slices == place).sum()
        mine = slices == place
        assert whole.of_slices(name).accuracy == (
            accuracy_score(truth[mine], production[mine]),
            accuracy_score(truth[mine], candidate[mine]),
        )


def test_several_slices_together_are_their_sum(whole):
    both = whole.of_slices("north", "west")
    assert both.count == whole.rows_of_slice("north") + whole.rows_of_slice("west")
    assert whole.of_slices("nowhere") is None
    assert whole.rows_of_slice("nowhere") == 0


def test_swapped_models_swap_everything(rows, whole):
    truth, production, candidate, slices = rows
    candidate = np.minimum(candidate, 2)
    one = of_answers(truth, production, candidate, CLASSES, slices, whole.slices)
    other = of_answers(truth, candidate, production, CLASSES, slices, whole.slices)
    assert other.accuracy == one.accuracy[::-1]
    assert other.discordant == one.discordant[::-1]
    assert other.answered_differently == one.answered_differently
    np.testing.assert_array_equal(other.confusion("candidate"), one.confusion("production"))


def test_without_probabilities_there_is_no_brier_score():
    assert plain(5, 5).brier is None
    assert plain(5, 5).calibration_error is None
    scores = np.array([[100.0, 20.0, 30.0, 1.0]])
    assert replace(plain(5, 5), scores=scores).brier == (0.2, 0.3)


def test_calibration_error_is_the_mean_gap_between_confidence_and_right_answers():
    reliability = np.zeros((2, module.BINS, 3))
    reliability[:, 3] = [10, 3.0, 3]
    reliability[:, 14] = [[30, 29.0, 29], [30, 29.0, 20]]
    assert replace(plain(5, 5), reliability=reliability).calibration_error == (0.0, pytest.approx(9 / 40))


# ---- rows nothing can be learnt from ----


def test_a_scorecard_without_rows_or_of_one_class_is_refused():
    empty, parts = np.zeros((0, 4), dtype=np.int64), (("rows.csv", 0, "0" * 64),)
    with pytest.raises(MlgateError, match=r"There are no rows in rows\.csv\. Give it rows\."):
        Scorecard(("a", "b"), ("",), empty, np.zeros(0, dtype=np.int64), np.zeros((1, 4)), parts)
    ones = np.ones(9, dtype=np.int64)
    with pytest.raises(MlgateError, match=r"All rows of rows have one label\. Nothing can be compared"):
        of_answers(ones, ones, 1 - ones, ("a", "b"))


def test_merging_nothing_is_nothing():
    cells, counts = merge(np.zeros((0, 4), dtype=np.int64), np.zeros(0, dtype=np.int64))
    assert cells.shape == (0, 4)
    assert counts.shape == (0,)


def test_cards_made_by_hand_say_what_they_were_made_from():
    made = card(("x", 3, 5, 40, 12), ("y", 1, 0, 9, 0))
    assert made.discordant == (4, 5)
    assert made.count == 70
    assert made.of_slices("x").discordant == (3, 5)
    assert made.accuracy == (54 / 70, 53 / 70)
