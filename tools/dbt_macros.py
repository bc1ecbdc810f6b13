"""Macros of the dbt project as functions over texts, so that seeds are written as it reads them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
from jinja2 import Environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MACROS = Path(__file__).resolve().parent.parent / "dbt_project" / "macros"


def normalised(texts: Iterable[str]) -> list[str]:
    """Return names as they are compared, before legal forms are taken off, one for each text."""
    return _asked(texts, _macro("normalised_names")("texts", "text"))


def plain_words(texts: Iterable[str]) -> list[str]:
    """Return texts in lower case without accents and signs, one for each."""
    return _asked(texts, f"select text, {_macro('plain_words')('text')} from texts")  # noqa: S608


def city_keys(texts: Iterable[str]) -> list[str]:
    """Return cities as they are compared, one for each; empty where no letter is left."""
    return _asked(texts, f"select text, coalesce({_macro('city_key')('text')}, '') from texts")  # noqa: S608


def _macro(asked: str) -> Callable[..., str]:
    environment = Environment(extensions=["jinja2.ext.do"], autoescape=False)  # noqa: S701 - SQL
    source = "".join(
        (MACROS / f"{name}.sql").read_text(encoding="utf-8")
        for name in ("engine", "names", "contact_points")
    )

    class Adapter:
        """What dbt passes to macros that differ by engine."""

        @staticmethod
        def dispatch(name: str) -> Callable[..., str]:
            macro: Callable[..., str] = getattr(module, f"duckdb__{name}")
            return macro

    environment.globals["adapter"] = Adapter
    module = environment.from_string(source).module
    found: Callable[..., str] = getattr(module, asked)
    return found


def _asked(texts: Iterable[str], query: str) -> list[str]:
    given = list(texts)
    with duckdb.connect() as connection:
        connection.execute("create table texts as select distinct unnest(?) as text", [given])
        answers = dict(connection.execute(query).fetchall())
    return [answers[text] for text in given]
