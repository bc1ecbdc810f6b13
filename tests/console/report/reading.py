"""What a reader of the report sees of it, without a browser."""

from __future__ import annotations

import re
from html import unescape

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
    text = re.sub(r"</?(?:bdi|span|strong)[^>]*>", "", text)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", text))).strip()
