"""What went wrong, from the lines of Meltano and of what it starts."""

from __future__ import annotations

import json

import pytest

from refresh.meltano_log import OutputParser

STDERR = (
    "Cannot start plugin tap-kizen: Catalog discovery failed: command [] returned 1 with "
    'stderr:\n {"level": "critical", "message": "companies: GET h answered 401"}\n'
    "sys:1: ResourceWarning: unclosed file\n"
)
PLAIN = (
    "Cannot start plugin tap-kananas: discovery failed: command [] returned 2 with stderr:\n"
    " setting 'secret_key' is missing\nsys:1: ResourceWarning: unclosed file\n"
)
BLOCK = {"event": "Block run completed", "success": False, "level": "error"}


def line(event: str, name: str | None = None, level: str = "info", **more: object) -> str:
    named = {} if name is None else {"name": name}
    return json.dumps({"event": event, "level": level, **named, **more})


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        (
            [
                line("companies: 3 records read (9/s)", "tap-kizen"),
                line("companies: GET h answered 401", "tap-kizen", "critical"),
                line("later", "target-duckdb", "error"),
                json.dumps({**BLOCK, "err": "Extractor failed"}),
            ],
            "companies: GET h answered 401",
        ),
        ([json.dumps({**BLOCK, "err": STDERR})], "companies: GET h answered 401"),
        ([json.dumps({**BLOCK, "err": PLAIN})], "setting 'secret_key' is missing"),
        (
            [line("Error: Setting value set via multiple environment variables", None, "error")],
            "Setting value set via multiple environment variables",
        ),
        (
            [
                line("[0m03:07:00  Failure in contacts: contact_id is null (2 times)", "dbt"),
                line("[0m03:07:00  Failure in test integrity_contacts_contact_id (x.yml)", "dbt"),
                line("[0m03:07:00    Got 1 result, configured to fail if != 0", "dbt"),
                json.dumps({**BLOCK, "err": "`dbt build` failed with exit code: 1"}),
            ],
            "Failure in contacts: contact_id is null",
        ),
        (
            [
                line("03:07:00  Database Error in model contacts (models/x.sql)", "dbt"),
                line("03:07:00    Conversion Error: Could not convert 'Zoé' to INT", "dbt"),
            ],
            "Database Error in model contacts",
        ),
        (
            [
                line("dbt-wait: Waiting for the database file, held by process 7 (x)", "dbt"),
                line("dbt-wait: the database file f is held by process 7 (x)", "dbt"),
                json.dumps({**BLOCK, "err": "`dbt build` failed with exit code: 1"}),
            ],
            "dbt-wait: the database file f is held by process 7 (x)",
        ),
        (
            [
                line("duckdb-publish: there is no database file f", "publish"),
                json.dumps({**BLOCK, "err": "`publish copy` failed with exit code: 1"}),
            ],
            "duckdb-publish: there is no database file f",
        ),
        (["Traceback (most recent call last):", "  File x", "KeyError: 'y'"], "KeyError: 'y'"),
        ([json.dumps({**BLOCK, "err": "`dbt build` failed"})], "`dbt build` failed"),
        ([], ""),
    ],
)
def test_the_first_useful_line_is_found(lines: list[str], error: str) -> None:
    output = OutputParser()
    for each in lines:
        output.take(each)
    assert output.error() == error


def test_the_log_has_no_colours_and_metrics_their_stream() -> None:
    output = OutputParser()
    metric = {"metric": "record_count", "value": 7, "tags": {"stream": "contacts"}}
    assert output.take(line("METRIC", "target-duckdb", metric_info=metric)).endswith(
        "target-duckdb: METRIC record_count contacts 7"
    )
    assert output.take(line("[0m03:07:00  1 of 2 OK [\x1b[32mOK\x1b[0m in 1s]", "dbt")).endswith(
        "dbt: 03:07:00  1 of 2 OK [OK in 1s]"
    )
    assert output.rows == {"contacts": 7}
    for value in (2, 3):
        metric = {"metric": "rows_deleted", "value": value, "tags": {"stream": "team"}}
        output.take(line("METRIC", "target-duckdb", metric_info=metric))
    assert output.changes["rows_deleted"] == {"team": 5}
    assert output.streams() == ["contacts", "team"]
    output.take("dbt-wait: Waiting for the database file, held by process 7 (x): 0 of 60 s")
    assert output.waits.endswith("0 of 60 s")
