"""The control room: each press shows what the gate says, and production and its service go on as if nothing were."""

import contextlib
from pathlib import Path

from mlgate import artifacts
from mlgate.errors import MlgateError
from mlgate.root import Root
from mlgate.teaching import child_service, classroom, control_room, panels
from mlgate.teaching.control_room import CLOSE_CALL, SABOTAGES, ControlRoom
from mlgate.teaching.service_process import Answer
from mlgate.teaching.session import Session

import nbformat
import pytest
from bs4 import BeautifulSoup
from cells import execute
from chromium import browser, wait_until
from conftest import GATE, REPOSITORY
from jupyter_lab import KERNEL, RUN_ALL, lab

pytestmark = pytest.mark.slow

HOME = Root(GATE.parent)


@pytest.fixture(scope="module")
def room():
    session = Session(pause=control_room.PAUSE, home=HOME, sizes=control_room.SIZES)
    with contextlib.closing(ControlRoom(session)) as found:
        yield found


def text_of(room, name: str) -> str:
    return " ".join(BeautifulSoup(room.shown[name].value, "html.parser").get_text(" ").split())


def test_every_sabotage_bounces_at_its_default_and_production_stays(room, monkeypatch, capsys):
    """As the cells of notebook 06 press them, and what these make of it."""
    monkeypatch.setenv("MLGATE_ROOT", str(HOME.path))
    monkeypatch.setattr(control_room, "ControlRoom", lambda: room)
    room.clear()
    before, press, seen = artifacts.read_production(room.root), room.press, []

    def watched(*chosen):
        found = press(*chosen)
        seen.append((found, text_of(room, "banner"), text_of(room, "production"), repr(room)))
        return found

    monkeypatch.setattr(room, "press", watched)
    shown = execute("06")
    assert [found.recipe for found, *_ in seen] == [*SABOTAGES, CLOSE_CALL[0]]
    for found, banner, production, _ in seen[:-1]:
        assert (found.verdict.decision, found.plain) == ("REJECT", "KEEP")
        assert banner.startswith("✘ REJECT production")
        assert found.verdict.candidate.digest not in production
    assert artifacts.read_production(room.root) == before
    assert classroom.looks_spent(room.root) == 0
    assert room.unmoved
    assert room.session.server.model() == room.before
    answers = room.session.stream.answers()
    assert (set(answers["status"]), set(answers["digest"])) == ({200}, {room.before})
    assert "5 presses; of 5 sabotaged models a plain rule let through 0, the gate 0" in seen[4][-1]
    assert {"close-forest", "reveal", "scoreboard", "room"} <= shown.keys()
    said = capsys.readouterr().out
    assert said.count("gate: REJECT") == len(SABOTAGES)
    assert "A plain rule would promote." in said
    assert "reviews that were not used: right only by the candidate" in said
    assert "production as it was: True   looks spent: 0\nrequests that failed: 0\n" in said


def test_the_close_call_is_promoted_by_the_plain_rule_and_held_by_the_gate(room):
    room.clear()
    room._clicked(*CLOSE_CALL)
    [found] = room.presses
    assert (found.verdict.decision, found.plain, found.let_through) == ("HOLD", "PROMOTE", (True, False))
    assert found.change * found.verdict.rows.count >= 5  # rows: not a matter of the last digit
    assert (room.recipe.value, room.severity.value) == CLOSE_CALL
    assert "promotes it: it ships" in text_of(room, "plain")
    assert "Of 1 bad, let through: 1 by the plain rule, 0 by the gate" in text_of(room, "plain")


def test_the_evidence_has_both_figures_in_words_and_reviews_that_went_wrong(room):
    room.press("bad_training_data", 0.5)
    page = BeautifulSoup(room.shown["interval"].value + room.shown["evidence"].value, "html.parser")
    said = [image["alt"] for image in page.select("img")]
    assert "overall" in said[0]
    assert said[1].startswith("Confusion matrices. production")
    assert all(image["src"].startswith("data:image/png;base64,") for image in page.select("img"))
    flips = [line.td.get_text() for line in page.select("tbody tr")]
    assert flips == ["right → wrong"] * panels.FLIPPED


def test_the_same_model_pressed_twice_is_one_model_on_the_scoreboard(room):
    room.clear()
    for _ in range(2):
        room.press("reduced_dataset", 0.9)
    assert "Of 1 bad, let through: 0 by the plain rule" in text_of(room, "plain")


def test_a_verdict_is_dimmed_as_soon_as_something_else_is_chosen(room):
    def dimmed():
        return {name for name in control_room.VERDICT if "mlgate-old" in room.shown[name]._dom_classes}

    room.press("reduced_dataset", 0.9)
    assert dimmed() == set()
    room.severity.value = 0.12
    assert dimmed() == set(control_room.VERDICT)
    room.press("reduced_dataset", 0.9)
    room.recipe.value = "noisy_labels" if room.recipe.value != "noisy_labels" else "reduced_dataset"
    assert dimmed() == set(control_room.VERDICT)


def test_while_one_is_trained_the_controls_take_no_other(room, monkeypatch):
    seen = []
    press = classroom.press

    def look(*arguments):
        controls = (room.button, room.close_call, room.recipe, room.severity)
        seen.append((text_of(room, "banner"), {control.disabled for control in controls}))
        return press(*arguments)

    monkeypatch.setattr(classroom, "press", look)
    room.rested = 0
    room._clicked("reduced_dataset", 0.9)
    assert seen == [("Training … reduced dataset 0.90", {True})]
    assert not room.button.disabled
    assert "mlgate-old" not in room.shown["banner"]._dom_classes


def test_an_honest_candidate_would_be_promoted_and_is_not(room):
    room.clear()
    found = room.press("challenger", 0.7)  # the slider's value is none of its business
    assert (found.verdict.decision, found.severity, found.sabotaged) == ("PROMOTE", 0, False)
    assert "Nothing moves: this room only previews" in text_of(room, "banner")
    assert room.unmoved


def severities() -> list[list[str]]:
    """The table of TEACHING.md: sabotage, severity, accuracy, plain rule, gate, what decided."""
    page = (REPOSITORY / "notebooks/TEACHING.md").read_text(encoding="utf-8")
    table = page.partition("## What each severity does")[2].partition("\n## ")[0]
    lines = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line] for line in lines[2:]]


@pytest.mark.long
def test_what_teaching_says_of_each_severity_is_what_is_seen(room):
    seen = []
    for name, severity, *_ in severities():
        recipe = name.removesuffix(" (no sabotage)").replace(" ", "_")
        value = None if severity == "-" else float(severity)
        earlier = [press for press in room.presses if press.recipe == recipe and value in (None, press.severity)]
        pressed = earlier[0] if earlier else room.press(recipe, value)  # a press takes seconds
        verdict = pressed.verdict
        [decided] = [check.name for check in verdict.checks if check.reason == verdict.reason]
        change = f"{100 * pressed.change:+.2f}".replace("-", "\N{MINUS SIGN}").replace("+0.00", "0.00")
        plain = {"KEEP": "keeps", "PROMOTE": "promotes"}[pressed.plain]
        seen.append([name, severity, change, plain, verdict.decision, decided])
        if decided == "brier":
            assert "by: brier" in text_of(room, "banner")
            assert "Reliability" in room.shown["interval"].value
    assert seen == severities()


def test_choosing_a_sabotage_sets_its_default_and_tells_its_story(room):
    for name in (*SABOTAGES, control_room.BETTER):
        room.recipe.value = name
        recipe = classroom.RECIPES[name]
        assert room.severity.value == (recipe.severity or 0)
        assert room.severity.disabled is not recipe.sabotaged
        assert text_of(room, "story")[:20] == recipe.story[:20].replace("`", "")
    room.recipe.value = "noisy_labels"
    room.severity.value = 0.25
    assert "25% of the labels" in text_of(room, "story")


def test_a_press_that_cannot_be_made_says_why_and_the_next_one_works(room, monkeypatch):
    def fail(*_):
        raise MlgateError("The disk is <full>.")

    presses = len(room.presses)
    with monkeypatch.context() as patched:
        patched.setattr(classroom, "press", fail)
        room.rested = 0
        room._clicked("noisy_labels", 0.4)
    assert text_of(room, "banner") == "Error The disk is <full>."
    assert (len(room.presses), room.button.description) == (presses, "Retrain and submit")
    room.rested = 0
    room._clicked("reduced_dataset", 0.9)
    assert len(room.presses) == presses + 1


def test_a_double_click_is_one_press(room):
    presses = len(room.presses)
    room.rested = 0
    for _ in range(2):  # the second click waited in the queue while the first one trained
        room._clicked("reduced_dataset", 0.9)
    assert len(room.presses) == presses + 1


def test_the_strip_follows_the_stream_and_would_say_if_production_moved(room):
    room._beat_once()
    count = len(room.session.stream.received)
    room.session.stream.wait(3)
    wait_until(lambda: f"{count:,} by" not in text_of(room, "production"), 5, "the strip follows")
    assert "as it was" in text_of(room, "production")
    good = artifacts.read_production(room.root)
    room.root.production.write_bytes(b"no model")
    assert not room.unmoved
    room._beat_once()
    assert "MOVED" in text_of(room, "production")
    room.session.restore(good)
    assert room.unmoved


def test_it_shows_itself_as_widgets_and_in_words(room):
    bundle = room._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/plain"].startswith("The control room.")


def test_whatever_texts_hold_is_escaped():
    stream = type("S", (), {"texts": ["<script>x</script>"], "received": [Answer(0, 1, 200, "a<b", "<i>")]})
    shown = panels.production(stream, "d" * 64, True)
    assert "<script>" not in shown
    assert "<i>" not in shown
    assert "a<b" not in shown


PRESSES = {"rehearse", "guess", "close-call", "close-forest", "reveal", "scoreboard"}


def without_presses(folder: Path) -> Path:
    """Notebook 06 without the cells that press by themselves: they are executed above."""
    notebook = nbformat.read(REPOSITORY / "notebooks" / "06_reject_live.ipynb", as_version=4)
    assert {cell.id for cell in notebook.cells} > PRESSES
    notebook.cells = [cell for cell in notebook.cells if cell.id not in PRESSES]
    path = folder / "06_reject_live.ipynb"
    nbformat.write(notebook, path)
    return path


READOUT = "document.querySelector('.mlgate-controls .widget-readout').textContent"


def shown(part: str) -> str:
    return f"document.querySelector('.mlgate-{part}').textContent"


def test_the_room_works_in_jupyterlab_with_the_keyboard_alone(tmp_path):
    """Open notebook 06, run all, choose, drag, press: the banner changes, production does not; nothing is left."""
    with browser() as page, lab(tmp_path, without_presses(tmp_path), HOME.path) as address:
        page.size(1280, 720)
        page.open(address)
        page.until(KERNEL, 60)
        page.value(RUN_ALL)
        page.until("document.querySelector('.mlgate-controls select')", 120)
        page.value("jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
        page.value("document.querySelector('.mlgate-room').scrollIntoView()")
        assert page.value(shown("banner")).startswith("Ready")
        digest = page.value("document.querySelector('.mlgate-production code').textContent")
        page.value("document.querySelector('.mlgate-controls select').focus()")
        page.press("ArrowDown", 40)
        assert page.value("document.querySelector('.mlgate-controls select').value") == "noisy labels"
        page.until(f"{READOUT} === '0.40'", 60)  # the default of that sabotage
        page.press("Tab", 9)
        page.press("ArrowRight", 39)
        page.until(f"{READOUT} === '0.41'", 20)
        page.press("Tab", 9)
        page.press("Tab", 9)
        assert page.value("document.activeElement.textContent") == "Retrain and submit"
        before = _answers(page)
        page.call("Input.dispatchKeyEvent", type="keyDown", key=" ", code="Space", windowsVirtualKeyCode=32, text=" ")
        page.call("Input.dispatchKeyEvent", type="keyUp", key=" ", code="Space", windowsVirtualKeyCode=32)
        page.until(f"{shown('banner')}.includes('REJECT')", 60)
        page.until("document.querySelectorAll('.mlgate-interval img, .mlgate-evidence img').length === 2", 20)
        assert "noisy labels 0.41" in page.value(shown("plain"))
        page.until("document.body.dataset.jpThemeName === 'JupyterLab Dark'", 20)
        for part in (
            ".mlgate-banner .numbers b",
            ".mlgate-banner .numbers + div",
            ".mlgate-plain td",
            ".mlgate-evidence td",
        ):
            assert page.value(f"getComputedStyle(document.querySelector('{part}')).color") == "rgb(27, 27, 27)", part
        assert page.value("document.querySelector('.mlgate-production code').textContent") == digest
        wait_until(lambda: _answers(page) > before, 20, "answers go on")
        assert "as it was" in page.value(shown("production"))
        assert "0 failed" in page.value(shown("production"))
        assert page.value("document.querySelector('.mlgate-room').scrollWidth") <= 1280
        assert {host.split(":")[0] for host in page.hosts} <= {"", "127.0.0.1"}
    wait_until(lambda: not list((tmp_path / "tmp").glob(f"{child_service.PREFIX}*")), 20, "the classroom is gone")


def _answers(page) -> int:
    found = page.value("document.querySelector('.mlgate-production').textContent.match(/Answers: ([\\d,]+)/)[1]")
    return int(found.replace(",", ""))
