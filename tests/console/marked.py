"""Pages in a language whose texts are marked: what is not, no catalogue has."""

from __future__ import annotations

import re
from gettext import NullTranslations
from html.parser import HTMLParser


class Marked(NullTranslations):
    """A language whose texts are the English ones in brackets."""

    def gettext(self, message: str) -> str:
        return f"\u27e6{message}\u27e7"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"\u27e6{msgid1 if n == 1 else msgid2}\u27e7"


class _Unmarked(HTMLParser):
    """What a page says, attributes too, that is neither of a catalogue nor of a record."""

    _SPOKEN = frozenset({"aria-label", "title", "placeholder", "alt", "data-label"})
    _VOID = frozenset({"input", "meta", "link", "rect", "br"})
    _OF_RECORDS = frozenset({"bdi", "code", "kbd", "script"})
    #: The names of the services, moments, and endings of files.
    _NO_WORDS = re.compile(r"Kananas|Kizen|\d+ \w+\.? \d{4}, \d\d:\d\d|\b(?:csv|xlsx)\b")

    def __init__(self) -> None:
        super().__init__()
        self._said: list[str] = []
        self._left_out: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        # What has a language of its own says so.
        is_left_out = tag in self._OF_RECORDS or (tag != "html" and "lang" in given)
        if not is_left_out:
            self._said += [given[name] or "" for name in self._SPOKEN & given.keys()]
        if tag not in self._VOID:
            self._left_out.append(is_left_out or self._left_out[-1:] == [True])

    def handle_endtag(self, tag: str) -> None:
        if tag not in self._VOID:
            self._left_out.pop()

    def handle_data(self, data: str) -> None:
        if self._left_out[-1:] != [True]:
            self._said.append(data)

    def words(self) -> list[str]:
        """Return the words outside of brackets."""
        text = " ".join(self._said)
        while (inner := re.sub("\u27e6[^\u27e6\u27e7]*\u27e7", "", text)) != text:
            text = inner
        return re.findall(r"[^\W\d_]{2,}", self._NO_WORDS.sub("", text))


def unmarked(html: str) -> list[str]:
    """Return the words of a page that no catalogue has, and that are none of a record."""
    reader = _Unmarked()
    reader.feed(html)
    reader.close()
    return reader.words()
