"""The settings of the target, as `--about` shows them, and what text becomes in them."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NoReturn

from dotenv import find_dotenv
from dotenv.main import DotEnv
from singer_sdk import typing as th

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UPSERT = "upsert"
APPEND_ONLY = "append-only"
OVERWRITE = "overwrite"

FAIL = "fail"
QUARANTINE = "quarantine"

_BOOLEANS = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}

CONFIG_JSONSCHEMA = th.PropertiesList(
    th.Property(
        "path",
        th.StringType,
        required=True,
        title="Path",
        description=(
            "The DuckDB file; made where it does not exist. `md:` addresses are passed on. A "
            "DuckLake is `ducklake:postgres:ADDRESS`, `ducklake:sqlite:FILE` or `ducklake:FILE`."
        ),
    ),
    th.Property(
        "data_path",
        th.StringType,
        title="Data path",
        description=(
            "Where the files of a DuckLake go: a folder, or `s3://` with bucket and prefix, of "
            "this lake alone."
        ),
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
        description=(
            "Name of the database in SQL; by default that of the file without its ending, `lake` "
            "for a DuckLake."
        ),
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
        description=(
            "Seconds to wait for a database file that another process has open, or a DuckLake "
            "that another loader writes to."
        ),
    ),
    th.Property(
        "snapshot_hours",
        th.NumberType(minimum=0),
        default=24,
        title="Snapshot hours",
        description=(
            "Hours for which the snapshots of a DuckLake stay, and after that the files that only "
            "they need."
        ),
    ),
    th.Property(
        "compact_files",
        th.IntegerType(minimum=0),
        default=20,
        title="Compact files",
        description=(
            "Files that a table of a DuckLake may have before a run makes large ones of all small "
            "ones; 0 for any number."
        ),
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
    # Declared here, since the SDK's own schema for targets takes nothing in it from 0.55 on.
    th.Property(
        "batch_config",
        th.ObjectType(
            th.Property(
                "storage",
                th.ObjectType(
                    th.Property("root", th.StringType, title="Root", description="Of the store."),
                    th.Property(
                        "prefix", th.StringType, title="Prefix", description="Of the files' names."
                    ),
                ),
                title="Storage",
                description="Where BATCH files lie that are not on this machine.",
            ),
            additional_properties=True,
        ),
        title="Batch configuration",
        description="`storage` is where BATCH files lie that are not local.",
    ),
    th.Property(
        "keep_batch_files",
        th.BooleanType,
        default=False,
        title="Keep batch files",
        description="Whether files of BATCH messages stay after they are loaded.",
    ),
).to_dict()


def completed(given: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as their schema has them.

    Meltano and the environment send texts (`"false"`, `"5"`, `"{}"`), and null or a blank text for
    a setting that is not given.

    Args:
        given: Settings by name.
        schema: JSON schema of the settings.
    """
    result = dict(given)
    for name, definition in schema["properties"].items():
        value = result.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            if "default" in definition:
                result[name] = definition["default"]
            elif "string" in definition.get("type", []):
                result[name] = value and ""
            else:
                result.pop(name, None)
        elif isinstance(value, str):
            result[name] = _parsed(value, definition.get("type", []))
        else:
            result[name] = _without_decimals(value)
    return result


def _without_decimals(value: Any) -> Any:  # noqa: ANN401
    """Return a value of a settings file with floats, which the SDK reads as `Decimal`."""
    if isinstance(value, dict):
        return {name: _without_decimals(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_decimals(each) for each in value]
    return float(value) if isinstance(value, Decimal) else value


def _parsed(text: str, types: Sequence[str] | str) -> Any:  # noqa: ANN401
    """Return the value that a text stands for in a setting; the text where it stands for none."""
    if "string" in types:
        return text
    if "boolean" in types:
        return _BOOLEANS.get(text.strip().lower(), text)
    try:
        value = json.loads(text, parse_constant=_refuse)
    except ValueError:
        return text
    # 1e3 is an integer, too.
    is_whole = "integer" in types and isinstance(value, float) and value.is_integer()
    return int(value) if is_whole else value


def _refuse(constant: str) -> NoReturn:
    """Refuse NaN, which no limit keeps out, and what else Python reads that JSON does not have."""
    raise ValueError(constant)


def from_environment(schema: Mapping[str, Any], prefix: str) -> dict[str, str]:
    """Return the settings that variables hold, those of a file `.env` among them, as texts.

    The SDK makes values of them itself, false of any text but a few, and an error of `1e3`.

    Args:
        schema: JSON schema of the settings.
        prefix: What the variables begin with.
    """
    DotEnv(find_dotenv()).set_as_environment_variables()
    variables = {name: f"{prefix}{name.upper()}" for name in schema["properties"]}
    return {
        name: os.environ[variable] for name, variable in variables.items() if variable in os.environ
    }
