"""The page speaks of the corpus at hand, and shows no row of it."""

from pathlib import Path

from mlgate import service
from mlgate.root import Root
from mlgate.service.subject import filled_in

import pytest

PAGE = (Path(service.__file__).parent / "page.html").read_text(encoding="utf-8")
OWN = '[corpus]\npath = "tickets.csv"\ntext_column = "<b>body"\n'


@pytest.mark.parametrize(
    ("settings", "label", "example"),
    [("", "A review", "A wonderful film"), (OWN, "A text (&lt;b&gt;body)", ""), ("nonsense", "A review", "")],
)
def test_the_page_asks_for_a_review_or_for_a_text_of_ones_own(tmp_path, settings, label, example):
    (tmp_path / "gate.toml").write_text(settings)
    shown = filled_in(PAGE, Root(tmp_path))
    assert f'<label for="text">{label}</label>' in shown
    assert example in shown
    assert "film" not in shown or label == "A review"
    assert "{{" not in shown
