"""Labels come in over HTTP only where somebody set a token, and only with it."""

import json
import shutil

from mlgate.service.feedback import TOKEN, labels_in
from mlgate.service.messages import Wrong

import pytest
from servers import keep_every_row, make_root, put, served, tiny

SECRET = "a token that nobody guesses"
BODY = {"labels": [{"id": "00", "label": "positive"}]}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 422),
        (b'{"labels": []}', 422),
        (b'{"labels": [7]}', 422),
        (b'{"labels": [{"id": "a"}]}', 422),
        (b'{"labels": [{"id": "a", "label": null}]}', 422),
        (b'{"labels": [{"id": "", "label": "b"}]}', 422),
        (b'{"labels": [{"id": "a", "label": "b"}], "more": 1}', 422),
    ],
)
def test_what_is_no_label_is_told_in_a_sentence(body, status):
    with pytest.raises(Wrong) as told:
        labels_in(body)
    assert told.value.status == status


def test_labels_may_be_integers_as_classes_may():
    assert labels_in(b'{"labels": [{"id": "a", "label": 1}]}') == [("a", "1")]


@pytest.mark.slow
def test_it_is_off_by_default_wants_the_token_and_takes_the_label_of_an_answer_just_given(tmp_path, monkeypatch):
    root = make_root(tmp_path / "root")
    keep_every_row(root)
    put(root, tiny(), "bootstrap")
    with served(root) as server:
        assert server.ask("/feedback", BODY)[0] == 404
    monkeypatch.setenv(TOKEN, SECRET)
    with served(root) as server:
        assert server.ask("/feedback", BODY)[0] == 401
        assert server.ask("/feedback", BODY, {"Authorization": "Bearer a guess"})[0] == 401
        right = {"Authorization": f"Bearer {SECRET}", "content-type": "application/json"}
        [answer] = server.ask("/predict", {"texts": ["a wonderful film"]})[1]["predictions"]
        labels = [{"id": answer["id"], "label": "negative"}, {"id": "nobody", "label": "negative"}]
        status, said = server.ask("/feedback", {"labels": labels}, right)
        assert (status, said) == (200, {"new": 1, "again": 0, "changed": 0, "foreign": 1})
        assert server.ask("/feedback", b"{", right)[0] == 400
        shutil.rmtree(root.kept_rows.parent)
        root.kept_rows.parent.write_bytes(b"")
        assert server.ask("/feedback", {"labels": labels}, right)[0] == 503
    assert SECRET not in (root.path / "service.log").read_text()
    assert json.dumps(BODY) not in (root.path / "service.log").read_text()
