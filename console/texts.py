"""What the pages say, in each language, with numbers and dates as people write them.

The English text is the key of the gettext catalogues `locale/<language>/<domain>.po`, one domain
per page. They are read as they are: nothing has to be compiled.
"""

from __future__ import annotations

import gettext
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from markupsafe import Markup

if TYPE_CHECKING:
    from datetime import date, datetime, tzinfo
    from decimal import Decimal

#: The language of the texts in the code, and those that have catalogues.
SOURCE = "en"
LANGUAGES = (SOURCE, "fr")


def N_(text: str) -> str:  # noqa: N802 - the name that gettext's tools look for
    """Mark a text for the catalogues where it stands; it is looked up where it is shown."""
    return text


def NN_(one: str, more: str) -> tuple[str, str]:  # noqa: N802
    """Mark a text for one and for several things."""
    return one, more


_LOCALE = Path(__file__).resolve().parent / "locale"
_LEAST_SHARE = 0.00001


@cache
def translations(domain: str, language: str) -> gettext.NullTranslations:
    """Return the catalogue of a page; the source language needs none."""
    if language == SOURCE:
        return gettext.NullTranslations()
    with (_LOCALE / language / f"{domain}.po").open("rb") as file:
        catalogue = read_po(file, locale=language, domain=domain, abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@cache
def known_texts(domain: str) -> frozenset[str]:
    """Return the texts that a catalogue translates."""
    with (_LOCALE / LANGUAGES[-1] / f"{domain}.po").open("rb") as file:
        found = (message.id for message in read_po(file) if message.id)
        return frozenset(text for text in found if isinstance(text, str))


class Texts:
    """The texts of one page in one language.

    A text is trusted markup, what is put into it is escaped: `texts("%(name)s waits", name="<b>")`.
    Integers come out as people write them: 1,040 in English, 1 040 in French.
    """

    def __init__(self, domain: str, language: str, zone: tzinfo | None = None) -> None:
        """Take the catalogue of a page.

        Args:
            domain: The page.
            language: One of `LANGUAGES`.
            zone: Where moments are shown; the zone of the machine by default.
        """
        self.language = language
        self._catalogue = translations(domain, language)
        self._locale = Locale.parse("en_GB" if language == "en" else language)
        self._zone = zone

    def __call__(self, text: str, **values: object) -> Markup:
        """Return a text with values put in by name."""
        return self._filled(self._catalogue.gettext(text), values)

    def count(self, one: str, more: str, count: int, **values: object) -> Markup:
        """Return the text for a number of things, which it may name as `%(count)s`."""
        text = self._catalogue.ngettext(one, more, count)
        return self._filled(text, {**values, "count": count})

    def _filled(self, text: str, values: dict[str, object]) -> Markup:
        shown = {
            name: self.number(value) if type(value) is int else value
            for name, value in values.items()
        }
        return Markup(text) % shown  # noqa: S704 - the texts are this project's own

    def number(self, value: float | Decimal) -> str:
        """Return a number, at most two decimals."""
        return str(format_decimal(value, "#,##0.##", locale=self._locale))

    def share(self, value: float) -> str:
        """Return a share from 0 to 1 in percent; 0 % and 100 % are exactly that."""
        digits = 0
        if 0 < value < 1:
            value = min(max(value, _LEAST_SHARE), 1 - _LEAST_SHARE)
            while round(value, digits + 2) in {0, 1}:
                digits += 1
        pattern = str(self._locale.percent_formats[None].pattern)
        if digits:
            pattern = pattern.replace("0", f"0.{'0' * digits}", 1)
        return str(format_percent(value, pattern, locale=self._locale))

    def day(self, value: date) -> str:
        """Return a day in words: 28 November 2026."""
        return str(format_date(value, "long", locale=self._locale))

    def moment(self, value: datetime, *, weekday: bool = False) -> str:
        """Return a day and a time of day in the zone of the page: 28 Nov 2026, 06:12."""
        local = value.astimezone(self._zone).replace(tzinfo=None)
        pattern = "EEEE d MMM yyyy, HH:mm" if weekday else "d MMM yyyy, HH:mm"
        return str(format_datetime(local, pattern, locale=self._locale))
