"""The page for people, in a real browser: it answers, follows production by itself, and everybody can read it."""

from mlgate import ledger
from mlgate.artifacts.lock import locked

import pytest
from chromium import FAINT, browser
from crashes import verdict_on
from servers import make_root, put, served, tiny

TEXT, FIRST = "document.body.innerText", "document.getElementById('digest').textContent"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    made = make_root(tmp_path_factory.mktemp("page") / "root")
    put(made, tiny(), "bootstrap")
    sides = {
        "production": {"digest": "1" * 64, "accuracy": 0.854},
        "candidate": {"digest": "2" * 64, "accuracy": 0.615},
    }
    verdict = verdict_on("1" * 64, "2" * 64, "REJECT") | {"reason": "worse <b>by</b> a lot", **sides}
    with locked(made):
        ledger.append(made, "rejection", verdict_sha256="0" * 64, verdict=verdict)
    return made


@pytest.fixture(scope="module")
def server(root):
    with served(root) as running:
        yield running


@pytest.fixture(scope="module")
def page():
    with browser() as tab:
        yield tab


@pytest.mark.slow
def test_open_type_see_the_answer_promote_underneath_see_the_page_follow(server, root, page):
    page.size(1280, 720)
    page.open(server.url)
    first = server.serving()
    page.until(f"{FIRST} === '{first[:12]}'")
    assert "61.5\xa0% right, production 85.4\xa0%" in page.value(TEXT)
    assert "mlgate" in page.value("document.querySelector('h1').textContent")
    assert "worse <b>by</b> a lot" in page.value(TEXT)  # as text: nothing in the ledger becomes HTML

    page.value("document.getElementById('text').value = ''; document.getElementById('text').focus()")
    page.type("a wonderful film")
    page.press("Tab", 9)
    assert page.value("document.activeElement.tagName") == "BUTTON"
    page.press("Enter", 13)
    page.until("document.getElementById('label')")
    assert page.value("document.getElementById('label').textContent") == "positive"
    assert "wonderful" in page.value("document.querySelector('table').innerText")
    assert first[:12] in page.value("document.getElementById('answer').innerText")

    left, right = "getBoundingClientRect().left", "getBoundingClientRect().right"
    for bar, edges in ((".bar:not(.against)", left), (".bar.against", right)):  # they diverge from the middle
        middle = f"(it) => Math.abs(it.{edges} - it.parentElement.{left} - it.parentElement.offsetWidth / 2) < 3"
        assert page.value(f"[...document.querySelectorAll('{bar}')].every({middle})")
    page.value("document.getElementById('text').value = ' '; document.querySelector('button').click()")
    page.until("document.getElementById('answer').innerText.includes('There is nothing to read')")

    second = put(root, tiny(C=2))
    page.until(f"{FIRST} === '{second[:12]}'")
    assert second[:12] in page.value("document.getElementById('spoken').textContent")  # for a screen reader
    page.until(f"document.getElementById('answer').innerText.includes('{second[:12]}')")  # asked again by itself
    assert "Promoted" in page.value("document.querySelector('#history li').textContent")

    data = root.production.read_bytes()
    root.production.write_bytes(b"garbage")
    page.until("document.getElementById('refused').checkVisibility()")
    assert "A newer file is not served" in page.value(TEXT)
    assert page.value(FIRST) == second[:12]
    root.production.write_bytes(data)
    page.until("!document.getElementById('refused').checkVisibility()")
    assert (page.hosts, page.errors) == ({f"127.0.0.1:{server.port}"}, [])


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/", "/docs"])
@pytest.mark.parametrize("screen", [(1280, 720, False), (1280, 720, True), (390, 844, False)], ids=str)
def test_it_is_readable_on_a_projector_and_a_phone_in_light_and_dark(server, page, path, screen):
    page.size(*screen)
    page.open(server.url + path)
    if path == "/":
        page.until("document.getElementById('history').children.length")
        page.value("document.querySelector('button').click()")
        page.until("document.getElementById('label')")
    else:
        page.until("document.querySelectorAll('h2').length === 6")
    assert page.value("document.documentElement.scrollWidth <= innerWidth")
    assert page.value(FAINT) == []
    assert page.value("[...document.querySelectorAll('textarea')].every((it) => it.labels.length === 1)")
    readable = "(it) => parseFloat(getComputedStyle(it).fontSize) >= 16"
    assert page.value(f"[...document.querySelectorAll('p, li, td, button, textarea')].every({readable})")


@pytest.mark.slow
def test_the_documents_can_be_tried(server, page):
    page.size(1280, 720)
    page.open(f"{server.url}/docs")
    page.until("document.querySelectorAll('h2').length === 6")
    page.value("document.querySelector('[aria-label=\"Send POST /predict\"]').click()")
    page.until("document.querySelector('[role=status]').textContent.startsWith('200')")
    assert page.hosts == {f"127.0.0.1:{server.port}"}


@pytest.mark.slow
def test_it_says_when_the_service_is_gone(root, page):
    with served(root) as server:
        page.open(server.url)
        page.until("document.getElementById('history').children.length")
    page.until("document.body.innerText.includes('The service does not answer')")
