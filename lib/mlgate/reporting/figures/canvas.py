"""What all figures are drawn with: sheets in inches, texts measured before they are placed, the colours.

Blue is better, orange is worse; words, signs and symbols say the same, so that no colour is needed.
"""

import io
import re
from bisect import bisect_right

from mlgate.gate import HOLD, PROMOTE, REJECT, Decision

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path
from matplotlib.ticker import MaxNLocator

FONT = "DejaVu Sans"  # comes with matplotlib: the same everywhere
INK = "#1b1b1b"
GREY = "#595959"
LIGHT = "#c9c9c9"
BLUE = "#005a8c"
ORANGE = "#b84300"
BLUE_TINT = "#e4eff6"
ORANGE_TINT = "#fcebe1"
GREY_TINT = "#efefef"
COLOURS = {PROMOTE: BLUE, HOLD: GREY, REJECT: ORANGE}
SYMBOLS = {PROMOTE: "✔", REJECT: "✘"}
MINUS = "\N{MINUS SIGN}"


class Picture(Figure):
    """A Figure that shows itself as a cell's last value, sharp on large screens; `alt` says in words what it shows."""

    def __init__(self, width: float, height: float, alt: str):
        super().__init__(figsize=(width, height), dpi=200, facecolor="white")
        self.alt = alt

    def __repr__(self) -> str:
        return self.alt

    def _repr_png_(self) -> tuple[bytes, dict]:
        buffer = io.BytesIO()
        FigureCanvasAgg(self).print_png(buffer, metadata={"Software": None})
        width, height = self.get_size_inches()
        return buffer.getvalue(), {"width": round(100 * width), "height": round(100 * height), "alt": self.alt}


def blank_sheet(width: float, height: float, alt: str) -> tuple[Picture, Axes]:
    """Return a white sheet and the axes that cover it, in inches."""
    figure = Picture(width, height, alt)
    sheet = figure.add_axes((0, 0, 1, 1))
    sheet.set(xlim=(0, width), ylim=(0, height))
    sheet.axis("off")
    return figure, sheet


def nothing_to_draw(title: str, reason: str) -> Picture:
    """Return a sheet that says why there is no figure."""
    figure, sheet = blank_sheet(10, 2.2, f"{title}: {reason}")
    write(sheet, 0.4, 1.75, title, 22, weight="bold")
    for number, line in enumerate(wrap(reason, 9.2, 15, most=4)):
        write(sheet, 0.4, 1.25 - 0.31 * number, line, 15)
    return figure


def write(axes: Axes, x: float, y: float, text: str, size: float, color: str = INK, ha="left", va="center", **more):
    """Write one line of text."""
    axes.text(x, y, plain_text(text), size=size, color=color, ha=ha, va=va, family=FONT, parse_math=False, **more)


def plain_text(text: object) -> str:
    """One line of text; characters the font does not have become a box."""
    font = get_font(findfont(FontProperties(family=FONT)))
    return "".join(sign if font.get_char_index(ord(sign)) else "□" for sign in " ".join(str(text).split()))


def minus(text: str) -> str:
    """Negative numbers with a true minus sign."""
    return re.sub(r"(?<![\w.])-(?=\d)", MINUS, text)


def width_of(text: str, size: float, weight: str = "normal") -> float:
    """How wide a text is, in inches."""
    font = FontProperties(family=FONT, size=size, weight=weight)
    return text_to_path.get_text_width_height_descent(plain_text(text), font, ismath=False)[0] / 72


def fit(text: str, width: float, size: float, weight: str = "bold") -> float:
    """Return the largest type size up to `size` in which a text is no wider than `width` inches."""
    return min(size, size * width / width_of(text, size, weight))


def shorten(text: object, width: float, size: float, weight: str = "normal") -> str:
    """Cut a text to `width` inches, "…" standing for the rest."""
    text = plain_text(text)
    if width_of(text, size, weight) <= width:
        return text
    end = bisect_right(range(1, len(text)), width, key=lambda end: width_of(text[:end].rstrip() + "…", size, weight))
    return text[:end].rstrip() + "…"


def squeeze(name: object, width: float, size: float, weight: str = "normal") -> str:
    """Cut a name to `width` inches in its middle: the ends are what tells names apart."""
    name = plain_text(name)
    if width_of(name, size, weight) <= width:
        return name
    cuts = (f"{name[:kept].rstrip()}…{name[-kept:].lstrip()}" for kept in range(len(name) // 2, 0, -1))
    return next((cut for cut in cuts if width_of(cut, size, weight) <= width), "…")


def wrap(text: str, width: float, size: float, most: int) -> list[str]:
    """Wrap a text in lines of `width` inches; what does not fit in `most` lines is cut."""
    lines = [""]
    for word in minus(plain_text(text)).split():
        longer = f"{lines[-1]} {word}".strip()
        if not lines[-1] or len(lines) == most or width_of(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return [shorten(line, width, size) for line in lines]


def draw_bar(
    sheet: Axes, x: float, y: float, width: float, counts: list[int], largest: int, colours: list[str], sealed=False
):
    """Draw a bar of stacked counts with its total written after it; `width` inches are the largest total."""
    start = x
    for count, colour in zip(counts, colours, strict=False):  # one count, one colour: the first
        wide = width * count / largest
        patch = Rectangle((start, y), wide, 0.3, facecolor=colour, edgecolor=colour, lw=0)
        if sealed:
            patch.set(hatch="///", edgecolor="white")
        sheet.add_patch(patch)
        start += wide
    write(sheet, start + 0.1, y + 0.15, f"{sum(counts):,}", 14, weight="bold")


def draw_symbol(sheet: Axes, x: float, y: float, decision: Decision) -> None:
    """Draw a tick, a cross, or for HOLD the sign for a pause."""
    if decision != HOLD:
        write(sheet, x, y, SYMBOLS[decision], 72, "white", ha="center")
        return
    for left in (-0.3, 0.08):
        sheet.add_patch(Rectangle((x + left, y - 0.38), 0.22, 0.76, color="white", lw=0))


def set_ticks(axes: Axes, words: str, whole: bool = False) -> None:
    """Set a few ticks along the bottom. words: the format of a number; whole: only whole numbers, from 0 on."""
    low, high = axes.get_xlim()
    ticks = [value for value in MaxNLocator(5, integer=whole).tick_values(low, high) if low <= value <= high]
    if whole:
        ticks = [value for value in ticks if value >= 0]
    axes.set_xticks(ticks, [minus(words.format(value)) if value else "0" for value in ticks], family=FONT)
    axes.tick_params(axis="x", labelsize=13, labelcolor=GREY, color=LIGHT)
    axes.spines[["left", "right", "top"]].set_visible(False)
    axes.spines["bottom"].set_color(LIGHT)
