"""The candidate pairs of sets whose truth is known: what each feature says, and which are right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb
import numpy as np

from evaluation.building import LINKS, build_links, database, dbt
from evaluation.inputs import TRUTH_PEOPLE_COLUMNS, InputError, copy_raw_tables, load_truth
from evaluation.levels import level_places
from target_duckdb.names import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from evaluation import sets
    from evaluation.levels import Level

# Companies and persons whose id's MD5 is below this are kept where few are: one in seven. A set of
# which fewer contacts than SPARSE have one has few as it is.
KEPT, SPARSE, FEW = "24", 0.25, ", few persons"


class Persons(NamedTuple):
    """The number of each pair's person, and whether a contact that agrees better rules it out.

    A company has many contacts, a person is one: contacts are rivals for it.
    """

    numbers: NDArray[np.int64]
    have_to_lead: NDArray[np.bool_]


class Pairs(NamedTuple):
    """The pairs of one set, those of a contact side by side, in the order of the contacts.

    `levels` has the place of each pair's level in its feature, -1 where there is none; `starts` the
    first pair of each contact, `groups` the number of each pair's contact; `truths` is how many
    links the set has in all, found or not. A contact without a right pair belongs to none of them,
    or, where some are `open`, to one of those or to none.
    """

    register: str
    name: str
    levels: dict[str, NDArray[np.int64]]
    right: NDArray[np.bool_]
    tiers: NDArray[Any]
    cautions: NDArray[np.bool_]
    starts: NDArray[np.int64]
    groups: NDArray[np.int64]
    truths: int
    open: NDArray[np.bool_] | None = None
    persons: Persons | None = None


def keep_few(warehouse: Path, names: Sequence[str]) -> None:
    """Delete six in seven rows of tables of a copy of raw tables, the same ones each time."""
    with duckdb.connect(warehouse) as connection:
        tables = connection.execute(
            "select table_name, min(column_name) from information_schema.columns"
            " where table_schema = 'kizen' and list_contains(?, lower(table_name))"
            " and lower(column_name) in ('id', 'company_id', 'client_id') group by table_name",
            [names],
        ).fetchall()
        for name, column in tables:
            connection.execute(
                f"delete from kizen.{quote(name)}"
                f" where left(md5(cast({quote(column)} as varchar)), 2) >= '{KEPT}'"
            )


def compare(
    given: sets.Set,
    register: str,
    levels: Sequence[Level],
    folder: Path,
    *,
    of_few: bool = False,
) -> Pairs:
    """Build the links of a set, and return the levels of all of its pairs.

    Args:
        given: the set.
        register: the register it is of.
        levels: the levels.
        folder: where to build.
        of_few: whether to leave out six in seven companies.

    Raises:
        InputError: the set cannot be read.
        ProgramError: dbt failed.
    """
    warehouse = _built(given, folder, ["companies", "companies_company"] if of_few else [])
    _take_every_pair(warehouse, folder, "int_links", "true")
    features = sorted({level.feature for level in levels} - {"pair"})
    with duckdb.connect(warehouse, read_only=True) as connection:
        load_truth(connection, given.truth)
        if of_few:
            connection.execute(
                "delete from truth where company_id not in"
                " (select company_id from intermediate.int_companies__match_keys)"
            )
        described = connection.execute("describe intermediate.int_links__name_levels").fetchall()
        of_names = {name for name, *_ in described}
        columns = ", ".join(
            f"{'names' if f'{feature}_level' in of_names and feature != 'name' else 'pairs'}"
            f".{feature}_level"
            for feature in features
        )
        rows = connection.execute(
            "select pairs.contact_number, truth.contact_id is not null as is_right,"
            f" pairs.tier as evidence, pairs.caution is not null as has_caution, {columns}"
            " from intermediate.int_links__tiers as pairs"
            " left join intermediate.int_links__name_levels as names"
            " using (contact_core, company_core)"
            " left join truth on pairs.contact_id = truth.contact_id"
            " and pairs.company_id = truth.company_id"
            " order by pairs.contact_number, pairs.company_number"
        ).fetchnumpy()
        (truths,) = connection.execute("select count(*) from truth").fetchone() or (0,)
    name = f"{given.name}, few companies" if of_few else given.name
    return _pairs_of(rows, register, name, levels, truths)


def compare_persons(
    given: sets.Set,
    register: str,
    levels: Sequence[Level],
    folder: Path,
    *,
    of_few: bool = False,
) -> Pairs:
    """Build the links of persons of a set, and return the levels of all pairs that may be one.

    Which pairs may be one, rules and patterns say by the weights of the seed. A contact who is in
    the CRM twice has one right pair, that of the higher score.

    Args and errors: as `compare`.
    """
    few = ["clients", "client_client"] if of_few else []
    warehouse = _built(given, folder, few, ["+int_persons__tiers"])
    _take_every_pair(warehouse, folder, "int_persons", "not is_duplicate")
    features = sorted({level.feature for level in levels} - {"pair"})
    with duckdb.connect(warehouse, read_only=True) as connection:
        load_truth(connection, given.truth, TRUTH_PEOPLE_COLUMNS, "TRUTH_PEOPLE")
        connection.execute(
            "delete from truth where kizen_contact_id not in"
            " (select kizen_contact_id from staging.stg_kizen__contacts)"
        )
        columns = ", ".join(f"pairs.{feature}_level" for feature in features)
        rows = connection.execute(
            f"select contact_number, kizen_number, truth.contact_id is not null as is_right,"
            " evidence, caution is not null as has_caution,"
            " is_shared or coalesce(first_name_level, '') in ('near', 'differs') as has_to_lead,"
            f" {columns} from intermediate.int_persons__tiers as pairs"
            " left join truth using (contact_id, kizen_contact_id)"
            " qualify truth.contact_id is null or row_number() over ("
            "partition by contact_number, truth.contact_id is null"
            " order by score desc, kizen_number) = 1"
            " order by contact_number, kizen_number"
        ).fetchnumpy()
        (truths,) = connection.execute(
            "select count(distinct contact_id) from truth"
        ).fetchone() or (0,)
    persons = Persons(np.asarray(rows["kizen_number"]), np.asarray(rows["has_to_lead"], dtype=bool))
    name = f"{given.name}{FEW}" if of_few else given.name
    return _pairs_of(rows, register, name, levels, truths)._replace(persons=persons)


def _built(
    given: sets.Set, folder: Path, few: Sequence[str], selection: Sequence[str] = LINKS
) -> Path:
    """Build the links over a copy of a set, of which six in seven rows of some tables are left out.

    Returns:
        The path of the DuckDB file.
    """
    warehouse = folder / "warehouse.duckdb"
    warehouse.unlink(missing_ok=True)
    copy_raw_tables(given.database, warehouse)
    if few:
        keep_few(warehouse, few)
    build_links(warehouse, folder, {}, selection)
    return warehouse


def _take_every_pair(warehouse: Path, folder: Path, models: str, condition: str) -> None:
    """Ask what a link rests on of every pair that meets a condition, not of the best one alone."""
    with duckdb.connect(warehouse) as connection:
        connection.execute(
            f"create or replace table intermediate.{models}__ranked as"
            f" from intermediate.{models}__scored where {condition}"
        )
    environment = database(warehouse, folder)
    dbt(["run", "--select", f"{models}__tiers"], folder, environment=environment)


def _pairs_of(
    rows: Mapping[str, NDArray[Any]],
    register: str,
    name: str,
    levels: Sequence[Level],
    truths: int,
) -> Pairs:
    """Return the pairs of a set from the columns of a query, in the order of their contacts."""
    _, starts, groups = np.unique(
        np.asarray(rows["contact_number"]), return_index=True, return_inverse=True
    )
    return Pairs(
        register,
        name,
        {
            feature: level_places(rows[f"{feature}_level"], feature, levels)
            for feature in sorted({level.feature for level in levels} - {"pair"})
        },
        np.asarray(rows["is_right"], dtype=bool),
        np.ma.filled(rows["evidence"], "").astype(str),
        np.asarray(rows["has_caution"], dtype=bool),
        starts,
        groups,
        truths,
    )


def compared(
    given: Sequence[sets.Set],
    levels: Sequence[Level],
    folder: Path,
    look_at: Callable[..., Pairs] = compare,
) -> list[Pairs]:
    """Build the links of sets, as they are and with few in the CRM, and return all levels.

    Raises:
        InputError: a set cannot be read, or has no right link among its pairs.
        ProgramError: dbt failed.
    """
    every = []
    for one in given:
        register = one.database.resolve().parent.name
        print(f"{register}: {one.name} …", flush=True)
        pairs = look_at(one, register, levels, folder)
        if not pairs.right.any():
            msg = f"SETS: {one.name}: no right link is among its pairs, so it can teach nothing"
            raise InputError(msg)
        every.append(pairs)
        if pairs.truths > SPARSE * len(pairs.starts):
            few = look_at(one, register, levels, folder, of_few=True)
            if few.right.any():
                every.append(few)
    return every


def registers(every: Sequence[Pairs]) -> Iterator[tuple[str, list[int], list[int]]]:
    """Yield each register, the numbers of its sets, and those of all others.

    Two registers may have sets of one name, so sets are told apart by their numbers.
    """
    for register in sorted({pairs.register for pairs in every}):
        own = [number for number, pairs in enumerate(every) if pairs.register == register]
        yield register, own, [number for number in range(len(every)) if number not in own]


def left_out_sets(every: Sequence[Pairs]) -> Iterator[tuple[list[int], list[int]]]:
    """Yield the numbers of each set, as it is and with few in the CRM, and those of all others."""
    names = [(pairs.register, pairs.name.removesuffix(FEW)) for pairs in every]
    for name in dict.fromkeys(names):
        own = [number for number, one in enumerate(names) if one == name]
        yield own, [number for number in range(len(every)) if number not in own]
