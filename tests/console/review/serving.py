"""The review page on a real server, and somebody who uses it without its script."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import requests
import uvicorn

from console.decisions.file import DecisionsFile
from console.published import Published
from console.review.app import Review, Settings
from console.review.cli import listening
from console.review.deciding import Deciding
from console.review.gate import LOOPBACK, Sessions
from console.review.questions import Questions
from console.review.runs import Runs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from console.decisions.decision import Decision


@dataclass
class Server:
    """A page that is served, and the parts it is made of."""

    base: str
    review: Review
    file: DecisionsFile

    def visitor(self, **headers: str) -> Visitor:
        """Return somebody who has opened the one-time address."""
        visitor = Visitor(self.base, headers)
        visitor.go(f"/open/{self.review.sessions.one_time_token()}")
        return visitor

    def decisions(self) -> list[Decision]:
        """Return what is on the disk, by a reader of its own."""
        return DecisionsFile(self.file.path).read()


@contextmanager
def serving(
    copy: Path,
    decisions: Path,
    *,
    settings: Settings | None = None,
    sessions: Sessions | None = None,
    command: tuple[str, ...] = (),
) -> Iterator[Server]:
    """Serve the page in this process."""
    published, file = Published(copy, threads=1), DecisionsFile(decisions, lock_timeout=2)
    review = Review(
        Questions(published),
        Deciding(file),
        sessions or Sessions(3600, "Ida"),
        Runs(command, decisions.parent),
        settings or Settings(LOOPBACK),
    )
    listener = listening("127.0.0.1", 0)
    config = uvicorn.Config(
        review.app(), interface="asgi3", lifespan="off", access_log=False, log_level="warning"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield Server(f"http://127.0.0.1:{listener.getsockname()[1]}", review, file)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
        published.close()


@dataclass
class Button:
    """A button, and what its form would send."""

    action: str
    key: str | None
    text: str
    values: list[tuple[str, str]]


@dataclass
class _Form:
    action: str
    values: list[tuple[str, str]] = field(default_factory=list)


class _Reader(HTMLParser):
    """The forms of a page with their buttons, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.buttons: list[Button] = []
        self.text: list[str] = []
        self._form = _Form("")
        self._own: list[tuple[Button, _Form]] = []
        self._pressed: Button | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = _Form(given["action"])
        elif tag == "input":
            self._form.values.append((given["name"], given.get("value", "")))
        elif tag == "button" and "disabled" not in given:
            values = [(given["name"], given["value"])] if "name" in given else []
            action = given.get("formaction", self._form.action)
            self._pressed = Button(action, given.get("data-key"), "", values)
            self._own.append((self._pressed, self._form))

    def handle_endtag(self, tag: str) -> None:
        if tag == "button":
            self._pressed = None

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self._pressed is not None:
            self._pressed.text += data

    def close(self) -> None:
        super().close()
        for button, form in self._own:
            button.values = [*form.values, *button.values]
            self.buttons.append(button)


class Visitor:
    """A browser without script: reads a page, and presses its buttons by their keys."""

    def __init__(self, base: str, headers: dict[str, str] | None = None) -> None:
        """Take the address of the page."""
        self.base = base
        self.web = requests.Session()
        self.web.headers.update({name.replace("_", "-"): v for name, v in (headers or {}).items()})
        self.html = ""
        self.status = 0
        self.path = ""
        self.buttons: list[Button] = []
        self.text = ""

    def go(self, path: str) -> str:
        """Open an address, and return its text."""
        return self._took(self.web.get(self.base + path))

    def _took(self, response: requests.Response) -> str:
        self.html, self.status = response.text, response.status_code
        self.path = response.url.removeprefix(self.base)
        reader = _Reader()
        reader.feed(self.html)
        reader.close()
        self.buttons = reader.buttons
        self.text = re.sub(r"\s+", " ", " ".join(reader.text))
        return self.text

    def press(self, key: str, **filled: str) -> str:
        """Press the button of a key, with text filled into the fields of its form."""
        found = [each for each in self.buttons if each.key == key]
        assert found, f"no button for {key} in {[each.key for each in self.buttons]}"
        return self.submit(found[0], **filled)

    def click(self, text: str, **filled: str) -> str:
        """Press the button that says a text."""
        found = [each for each in self.buttons if text in each.text]
        assert found, f"no button {text!r}"
        return self.submit(found[0], **filled)

    def submit(self, button: Button, **filled: str) -> str:
        """Send a form."""
        values = [(name, filled.get(name, value)) for name, value in button.values]
        return self.post(button.action, values)

    def search(self, words: str, label: str = "") -> str:
        """Search by the first form for it, or by that which says who is searched for."""
        found = [
            each
            for each in self.buttons
            if each.action == "/search" and (not label or ("what", label) in each.values)
        ]
        return self.submit(found[0], words=words)

    def post(self, path: str, values: Any, **headers: str) -> str:
        """Send values, which need not be of a form."""
        return self._took(self.web.post(self.base + path, data=values, headers=headers))

    def contact(self) -> str:
        """Return the id of the contact that is asked about."""
        found = re.search(r'name="contact" value="([^"]*)"', self.html)
        assert found, self.text
        return found[1]
