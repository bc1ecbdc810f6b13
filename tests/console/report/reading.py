"""What a reader of the report sees of it, without a browser."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser

_MAIN = re.compile(r'<main lang="(\w+)"[^>]*>(.*?)</main>', re.DOTALL)
_SECTION = re.compile(r'<section aria-labelledby="\w+-(\w+)">(.*?)</section>', re.DOTALL)


def said(page: str, language: str = "en") -> str:
    """Return the words of the page in a language, without the pictures."""
    return _words(dict(_MAIN.findall(page))[language])


def sections(page: str, language: str = "en") -> dict[str, str]:
    """Return the words of each section, in the order of the page."""
    body = dict(_MAIN.findall(page))[language]
    return {name: _words(text) for name, text in _SECTION.findall(body)}


def _words(markup: str) -> str:
    text = re.sub(r"<svg.*?</svg>", "", markup, flags=re.DOTALL)
    # What stands in cells and lines of its own is apart; what is within a line is not.
    text = re.sub(r"</?(?:a|bdi|code|span|strong|time)\b[^>]*>", "", text)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", text))).strip()


@dataclass
class Figure:
    """A number of the page: what is said with it, and the place that it leads to."""

    said: str
    leads_to: str | None


@dataclass
class Reader(HTMLParser):
    """Reads the figures of a page, and how many rows stand at each place of it.

    No figures are what a record says, moments, settings, and shares, whose base stands beside them.
    What has its rows in the same place says so by `data-rows`.
    """

    figures: list[Figure] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    _open: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)

    _EMPTY = frozenset({"br", "meta", "link", "input", "rect", "line", "col", "hr"})
    _NO_FIGURES = frozenset({"bdi", "time", "code", "svg", "footer", "script", "style"})
    _SHARE = re.compile(r"±?[\d.,]+\s*%|\b0\b")

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self._EMPTY:
            self._open.append((tag, dict(attrs)))
        if tag in {"tr", "li", "article"}:
            for _, given in self._open[:-1]:
                # The heading of a section stands for all of it.
                place = given.get("id") or given.get("aria-labelledby")
                if place:
                    self.rows[place] = self.rows.get(place, 0) + 1

    def handle_endtag(self, tag: str) -> None:
        while tag not in self._EMPTY and self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        inside = {tag for tag, _ in self._open}
        given = {name for _, attributes in self._open for name in attributes}
        if "main" not in inside or inside & self._NO_FIGURES:
            return
        if given & {"data-rows", "data-no-figure"}:
            return
        if any(letter.isdigit() for letter in self._SHARE.sub("", data)):
            links = [attributes.get("href") or "" for tag, attributes in self._open if tag == "a"]
            self.figures.append(
                Figure(" ".join(data.split()), links[-1].lstrip("#") if links else None)
            )


def figures(page: str) -> Reader:
    """Return the figures of a page, and the rows at its places."""
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader
