"""The staging model of webhooks, where there are some and where there never were."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.dbt_project.project import read, write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.dbt_project.project import Project

BUILD = (
    *("build", "--select", "stg_kananas__webhook_events"),
    *("--exclude-resource-type", "unit_test"),
)
ROWS = (
    "select payload_type, payload_id, payload_keys, body from staging.stg_kananas__webhook_events"
)


def test_it_builds_before_and_after_the_first_webhook(project: Project, database: Path) -> None:
    run = project.run(database, *BUILD)
    assert run.exit_code == 0, run.output
    assert read(database, ROWS) == []
    write(
        database,
        "create schema kananas",
        """
        create table kananas.webhook_events as select
            1::bigint as sequence, now() as received_at, ' {"type": "contact", "id": 7}' as body,
            '{"type": "contact", "id": 7}'::json as payload, null::timestamptz as _sdc_deleted_at
        """,
    )
    run = project.run(database, *BUILD)
    assert run.exit_code == 0, run.output
    assert read(database, ROWS) == [
        ("contact", "7", '["type","id"]', ' {"type": "contact", "id": 7}')
    ]
