"""The reasons of a link in the words of dbt, told in the language of the reader.

The catalogue `wordings` has them. In what names a contact, a company or an author the name stands
as `%(name)s`, a second one as `%(other)s`.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from console.pages import of_record
from console.texts import Texts, known_texts

if TYPE_CHECKING:
    from markupsafe import Markup

DOMAIN = "wordings"
SEPARATOR = "; "

_PLACE = re.compile(r"%\((\w+)\)s")


class Reasons:
    """Tells reasons in one language."""

    def __init__(self, language: str) -> None:
        """Take one of `LANGUAGES`."""
        self._texts = Texts(DOMAIN, language)

    def known(self, reason: str, left_out: Markup | None = None) -> Markup | None:
        """Return one reason in the language, or None where the models have no such words.

        Args:
            reason: One of those that `SEPARATOR` parts in a table.
            left_out: What stands in the place of names; None shows them.
        """
        if reason in known_texts(DOMAIN):
            return self._texts(reason)
        for text, pattern in _patterns():
            if found := pattern.fullmatch(reason):
                names = {
                    place: left_out or of_record(name) for place, name in found.groupdict().items()
                }
                return self._texts(text, **names)
        return None

    def __call__(self, reason: str) -> Markup:
        """Return one reason in the language; unknown words are shown as they are."""
        told = self.known(reason)
        return of_record(reason) if told is None else told


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    """Return each text with names in it, and what it looks like in a table; the longest first."""
    texts = sorted((text for text in known_texts(DOMAIN) if _PLACE.search(text)), key=len)
    return [(text, _pattern(text)) for text in reversed(texts)]


def _pattern(text: str) -> re.Pattern[str]:
    parts = _PLACE.split(text)
    # Every second part is the name of a place.
    written = (
        f"(?P<{part}>.+)" if index % 2 else re.escape(part) for index, part in enumerate(parts)
    )
    return re.compile("".join(written), re.DOTALL)
