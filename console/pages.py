"""Templates of the pages: what a record says is escaped, and kept apart from the page's text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

if TYPE_CHECKING:
    from jinja2.bccache import Bucket

    from console.texts import Texts

#: What all pages share, such as `page.css`.
SHARED = Path(__file__).resolve().parent / "templates"

LONGEST = 300
"""Characters of one value that are shown."""

# HTML has no way to write most control characters: their pictures stand for them.
_PICTURES = {code: 0x2400 + code for code in range(0x20)} | {0x7F: 0x2421}
_PICTURES |= dict.fromkeys(range(0x80, 0xA0), 0xFFFD)


def of_record(value: object) -> Markup:
    """Return a value of a record as markup: escaped, and at most `LONGEST` characters of it.

    `<bdi>` keeps marks of the direction of writing from turning the text around it.
    """
    text = str(value)
    if len(text) > LONGEST:
        text = text[: LONGEST - 1] + "…"
    return Markup("<bdi>{}</bdi>").format(text.translate(_PICTURES))


def of_query(query: str) -> Markup:
    """Return a query, which may quote what records say, as markup: escaped, and all of it."""
    return Markup("<bdi>{}</bdi>").format(query.translate(_PICTURES))


class _Compiled(BytecodeCache):
    """What templates were compiled to: the languages of a page share it, and so save half."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


def environment(texts: Texts, *folders: Path) -> Environment:
    """Return the templates of some folders, and the shared ones, in the language of `texts`.

    In a template `_("…", name=value)` and `count("one", "more", number)` are texts. Values of
    records go through the filter `of_record`.
    """
    made = Environment(
        loader=FileSystemLoader([*folders, SHARED]),
        autoescape=True,
        undefined=StrictUndefined,
        lstrip_blocks=True,
        bytecode_cache=_COMPILED,
    )
    made.globals.update(_=texts, count=texts.count, language=texts.language)
    made.filters.update(
        of_record=of_record,
        of_query=of_query,
        number=texts.number,
        share=texts.share,
        day=texts.day,
        moment=texts.moment,
    )
    return made
