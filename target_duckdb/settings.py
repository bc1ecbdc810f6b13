"""The settings of the target, as `--about` shows them."""

from __future__ import annotations

from singer_sdk import typing as th

UPSERT = "upsert"
APPEND_ONLY = "append-only"
OVERWRITE = "overwrite"

FAIL = "fail"
QUARANTINE = "quarantine"

CONFIG_JSONSCHEMA = th.PropertiesList(
    th.Property(
        "path",
        th.StringType,
        required=True,
        title="Path",
        description="The DuckDB file; made where it does not exist. `md:` addresses are passed on.",
    ),
    th.Property(
        "default_target_schema",
        th.StringType,
        default="main",
        title="Default target schema",
        description="Schema of all tables; made where it does not exist.",
    ),
    th.Property(
        "database",
        th.StringType,
        title="Database",
        description="Name of the database in SQL; by default that of the file without its ending.",
    ),
    th.Property(
        "load_method",
        th.StringType,
        allowed_values=[UPSERT, APPEND_ONLY, OVERWRITE],
        default=UPSERT,
        title="Load method",
        description=(
            "`upsert` replaces rows of the same key and appends where a stream has no key, "
            "`append-only` adds every record, `overwrite` replaces the whole table in each run."
        ),
    ),
    th.Property(
        "hard_delete",
        th.BooleanType,
        default=False,
        title="Hard delete",
        description=(
            "Whether deleted rows go; otherwise they stay and `_sdc_deleted_at` says since when."
        ),
    ),
    th.Property(
        "add_record_metadata",
        th.BooleanType,
        default=False,
        title="Add record metadata",
        description="Whether tables get the `_sdc_*` columns of the Singer SDK.",
    ),
    th.Property(
        "on_invalid_record",
        th.StringType,
        allowed_values=[FAIL, QUARANTINE],
        default=FAIL,
        title="On invalid record",
        description=(
            "`fail` ends the run at the first record that cannot be loaded, `quarantine` keeps it "
            "whole in the table `_quarantine` and loads the rest."
        ),
    ),
    th.Property(
        "uuid_type",
        th.StringType,
        allowed_values=["VARCHAR", "UUID"],
        default="VARCHAR",
        title="UUID type",
        description="DuckDB type of strings of format `uuid`.",
    ),
    th.Property(
        "batch_size_rows",
        th.IntegerType(minimum=1),
        default=500_000,
        title="Batch size in rows",
        description=(
            "Rows after which the next STATE message makes the target commit, and pass it on."
        ),
    ),
    th.Property(
        "batch_size_bytes",
        th.IntegerType(minimum=1),
        default=1 << 30,
        title="Batch size in bytes",
        description="The same in bytes of JSON.",
    ),
    th.Property(
        "lock_timeout",
        th.NumberType(minimum=0),
        default=60,
        title="Lock timeout",
        description="Seconds to wait for a database file that another process has open.",
    ),
    th.Property(
        "max_memory",
        th.StringType,
        title="Max memory",
        description=(
            "Limit of DuckDB's memory, such as `1GB`; what exceeds it goes to disk. By default "
            "128 MB, 160 MB for a commit; where a step cannot do with it up to 1 GB, then as much "
            "as DuckDB would take by itself."
        ),
    ),
    th.Property(
        "settings",
        th.ObjectType(additional_properties=True),
        secret=True,
        title="DuckDB settings",
        description='DuckDB options by name, such as `{"threads": 2}`.',
    ),
    th.Property(
        "keep_batch_files",
        th.BooleanType,
        default=False,
        title="Keep batch files",
        description="Whether files of BATCH messages stay after they are loaded.",
    ),
).to_dict()
