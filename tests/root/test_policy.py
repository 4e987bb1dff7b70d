"""gate.toml says what the gate demands; a wrong section, key, type or range gets a sentence that names it."""

import tomllib
from dataclasses import asdict, fields

from mlgate.errors import MlgateError
from mlgate.root import ACTIONS, KEYS, Policy, policy_from, read_settings, section
from mlgate.root.policy import DEMANDED

import pytest
from conftest import GATE, REPOSITORY

COMMITTED = GATE
NUMBERS = [item for item in fields(Policy) if item.metadata["low"] is not None]
RANGES = {
    "alpha": (1e-6, 0.5), "looks": (1, 100_000), "margin": (-0.5, 0.5), "floor": (0, 1), "guards_alpha": (1e-6, 0.5),
    "accuracy": (0, 1), "tolerance": (0, 0.5), "classes_tolerance": (0, 1), "minimum_rows": (1, 1_000_000_000),
    "flips": (0, 1),
    "brier_tolerance": (0, 1), "calibration_tolerance": (0, 1), "too_good": (0, 1), "brittle_tolerance": (0, 1),
    "slower": (1, 1_000_000), "megabytes": (0.001, 1_000_000),
}  # fmt: skip
WORDS = [item for item in fields(Policy) if item.name.endswith("_action")]


def place(item):
    return f"[{item.metadata['part']}] {item.metadata['key']}"


def read(text, folder):
    path = folder / "gate.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return policy_from(read_settings(path))


def refused(text, folder):
    with pytest.raises(MlgateError) as caught:
        read(text, folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ---- what stands where ----


def test_the_defaults_are_those_of_the_design(tmp_path):
    policy = read("", tmp_path)
    assert (policy.alpha, policy.looks, policy.margin) == (0.05, 20, 0.0)
    assert policy.alpha_look == pytest.approx(0.0025)
    assert policy.accuracy is None
    assert policy == Policy()


def test_where_gate_toml_is_silent_the_committed_values_hold_but_for_what_needs_a_task_or_a_person(tmp_path):
    silent, committed = asdict(Policy()), asdict(policy_from(read_settings(COMMITTED)))
    other = {name: value for name, value in silent.items() if value != committed[name]}
    assert other == {
        "accuracy": None,
        "required": (),
        "one_class_action": "report",
        "flips_action": "report",
    }


def test_the_repositorys_own_gate_toml_is_the_shipped_one_until_it_names_another_corpus_or_candidate():
    own = read_settings(REPOSITORY / "gate.toml")
    policy_from(own)
    shipped = read_settings(GATE)
    if "corpus" not in own:
        assert own | {"candidate": shipped["candidate"]} == shipped, "copy gate.toml to tests/gate.toml, too"


def test_the_ranges_do_not_move_unnoticed():
    assert {item.name: (item.metadata["low"], item.metadata["high"]) for item in NUMBERS} == RANGES


def test_the_committed_gate_toml_is_read_names_every_value_and_says_what_each_section_is_for():
    policy_from(read_settings(COMMITTED))
    text = COMMITTED.read_text(encoding="utf-8")
    stands = tomllib.loads(text)
    for item in fields(Policy):
        written = item.metadata["key"] in stands[item.metadata["part"]]
        assert written or f"\n# {item.metadata['key']} = " in text, place(item)
    for part in DEMANDED:
        body = text.split(f"\n[{part}]")[1].split("\n[")[0]
        assert "# " in body


@pytest.mark.parametrize("item", NUMBERS, ids=place)
def test_each_number_comes_from_its_place_and_may_be_anything_in_its_range(item, tmp_path):
    low, high = item.metadata["low"], item.metadata["high"]
    for value in (low, high):
        text = f"[{item.metadata['part']}]\n{item.metadata['key']} = {value}"
        policy = read(text, tmp_path)
        assert getattr(policy, item.name) == value
        assert {**asdict(policy), item.name: None} == {**asdict(Policy()), item.name: None}


@pytest.mark.parametrize("item", NUMBERS, ids=place)
def test_a_number_out_of_its_range_is_named_with_the_range(item, tmp_path):
    low, high = item.metadata["low"], item.metadata["high"]
    whole = item.type is int
    for value in (low - 1, high + 1) if whole else (low - 1e-7, high * 1.001 + 1e-9, "inf", "-inf", "nan"):
        said = refused(f"[{item.metadata['part']}]\n{item.metadata['key']} = {value}", tmp_path)
        assert f"gate.toml: {place(item)} must be from {low:g} to {high:g}, not " in said


@pytest.mark.parametrize("item", NUMBERS, ids=place)
@pytest.mark.parametrize("value", ['"0.05"', "true", "[1]", "2026-11-23", "{}"])
def test_a_value_of_the_wrong_type_is_named(item, value, tmp_path):
    said = refused(f"[{item.metadata['part']}]\n{item.metadata['key']} = {value}", tmp_path)
    assert f"gate.toml: {place(item)} must be a {'whole number' if item.type is int else 'number'}, not " in said


def test_looks_are_whole(tmp_path):
    assert "[decision] looks must be a whole number, not 2.5" in refused("[decision]\nlooks = 2.5", tmp_path)


@pytest.mark.parametrize("item", WORDS, ids=place)
def test_each_guard_has_an_action_of_three(item, tmp_path):
    for action in ACTIONS:
        text = f"[{item.metadata['part']}]\n{item.metadata['key']} = '{action}'"
        assert getattr(read(text, tmp_path), item.name) == action
    for wrong in ("'Reject'", "'warn'", "''"):
        said = refused(f"[{item.metadata['part']}]\n{item.metadata['key']} = {wrong}", tmp_path)
        assert f"gate.toml: {place(item)} must be one of 'reject', 'hold', 'report', not {wrong}" in said
    said = refused(f"[{item.metadata['part']}]\n{item.metadata['key']} = false", tmp_path)
    assert f"gate.toml: {place(item)} must be text in quotes, not False" in said


def test_required_slices_are_a_list_of_texts(tmp_path):
    assert read('[slices]\nrequired = ["b", "a"]', tmp_path).required == ("b", "a")
    for wrong in ('"imdb"', "[1]", '["imdb", 2]', "true"):
        assert "[slices] required must be a list of texts" in refused(f"[slices]\nrequired = {wrong}", tmp_path)


@pytest.mark.parametrize("part", DEMANDED)
def test_a_key_with_a_typo_is_named_with_those_there_are(part, tmp_path):
    said = refused(f"[{part}]\ntolerence = 0.01", tmp_path)
    assert f"gate.toml: [{part}] has no key 'tolerence'; it has " in said
    keys = [item.metadata["key"] for item in fields(Policy) if item.metadata["part"] == part]
    assert said.endswith(f"it has {', '.join(keys)}.")


@pytest.mark.parametrize("text", ["[decisions]\nalpha = 0.05", "alpha = 0.05", "[[decision]]\nalpha = 0.05"])
def test_a_section_with_a_typo_is_named_with_those_there_are(text, tmp_path):
    said = refused(text, tmp_path)
    name = text.split("\n")[0].strip("[]").split(" ")[0]
    assert f"gate.toml: there is no section [{name}]; there are " in said
    assert all(part in said for part in DEMANDED)


@pytest.mark.parametrize("text", ["[decision", "[decision]\nalpha = 0,05", "[decision]\nalpha = ", b"\xff\xfe[\x00"])
def test_what_is_not_toml_is_named_with_its_line(text, tmp_path):
    said = refused(text, tmp_path)
    assert f"{tmp_path / 'gate.toml'} cannot be read as TOML: " in said
    assert "Fix that line" in said


@pytest.mark.parametrize("part", ["artifacts", "decision", "candidate"])
@pytest.mark.parametrize("value", ["1" + "0" * 400, "9" * 5_000, "[" * 3_000 + "]" * 3_000, "-" + "9" * 19])
def test_a_number_without_end_is_one_sentence(part, value, tmp_path):
    key = {"artifacts": "max_megabytes", "decision": "looks", "candidate": "severity"}[part]
    path = tmp_path / "gate.toml"
    path.write_text(f"[{part}]\n{key} = {value}\n", encoding="utf-8")

    def read_both():
        settings = read_settings(path)
        policy_from(settings)
        section(settings, part, KEYS.get(part, {}))

    with pytest.raises(MlgateError, match=r"of at most 18 digits|cannot be read as TOML") as caught:
        read_both()
    assert len(str(caught.value)) < 500


def test_a_byte_order_mark_does_no_harm(tmp_path):
    assert read(b"\xef\xbb\xbf[decision]\nlooks = 7", tmp_path).looks == 7


def test_a_policy_that_is_not_there_is_named(tmp_path):
    with pytest.raises(MlgateError, match=r"There is no file .*gate\.toml\. Check the path\."):
        read_settings(tmp_path / "gate.toml")
    with pytest.raises(MlgateError, match="cannot be read"):
        read_settings(tmp_path)


# ---- metrics ----


def test_in_a_metrics_own_unit_a_margin_may_be_any_number(tmp_path):
    cost = "[decision]\nmetric = 'cost'\ncosts = ['a -> b = 9']\n"
    assert read(f"{cost}margin = 40.0", tmp_path).margin == 40
    assert read(f"{cost}[floors]\nvalue = 12.5", tmp_path).floor == 12.5
    assert "margin must be from -0.5 to 0.5" in refused("[decision]\nmetric = 'macro_f1'\nmargin = 40.0", tmp_path)


def test_costs_are_read_and_a_wrong_line_is_named(tmp_path):
    costs = "['a -> b = 9', 'very bad ->  b=0.5 ', 'a->a = -2']"
    policy = read(f"[decision]\nmetric = 'cost'\ncosts = {costs}", tmp_path)
    assert policy.priced == {("a", "b"): 9, ("very bad", "b"): 0.5, ("a", "a"): -2}
    for wrong in ("a, b = 9", "a -> b", "a -> b = much", "a -> b = nan", "a -> b = inf", ""):
        said = refused(f"[decision]\nmetric = 'cost'\ncosts = ['{wrong}']", tmp_path)
        assert f"[decision] costs says {wrong!r}" in said
    assert "needs costs" in refused("[decision]\nmetric = 'cost'", tmp_path)


def test_where_a_metric_weighs_the_classes_their_guard_reports_unless_told_otherwise(tmp_path):
    weighing = "[decision]\nmetric = 'balanced_accuracy'\n"
    assert read(weighing, tmp_path).classes_action == "report"
    assert read(f"{weighing}[classes]\naction = 'hold'", tmp_path).classes_action == "hold"
    assert read("[decision]\nmetric = 'pass_rate'", tmp_path).classes_action == "reject"


# ---- what it is called ----


def test_the_digest_is_that_of_the_demands_and_not_of_the_comments(tmp_path):
    plain = read("[decision]\nalpha = 0.04\n[slices]\naction = 'hold'", tmp_path)
    other = read("# mine\n[slices]\naction = 'hold'  # kind\n\n[decision]\nalpha = 4e-2", tmp_path)
    assert plain.digest == other.digest


def test_a_policy_that_asks_for_nothing_new_keeps_its_digest_so_that_old_verdicts_still_hold(tmp_path):
    before = "631aaa16754891f24c4dac0c54d10ec9e31d3e84104266db50f7f7065403a969"
    assert Policy().digest == read("[decision]\nmetric = 'accuracy'\ncosts = []", tmp_path).digest == before
    assert not {"metric", "costs", "positive", "floor", "floor_action"} & set(Policy().as_dict())


def test_the_digest_changes_with_every_demand(tmp_path):
    digests = {Policy().digest}
    for item in fields(Policy):
        text = {
            "required": '["x"]',
            "reproduce": '"card"',
            "metric": '"macro_f1"',
            "costs": '["a -> b = 2"]',
            "positive": '"x"',
        }.get(item.name)
        if item in WORDS:
            text = next(repr(action) for action in ACTIONS if action != item.default)
        text = text or str(item.metadata["low"])
        digests.add(read(f"[{item.metadata['part']}]\n{item.metadata['key']} = {text}", tmp_path).digest)
    same = [item.name for item in NUMBERS if item.default == item.metadata["low"]]
    assert len(digests) == 1 + len(fields(Policy)) - len(same)


@pytest.mark.parametrize(
    "text",
    [f"[floors]\naccuracy_action = '{'x' * 5_000}'", f"[floors]\n{'y' * 5_000} = 1", f"[{'z' * 5_000}]"],
    ids="xyz",
)
def test_a_long_word_is_cut_where_it_is_shown(tmp_path, text):
    assert len(refused(text, tmp_path)) < 600
