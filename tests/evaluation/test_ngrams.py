"""Links by letter n-grams are those of the cosine, worked out anew here over every pair."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import duckdb
import pytest

from evaluation import ngrams
from evaluation.scores import score

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTACTS = [
    ("1", "Zénith Valcourt", "FR"),
    ("2", "ZENITH  (VALCOURT)", None),
    ("3", "Chœur Arioso", "BE"),
    ("4", "Harmonie de Montclair", "FR"),
    ("5", None, "FR"),
    ("6", "…", "FR"),
    ("7", "Straße der Blasmusik", "DE"),
]
COMPANIES = [
    ("a", "Association Zenith Valcourt", "BE"),
    ("b", "Zénith de Valcourt", "FR"),
    ("c", "choeur arioso", None),
    ("d", "Harmonie Monclair", "FR"),
    ("e", "Strasse der Blasmusik", "DE"),
    ("f", "Straße der Blasmusik", "AT"),
    ("g", None, "FR"),
]
ASCII = {"zénith": "zenith", "chœur": "choeur", "straße": "strasse"}


@pytest.fixture
def built() -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a file of names as if it were built, with a truth."""
    with duckdb.connect() as connection:
        connection.execute("create schema intermediate")
        for side, name, rows in (
            ("contacts", "organisation_name", CONTACTS), ("companies", "company_name", COMPANIES),
        ):  # fmt: skip
            key = {"contacts": "contact_id", "companies": "company_id"}[side]
            table = f"intermediate.int_{side}__match_keys"
            connection.execute(
                f"create table {table} ({key} varchar, {name} varchar, country varchar)"
            )
            connection.executemany(f"insert into {table} values (?, ?, ?)", rows)
        connection.execute(
            "create table truth as select * from (values ('1', 'b'), ('3', 'c'), ('4', 'd'))"
            " as truth (contact_id, company_id)"
        )
        yield connection


def _folded(name: str | None) -> str:
    words = "".join(sign if sign.isalnum() else " " for sign in (name or "").lower()).split()
    return " ".join(ASCII.get(word, word) for word in words)


def _grams(name: str) -> Counter[str]:
    text = f" {name} "
    return Counter(
        text[start : start + size] for size in (2, 3, 4) for start in range(len(text) - size + 1)
    )


def _expected() -> dict[str, tuple[str, float]]:
    sides = [
        {key: (_folded(name), country) for key, name, country in rows if _folded(name)}
        for rows in (CONTACTS, COMPANIES)
    ]
    names = [set(side.values()) for side in sides]
    documents = [_grams(name) for side in names for name, _ in side]
    frequency = Counter(gram for document in documents for gram in document)

    def weights(name: str) -> dict[str, float]:
        found = {
            gram: count * (math.log((1 + len(documents)) / (1 + frequency[gram])) + 1)
            for gram, count in _grams(name).items()
        }
        length = math.sqrt(sum(weight**2 for weight in found.values()))
        return {gram: weight / length for gram, weight in found.items()}

    best = {}
    for contact, (name, country) in sides[0].items():
        cosines = {
            company: sum(
                weight * weights(other).get(gram, 0) for gram, weight in weights(name).items()
            )
            for company, (other, place) in sides[1].items()
            if None in (country, place) or country == place
        }
        company = max(cosines, key=lambda key: (round(cosines[key], 5), -ord(key)))
        if cosines[company]:
            best[contact] = (company, cosines[company])
    return best


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_each_contact_has_the_company_of_the_highest_cosine(
    built: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(ngrams, "BATCH", batch)
    ngrams.link(built)
    found = {
        contact: (company, cosine)
        for contact, company, cosine in built.execute(ngrams.LINKS).fetchall()
    }
    expected = _expected()
    assert {key: company for key, (company, _) in found.items()} == {
        key: company for key, (company, _) in expected.items()
    }
    for key, (_, cosine) in expected.items():
        assert found[key][1] == pytest.approx(cosine, abs=1e-5)
    assert found["1"][0] == "b"
    assert found["7"] == ("e", pytest.approx(1, abs=1e-5))
    assert found.keys() & {"5", "6"} == set()


def test_the_best_threshold_is_that_of_the_best_f1(built: duckdb.DuckDBPyConnection) -> None:
    fixed, best = ngrams.link(built).values()
    thresholds = [cosine for _, _, cosine in built.execute(ngrams.LINKS).fetchall()]
    every = [
        score(built, f"select contact_id, company_id from ({ngrams.LINKS}) where cosine >= {least}")
        for least in thresholds
    ]
    assert score(built, best).f1 == max(one.f1 for one in every)
    assert score(built, fixed).f1 <= score(built, best).f1
    assert score(built, fixed).links == sum(cosine >= ngrams.THRESHOLD for cosine in thresholds)


def test_common_grams_find_no_company_by_themselves(
    built: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ngrams, "POSTINGS", 1)
    ngrams.link(built)
    few = {contact for contact, *_ in built.execute(ngrams.LINKS).fetchall()}
    assert few < _expected().keys()


def test_data_without_a_name_has_no_link(built: duckdb.DuckDBPyConnection) -> None:
    built.execute("update intermediate.int_contacts__match_keys set organisation_name = null")
    assert [score(built, query).links for query in ngrams.link(built).values()] == [0, 0]
