"""Draws docs/control_room.png, the picture of the control room, from the real thing: `python docs/draw_room.py`.

A JupyterLab of its own runs notebook 06 in a browser; one press, noisy labels at their default, and the room is
photographed. It takes a minute or two, and wants Chromium.
"""

import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
sys.path.append(str(REPOSITORY / "tests/helpers"))

from chromium import browser  # noqa: E402
from jupyter_lab import KERNEL, RUN_ALL, lab  # noqa: E402

PICTURE = Path(__file__).with_name("control_room.png")
BUTTONS = "[...document.querySelectorAll('.mlgate-controls button')]"
PRESS = f"{BUTTONS}.find(one => one.textContent.includes('Retrain')).click()"
BOX = """(() => {
  const room = document.querySelector('.mlgate-room').getBoundingClientRect();
  const strip = document.querySelector('.mlgate-production').getBoundingClientRect();
  return {x: room.x, y: room.y, width: room.width, height: strip.bottom + 8 - room.y};
})()"""
SIZE = (1400, 2400)  # high: JupyterLab draws only what is on the screen
CHOOSE = """(() => {
  const list = document.querySelector('.mlgate-controls select');
  list.value = 'noisy labels';
  list.dispatchEvent(new Event('change', {bubbles: true}));
})()"""


def main() -> None:
    """Open, run all, press, take the picture."""
    with tempfile.TemporaryDirectory() as folder, browser() as page:
        notebook = REPOSITORY / "notebooks/06_reject_live.ipynb"
        with lab(Path(folder), notebook, REPOSITORY) as address:
            page.size(*SIZE)
            page.open(address)
            page.until(KERNEL, 60)
            page.value(RUN_ALL)
            page.until("document.querySelector('.mlgate-controls select')", 180)
            page.value("jupyterapp.commands.execute('application:toggle-left-area')")
            page.value("document.querySelector('.mlgate-room').scrollIntoView()")
            page.value(CHOOSE)
            page.value(PRESS)
            page.until("document.querySelector('.mlgate-banner').textContent.includes('REJECT')", 90)
            page.until("document.querySelectorAll('.mlgate-interval img, .mlgate-evidence img').length === 2", 30)
            page.value("document.querySelector('.mlgate-room').scrollIntoView()")
            page.picture(PICTURE, page.value(BOX))
    print(f"{PICTURE}: {PICTURE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
