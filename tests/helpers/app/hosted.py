"""The view of `audit` in a host made of the official client and app bridge, in Chromium, against the real server."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from helpers.folders import TESTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Frame, Locator, Page

    from helpers.protocol.over_http import Served

FOLDER = TESTS / "helpers" / "app"
_PACKAGES = FOLDER / "node_modules"
_INSTALL = (
    "Node.js or the packages are not installed: `sudo apt-get install nodejs npm`, "
    "then `npm ci --prefix tests/helpers/app`"
)
# What the bridge itself writes: each message, that a test's handler replaces its own, and that the view shown before has
# sent its height once more.
_OF_THE_BRIDGE = (
    "Parsed message", "Sending message", "[MCP Apps]", "Ignoring message from unknown source",
)  # fmt: skip
_PAGE = """<!doctype html><html lang="en"><title>Host</title>
<style>body { margin: 0 } iframe { display: block; width: 100%; height: 600px; border: 0 }</style><body></body></html>"""


def host_script(folder: Path) -> str:
    """The host's script in one piece; skips the test where something is missing, with the command that installs it."""
    if shutil.which("node") is None or not _PACKAGES.is_dir():
        pytest.skip(_INSTALL)
    bundle = folder / "host.js"
    command = [
        _PACKAGES / ".bin" / "esbuild",
        FOLDER / "host.js",
        "--bundle",
        "--format=iife",
        "--minify",
    ]
    done = subprocess.run(
        [*command, "--log-level=error", f"--outfile={bundle}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return bundle.read_text(encoding="utf-8")


@dataclass
class Hosted:
    """A host page with the view in it, and what went wrong in either."""

    page: Page
    problems: list[str] = field(default_factory=list)

    def open(self, *, width: int = 900, **options: Any) -> Any:
        """Show the view anew; what it introduces itself with."""
        self.problems.clear()
        self.page.set_viewport_size({"width": width, "height": 900})
        return self.host("open", options)

    def host(self, function: str, *arguments: Any) -> Any:
        """What a function of the host gives."""
        return self.page.evaluate(f"(all) => host.{function}(...all)", list(arguments))

    def seen(self, what: str) -> Any:
        """What the view has asked this host for."""
        return self.page.evaluate("(what) => host.seen[what]", what)

    @property
    def frame(self) -> Frame:
        """The document of the view."""
        return self.page.frames[-1]

    def locate(self, selector: str, has_text: str | None = None) -> Locator:
        """Elements of the view."""
        return self.frame.locator(selector, has_text=has_text)

    def text(self) -> str:
        """What the view shows."""
        return self.locate("#main").inner_text()

    def unfold(self) -> None:
        """Open everything that can be opened: clicks would race with the height, which the host sets."""
        self.frame.evaluate(
            "for (const part of document.querySelectorAll('details')) part.open = true"
        )

    def messages(self) -> list[str]:
        """The texts of the findings in the list."""
        return self.locate(".finding .said").all_inner_texts()


@contextmanager
def hosted(browser: Browser, served: Served, script: str) -> Iterator[Hosted]:
    """A host in a page of its own."""
    with browser.new_context(permissions=["clipboard-read", "clipboard-write"]) as context:
        shown = Hosted(context.new_page())
        address = f"http://127.0.0.1:{served.port}"
        page = shown.page
        page.on("console", lambda message: _note(shown.problems, message.text))
        page.on("pageerror", lambda error: shown.problems.append(str(error)))
        page.on("dialog", lambda dialog: shown.problems.append(dialog.message))
        page.on("request", lambda request: _note_request(shown.problems, request.url, address))
        # The host's page has the server's origin, so that the client may call it as a page of a browser.
        page.route(
            f"{address}/", lambda route: route.fulfill(content_type="text/html", body=_PAGE)
        )
        page.goto(f"{address}/")
        page.add_script_tag(content=script)
        yield shown


def _note(problems: list[str], text: str) -> None:
    if not text.startswith(_OF_THE_BRIDGE):
        problems.append(text)


def _note_request(problems: list[str], url: str, address: str) -> None:
    if url not in {f"{address}/", f"{address}/mcp", "about:srcdoc"}:
        problems.append(url)
