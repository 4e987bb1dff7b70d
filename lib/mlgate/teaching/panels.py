"""The panels of the control room as HTML, from values alone: large type for a projector, words for a screen reader."""

import base64
import re
from collections import Counter
from html import escape

from mlgate.gate import HOLD, PROMOTE, REJECT
from mlgate.reporting import explain, figures
from mlgate.reporting.explain import LOST
from mlgate.reporting.figures.canvas import COLOURS, SYMBOLS, Picture, minus
from mlgate.reporting.tables import Table
from mlgate.teaching.classroom import Press
from mlgate.teaching.service_process import Answer, Stream

import pandas as pd
from matplotlib.figure import Figure

DOTS = 110  # dots per inch of the figures: a projector shows no more
LINES = 5  # presses on the scoreboard
READ = 90  # characters of the last text
FLIPPED = 4  # reviews
PAUSE = '<i class="bar"></i><i class="bar"></i>'  # the sign on HOLD

# JupyterLab takes arrow keys and Enter for itself, unless the element that has the focus says that they are its own.
PROBABILITIES = ("brier", "calibration")  # checks of how sure a model is
SURER = (
    "It is right about as often, but its probabilities tell less:"
    " compare where the large dots lie, and how far off the line."
)
STYLE = """<style onload="this.closest('.mlgate-room')?.addEventListener('focusin',
  event => event.target.setAttribute('data-lm-suppress-shortcuts', 'true'))">
.mlgate-room { max-width: 1180px; color: #1b1b1b; background: #fff; padding: 6px 12px; font-size: 18px;
  color-scheme: light; --jp-ui-font-color0: #1b1b1b; --jp-ui-font-color1: #1b1b1b; --jp-content-font-color0: #1b1b1b;
  --jp-content-font-color1: #1b1b1b; --jp-widgets-color: #1b1b1b; --jp-widgets-label-color: #1b1b1b;
  --jp-widgets-readout-color: #1b1b1b; --jp-widgets-input-color: #1b1b1b; --jp-widgets-input-background-color: #fff;
  --jp-layout-color0: #fff; --jp-layout-color1: #fff; --jp-layout-color2: #eee; --jp-layout-color3: #bdbdbd }
.mlgate-room .widget-html-content, .mlgate-room .widget-html-content * { color: inherit }
.mlgate-room .mlgate-old { opacity: 0.35 }
.mlgate-room .widget-html, .mlgate-room .widget-html-content { line-height: 1.3; font-size: 18px; height: auto }
.mlgate-room .widget-html { margin: 1px 0 }
.mlgate-room code { font-size: inherit; color: inherit; background: #efefef; padding: 0 4px }
.mlgate-controls, .mlgate-verdicts { overflow: visible }
.mlgate-controls { flex-wrap: wrap; align-items: center }
.mlgate-controls > * { height: 46px; margin: 2px 8px 2px 0; font-size: 20px; align-items: center; line-height: 46px }
.mlgate-controls .widget-label, .mlgate-controls .widget-readout { font-size: 20px; line-height: 46px; height: 46px }
.mlgate-controls .widget-label, .mlgate-controls .widget-readout { color: #1b1b1b }
.mlgate-controls .widget-dropdown { width: 345px } .mlgate-controls .widget-hslider { width: 295px }
.mlgate-controls .widget-readout { min-width: 3em }
.mlgate-controls .widget-dropdown select { font-size: 20px; height: 44px }
.mlgate-controls .jupyter-button { width: auto; padding: 0 14px; line-height: 44px }
.mlgate-controls :focus-visible { outline: 3px solid #b84300; outline-offset: 2px }
.mlgate-controls .jupyter-button.mod-primary { background: #005a8c; color: #fff }
.mlgate-story p { margin: 0; color: #595959 }
.mlgate-verdicts > .mlgate-banner { flex: 3 1 0; min-width: 0 }
.mlgate-verdicts > .mlgate-plain { flex: 2 1 0; min-width: 0; padding-left: 18px }
.mlgate-room .word { color: #fff; font-size: 62px; font-weight: 700; line-height: 1.15; padding: 0 20px }
.mlgate-room .word .by { font-size: 34px }
.mlgate-room .bar { display: inline-block; width: 14px; height: 46px; margin-right: 10px; background: #fff }
.mlgate-room .numbers { display: flex; gap: 34px; margin: 4px 0 }
.mlgate-room .numbers b { font-size: 32px; line-height: 1.1 }
.mlgate-room .numbers span { display: block } .mlgate-room .numbers span, .mlgate-room .small { color: #595959 }
.mlgate-room .tally { font-size: 22px; margin-bottom: 4px } .mlgate-room .tally b { font-size: 30px }
.mlgate-room .strip { border: 3px solid #005a8c; padding: 4px 14px; font-size: 20px }
.mlgate-room .strip small { color: #595959; font-size: 17px }
.mlgate-room .bad { color: #b84300; font-weight: 700 } .mlgate-room .good { color: #005a8c; font-weight: 700 }
.mlgate-room table { border-collapse: collapse; color: #1b1b1b }
.mlgate-room .mlgate-plain td { padding: 1px 10px 1px 0 }
.mlgate-room .mlgate-evidence td, .mlgate-room .mlgate-evidence th { padding: 2px 14px 2px 0 }
.mlgate-evidence td, .mlgate-evidence th, .mlgate-evidence p { font-size: 17px !important }
.mlgate-room img { max-width: 100%; height: auto; display: block }
</style>"""


def story(text: str, severity: float) -> str:
    """Return what a recipe does at this severity, its names in another type."""
    text = text.replace("a share `severity`", f"{severity:.0%}")
    return "<p>" + re.sub("`([^`]+)`", r"<code>\1</code>", escape(text)) + "</p>"


def empty() -> dict[str, str]:
    """Return what stands in the panels before the first press."""
    banner = f'<div class="word" style="background:{COLOURS[HOLD]}">Ready</div><p>Press “Retrain and submit”.</p>'
    return {"banner": banner, "plain": plain([]), "interval": "", "evidence": ""}


def training(recipe: str, severity: float) -> str:
    """Return what stands in the banner while a candidate is trained and judged."""
    word = f'<div class="word" style="background:{COLOURS[HOLD]}">Training …</div>'
    return f'<div role="status" aria-live="polite">{word}<p>{_candidate(recipe, severity)}</p></div>'


def banner(press: Press) -> str:
    """Return the decision, both accuracies and the reason."""
    decision = press.verdict.decision
    production, candidate = press.scorecard.accuracy
    word = f'<span aria-hidden="true">{SYMBOLS.get(decision, PAUSE)}</span> {decision}'
    if decision != PROMOTE and deciding(press) not in ("", "difference"):
        word += f'<span class="by"> by: {escape(deciding(press))}</span>'
    numbers = {"production": f"{production:.2%}", "candidate": f"{candidate:.2%}", "difference": points(press.change)}
    shown = "".join(f"<div><span>{name}</span><b>{value}</b></div>" for name, value in numbers.items())
    would = " Nothing moves: this room only previews." if decision == PROMOTE else ""
    return (
        f'<div role="status" aria-live="polite"><div class="word" style="background:{COLOURS[decision]}">{word}</div>'
        f'<div class="numbers">{shown}</div><div>{escape(minus(press.verdict.reason))}.{would}</div>'
        f'<div class="small">{title(press)}, {press.verdict.rows.count:,} validation rows, {press.seconds:.1f} s, no'
        " look spent</div></div>"
    )


def failure(message: str) -> str:
    """Where nothing could be judged."""
    word = f'<div class="word" style="background:{COLOURS[REJECT]}">Error</div>'
    return f'<div role="alert">{word}{escape(message)}</div>'


def plain(presses: list[Press]) -> str:
    """Return what a plain rule would have done with the last press, the running score, and the presses so far."""
    said = "waits for its first candidate."
    if presses:
        said = _did(presses[-1])
    lines = "".join(map(_line, reversed(presses[-LINES:])))
    return (
        f'<div class="tally">A plain <code>accuracy &gt;</code> {said}</div>'
        f'<div class="tally">{_score(presses)}</div><table>{lines}</table>'
    )


def _did(press: Press) -> str:
    """Say what the plain rule did, marked where it was wrong."""
    if press.let_through[0]:
        return '<span class="bad"><b>promotes</b> it: it ships.</span>'
    did = "<b>promotes</b> it" if press.plain == PROMOTE else "keeps production"
    return f'<span class="small">{did}.</span>'


def _score(presses: list[Press]) -> str:
    bad, plain_rule, gate = _let_through(presses)
    if not bad:
        return ""
    plain_shown = f"<b class='bad'>{plain_rule}</b> by the plain rule"
    return f"Of {bad} bad, let through: {plain_shown}, <b class='good'>{gate}</b> by the gate"


def _let_through(presses: list[Press]) -> tuple[int, int, int]:
    """Count the sabotaged models, and those that the plain rule and the gate let through. Each model counts once."""
    models = {press.candidate.digest: press for press in presses if press.sabotaged}
    by_plain_rule = sum(press.let_through[0] for press in models.values())
    by_gate = sum(press.let_through[1] for press in models.values())
    return len(models), by_plain_rule, by_gate


def tally(presses: list[Press]) -> str:
    """Return the scoreboard in one sentence."""
    bad, plain_rule, gate = _let_through(presses)
    return f"{len(presses)} presses; of {bad} sabotaged models a plain rule let through {plain_rule}, the gate {gate}."


def _line(press: Press) -> str:
    decision = press.verdict.decision
    wrong = press.let_through[0]
    went = "promote" if press.plain == PROMOTE else "keep"
    return (
        f"<tr><td>{title(press)}</td><td>{points(press.change, '')}</td>"
        f'<td class="{"bad" if wrong else "small"}">{went}</td>'
        f'<td style="color:{COLOURS[decision]};font-weight:700">{decision}</td></tr>'
    )


def title(press: Press) -> str:
    """Which candidate it was, in a few words."""
    return _candidate(press.recipe, press.severity)


def _candidate(recipe: str, severity: float) -> str:
    name = escape(recipe.replace("_", " "))
    if not severity:
        return name
    return f"{name} {severity:.2f}"


def points(difference: float, unit: str = " points") -> str:
    """Return a difference in points, with a true minus sign."""
    return minus(f"{100 * difference:+.2f}{unit}")


def production(stream: Stream, digest: str, unmoved: bool) -> str:
    """Return the strip below: which model is in production, and what clients get meanwhile."""
    received = list(stream.received)
    failed = sum(answer.status != 200 for answer in received)
    counts = Counter(answer.digest for answer in received if answer.digest)
    each = ", ".join(f"<b>{count:,}</b> by <code>{escape(name[:12])}</code>" for name, count in counts.items())
    state = '<span class="good">as it was</span>' if unmoved else '<span class="bad">MOVED</span>'
    wrong = f'<span class="{"bad" if failed else "good"}">{failed:,} failed</span>'
    return (
        f'<div class="strip">In production: <code><b>{digest[:12]}</b></code>, {state}. Answers: {each}, {wrong}.'
        f"<br><small>{_last(stream, received)}</small></div>"
    )


def _last(stream: Stream, received: list[Answer]) -> str:
    """Return the last text, shortened, and its answer."""
    if not received:
        return ""
    text = stream.texts[(len(received) - 1) % len(stream.texts)]
    return f"“{escape(text[:READ])}{'…' if len(text) > READ else ''}” → <b>{escape(received[-1].label)}</b>"


def closed() -> str:
    """Return the strip once the room is closed."""
    return '<div class="strip">Closed: the service has stopped, its folder is gone. Run the notebook again.</div>'


def interval(press: Press) -> str:
    """Return the paired difference with its interval; where probabilities decided, their picture and what it says."""
    shown = image(figures.draw_forest(press.verdict))
    if deciding(press) not in PROBABILITIES:
        return shown
    picture = image(figures.draw_reliability(press.scorecard))
    return f"<p>{SURER}</p>{picture}{shown}"


def deciding(press: Press) -> str:
    """Return the name of the check that decided, "" where none did by itself."""
    verdict = press.verdict
    return next((check.name for check in verdict.checks if check.reason == verdict.reason), "")


def evidence(press: Press, rows: pd.DataFrame) -> str:
    """Return both confusion matrices and their difference, and the reviews that would have gone wrong."""
    confusions = image(figures.draw_confusions(press.scorecard))
    return confusions + lost(press, rows)._repr_html_()


def lost(press: Press, rows: pd.DataFrame) -> Table:
    """Reviews that production gets right and the candidate would get wrong, the worst first."""
    table = explain.flip_table(press.production, press.candidate, rows, most=2 * FLIPPED)
    kept = (table.frame[""] == LOST).to_numpy()
    marked = tuple(words for words, keep in zip(table.marked, kept, strict=True) if keep)
    return Table(table.caption, table.frame[kept], marked)


def image(picture: Figure) -> str:
    """Return a figure as an HTML image with its words beside it."""
    assert isinstance(picture, Picture)
    picture.set_dpi(DOTS)
    data, facts = picture._repr_png_()
    source = base64.b64encode(data).decode()
    return f'<img width="{facts["width"]}" alt="{escape(facts["alt"])}" src="data:image/png;base64,{source}">'
