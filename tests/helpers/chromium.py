"""Drives a real, headless Chromium over its own protocol (CDP): no driver and no further dependency.

Not playwright: it takes 161 MB for what two test files do (docs/decisions/09).
"""

import base64
import contextlib
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import websocket  # websocket-client: Jupyter's server brings it

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
]

FAINT = """
(() => {
  const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
  const linear = (c) => (c / 255 <= .03928 ? c / 255 / 12.92 : ((c / 255 + .055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => .2126 * linear(r) + .7152 * linear(g) + .0722 * linear(b);
  const clear = (color) => numbers(color).length === 4 && !numbers(color)[3];
  const back = (node) => {
    while (clear(getComputedStyle(node).backgroundColor)) node = node.parentElement;
    return getComputedStyle(node).backgroundColor;
  };
  const contrast = (node) => {
    const pair = [getComputedStyle(node).color, back(node)].map((color) => light(numbers(color)) + .05);
    return Math.max(...pair) / Math.min(...pair);
  };
  const speaks = (node) => [...node.childNodes].some((it) => it.nodeType === 3 && it.data.trim());
  return [...document.querySelectorAll("body *:not(script)")].filter((node) => speaks(node) && node.checkVisibility())
    .map((node) => [contrast(node), node.textContent.slice(0, 40)]).filter(([ratio]) => ratio < 4.5);
})()
"""  # the texts whose contrast is below 4.5


class Page:
    """One tab. `hosts` collects every host that it asked for something; `errors` what its scripts complained about."""

    def __init__(self, address: str):
        self.socket = websocket.create_connection(address, timeout=30, suppress_origin=True)
        self.number, self.hosts, self.errors = 0, set(), []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters) -> dict:
        """One command of the protocol, and its result."""
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            self._note(message.get("method"), message.get("params"))
            if message.get("id") == self.number:
                assert "error" not in message, message
                return message["result"]

    def _note(self, method: str | None, found: dict | None) -> None:
        if method == "Network.requestWillBeSent":
            self.hosts.add(urlsplit(found["request"]["url"]).netloc)
        if method == "Runtime.exceptionThrown" or (method == "Log.entryAdded" and found["entry"]["level"] == "error"):
            self.errors.append(str(found)[:500])

    def size(self, width: int, height: int, dark: bool = False) -> None:
        """A screen of so many CSS pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def open(self, url: str) -> None:
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete'")

    def value(self, expression: str) -> object:
        """What a piece of JavaScript gives; promises are waited for."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, expression: str, seconds: float = 30) -> None:
        """Wait until a piece of JavaScript gives something true."""
        wait_until(lambda: self.value(f"Boolean({expression})"), seconds, expression)

    def press(self, key: str, code: int, modifiers: int = 0) -> None:
        """A key, down and up. Modifiers: 2 is Ctrl, 8 is Shift."""
        common = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        text = {"text": "\r"} if key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **common, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text: str) -> None:
        """As a person types, where the focus is."""
        self.call("Input.insertText", text=text)

    def picture(self, path: Path, box: dict | None = None) -> None:
        """Of the whole page, or of a box on the screen: x, y, width, height."""
        options = {"captureBeyondViewport": True}
        if box:
            options = {"clip": {**box, "scale": 1}}
        found = self.call("Page.captureScreenshot", **options)
        path.write_bytes(base64.b64decode(found["data"]))


def wait_until(true: Callable[[], object], seconds: float = 30, what: str = "") -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)


@contextlib.contextmanager
def browser():
    """A tab of a Chromium of our own. Skips the test where there is none."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium here: the page is not tested in a browser (Debian: apt install chromium)")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        command = [found, *FLAGS, f"--user-data-dir={folder}", "about:blank"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            port_file = Path(folder) / "DevToolsActivePort"
            wait_until(lambda: port_file.exists() and "\n" in port_file.read_text(), 60, "Chromium starts")
            port = port_file.read_text().split("\n")[0]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=30) as answer:
                targets = json.loads(answer.read())
            page = Page(next(it["webSocketDebuggerUrl"] for it in targets if it["type"] == "page"))
            yield page
            page.socket.close()
        finally:
            process.terminate()
            process.wait(timeout=30)
