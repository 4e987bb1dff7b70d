"""The desk of notebook 10: one text at a time, what was said is kept, and nothing says which model said what."""

from mlgate.teaching.label_desk import LabelDesk

TEXTS = ["a fine film", "dull <b>and</b> long", "it rains"]
CLASSES = ["negative", "positive"]


def press(desk, words: str) -> None:
    """Press the button with these words, as a learner does."""
    next(button for button in desk.widget.children[2].children if button.description == words).click()


def test_labels_are_given_taken_back_kept_and_there_again(tmp_path):
    path = tmp_path / "labels.csv"
    desk = LabelDesk(TEXTS, CLASSES, path)
    assert TEXTS[0] in desk.text.value
    press(desk, "positive")
    press(desk, "positive")
    press(desk, "undo")
    assert "dull &lt;b&gt;and" in desk.text.value  # a text is a text
    press(desk, "negative")
    press(desk, "unsure")
    assert desk.said == ["positive", "negative", "unsure"]
    assert all(button.disabled for button in desk.buttons)
    desk.say("positive")
    assert len(desk.said) == 3
    assert LabelDesk(TEXTS, CLASSES, path).said == desk.said
    assert LabelDesk(["another", *TEXTS], CLASSES, path).said == []


def test_what_nobody_labelled_comes_from_elsewhere(tmp_path):
    desk = LabelDesk(TEXTS, CLASSES, tmp_path / "labels.csv")
    desk.undo()
    desk.say("negative")
    assert desk.filled(["positive"] * 3) == ["negative", "positive", "positive"]
