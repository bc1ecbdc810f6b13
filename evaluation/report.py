"""What `make evaluate` prints, and the links it writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaluation import misses, ngrams, peer
from evaluation.baselines import CANDIDATES, CORE_NAME_OR_DOMAIN, NAMES_AS_WRITTEN
from evaluation.inputs import InputError, unread_company_columns
from evaluation.processes import progress
from evaluation.scores import AUTO, LINKED, Score, candidates, groups, linked, score
from rest_tap.logs import printable
from tools.demo.report import table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import duckdb

    from evaluation.floor import Result
    from evaluation.misses import Kind
    from evaluation.processes import Usage
    from evaluation.scores import Group

SCORED = ["links", "right", "precision", "recall", "F1"]
# A measured share of fewer links than this says little about the share that was claimed.
TELLING = 100
NEAR = 0.03


def inputs(
    connection: duckdb.DuckDBPyConnection, company_columns: Mapping[str, Sequence[str]]
) -> None:
    """Print how many rows and true links there are, and which columns were read as what.

    Raises:
        InputError: contacts have no id, or none of the truth's contacts or companies is there.
    """
    for line in check_ids(connection):
        print(line)
    print_columns(connection, "contacts", "marts.contact_mapping_report")
    for table_name, names in unread_company_columns(connection, company_columns):
        print(f"Columns of {table_name} not read: {', '.join(names)}")


def check_ids(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return lines that say how many rows and true links there are.

    Raises:
        InputError: contacts have no id, or none of the truth's contacts or companies is there.
    """
    ids = connection.execute(
        "select count(*), count(contact_id) from staging.stg_kananas__contacts"
    ).fetchone() or (0, 0)
    if ids[0] and ids[1] < ids[0]:
        msg = (
            f"{ids[0] - ids[1]:,} of {ids[0]:,} contacts have no id: name its column in VARS,"
            f""" '{{"contact_columns": {{"contact_id": [...]}}}}'; the map now is"""
            f" {_columns(connection, 'marts.contact_mapping_report')}"
        )
        raise InputError(msg)
    counts = connection.execute(
        "select (select count(*) from staging.stg_kizen__companies), count(*),"
        " count(contacts.contact_id), count(companies.company_id) from truth"
        " left join staging.stg_kananas__contacts as contacts using (contact_id)"
        " left join staging.stg_kizen__companies as companies using (company_id)"
    ).fetchone() or (0, 0, 0, 0)
    lines = [f"{ids[0]:,} contacts, {counts[0]:,} companies, {counts[1]:,} true links"]
    for kind, found in (("contact", counts[2]), ("company", counts[3])):
        if not found:
            raise InputError(_strangers(connection, kind))
        if found < counts[1]:
            lines.append(
                f"{counts[1] - found:,} true links name a {kind} that is not there; they count"
            )
    return lines


def print_columns(connection: duckdb.DuckDBPyConnection, name: str, mapped: str) -> None:
    """Print which columns of a table were read as what, and which were not.

    Args:
        connection: a built DuckDB file.
        name: what to call the table.
        mapped: its rows of a mapping report: a table, or a query in parentheses.
    """
    print(f"Columns of {name} read as {_columns(connection, mapped)}")
    unread = connection.execute(
        "select string_agg(raw_column, ', ' order by raw_column)"
        f" from {mapped} where meaning is null"
    ).fetchone()
    if unread and unread[0]:
        print(f"Columns of {name} not read: {unread[0]}")


def _columns(connection: duckdb.DuckDBPyConnection, mapped: str) -> str:
    found = connection.execute(
        "select meaning, string_agg(concat_ws('.', raw_column, json_path), ', ' order by candidate)"
        f" from {mapped} where meaning is not null and raw_column is not null"
        " and (json_path is null or filled_count > 0) group by meaning order by meaning"
    ).fetchall()
    return "; ".join(f"{meaning}: {names}" for meaning, names in found)


def _strangers(connection: duckdb.DuckDBPyConnection, kind: str) -> str:
    table_name, staged = {
        "contact": ("kananas.contacts", "stg_kananas__contacts"),
        "company": ("kizen.companies", "stg_kizen__companies"),
    }[kind]
    first = f"select min({kind}_id) from"
    asked, known = (
        connection.execute(f"{first} {place}").fetchone() or (None,)
        for place in ("truth", f"staging.{staged}")
    )
    there = f"there they are such as {known[0]}" if known[0] else "there is none"
    return f"TRUTH: no {kind}_id, such as {asked[0]}, is an id of {table_name}: {there}"


def quality(connection: duckdb.DuckDBPyConnection, result: Result) -> None:
    """Print the scores of the links: in all, per tier, and per confidence."""
    print("\nLinks against the truth:")
    print(
        table(
            ["", *SCORED],
            [
                _scored("auto", score(connection, linked(AUTO))),
                _scored("auto and review", score(connection, linked(LINKED))),
            ],
        )
    )
    found = candidates(connection, CANDIDATES)
    print(
        f"Candidates hold {result.blocking_recall:.4f} of the true links;"
        f" a contact has {found.mean:.1f} of them, at the 99th percentile {found.most:,}"
    )
    print("\nPer tier, auto and review:")
    print(table(["tier", "links", "right", "precision"], _grouped(groups(connection, "tier"))))
    print("\nPer confidence, auto and review:")
    rows = [
        (
            group.name, group.links, group.right, _share(group.precision),
            "" if group.claimed is None else f"{group.precision - group.claimed:+.4f}",
            _verdict(group),
        )
        for group in groups(connection, "confidence")
    ]  # fmt: skip
    print(table(["confidence", "links", "right", "measured", "difference", ""], rows))
    capped = connection.execute(
        "select count(*), coalesce(sum(pair_count), 0)::bigint"
        " from intermediate.int_links__capped_keys"
    ).fetchone() or (0, 0)
    print(f"{capped[0]:,} keys are too common to be looked at ({capped[1]:,} pairs)")


def peers(
    connection: duckdb.DuckDBPyConnection, splink_folder: Path | None
) -> tuple[dict[str, Score], Usage | None]:
    """Score the links that simpler ways and Splink make of the same data.

    Returns:
        By the way's name its score, and what Splink took if it ran.

    Raises:
        ProgramError: Splink failed.
    """
    ways = {
        "names as written": NAMES_AS_WRITTEN,
        "names without legal form, or domain": CORE_NAME_OR_DOMAIN,
    }
    ways |= ngrams.link(connection)
    usage = None
    if splink_folder:
        progress("Splink links the same data")
        links, usage = peer.link(connection, splink_folder)
        ways |= links
    return {name: score(connection, query) for name, query in ways.items()}, usage


def baselines(
    connection: duckdb.DuckDBPyConnection, result: Result, splink_folder: Path | None
) -> None:
    """Print what simpler ways and Splink find in the same data.

    Raises:
        ProgramError: Splink failed.
    """
    scores, usage = peers(connection, splink_folder)
    print("\nThe same data, linked otherwise:")
    print(table(["", *SCORED], [_scored(name, found) for name, found in scores.items()]))
    if usage is None:
        print("Splink is left out (SPLINK=0)")
    else:
        best = max(scores[name].f1 for name in peer.MODELS.values())
        print(f"Splink: both models in {usage}")
        print(f"Ours is {100 * (result.F1 - best):+.2f} points of F1 from the better Splink")


def kinds_of_miss(connection: duckdb.DuckDBPyConnection, *, examples: bool) -> None:
    """Print the kinds of true links not found and of wrong links; names only in examples."""
    for title, mark, kinds in (
        ("True links not found", "no candidate", misses.missed(connection)),
        ("Wrong links", "contact has no company", misses.wrong(connection)),
    ):
        print(f"\n{title}, auto and review, by the kind of difference between the names:")
        total = sum(kind.links for kind in kinds)
        rows = [(kind.name, kind.links, _share(kind.links / total), kind.marked) for kind in kinds]
        print(table(["kind", "links", "share", mark], [*rows, _total(kinds)]))
        if examples:
            for kind in kinds:
                for example in kind.examples:
                    print(f"  {kind.name}: {printable(example)}")
    if not examples:
        print("EXAMPLES=1 prints two pairs of names for each kind")


def _total(kinds: Sequence[Kind]) -> Sequence[object]:
    return ("all", sum(kind.links for kind in kinds), "", sum(kind.marked for kind in kinds))


def write_links(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Write `contact_company_links`, by contact, to a CSV file.

    Raises:
        InputError: the file cannot be written.
    """
    links = connection.sql("from marts.contact_company_links order by contact_id")
    try:
        links.write_csv(str(path), header=True)
    except Exception as error:
        msg = f"LINKS={path} cannot be written: {str(error).splitlines()[0]}"
        raise InputError(msg) from error
    print(f"Links written to {path}")


def _scored(name: str, found: Score) -> Sequence[object]:
    shares = (_share(value) for value in (found.precision, found.recall, found.f1))
    return (name, found.links, found.right, *shares)


def _grouped(found: Sequence[Group]) -> list[Sequence[object]]:
    return [(group.name, group.links, group.right, _share(group.precision)) for group in found]


def _verdict(group: Group) -> str:
    if group.claimed is None or group.links < TELLING:
        return "too few to tell"
    return "" if abs(group.precision - group.claimed) <= NEAR else "off"


def _share(value: float) -> str:
    return f"{value:.4f}"
