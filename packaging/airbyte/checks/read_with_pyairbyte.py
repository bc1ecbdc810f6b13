"""Read a source into a cache of PyAirbyte, twice, and look at what came.

Usage: python read_with_pyairbyte.py PROGRAM SETTINGS WRONG_SETTINGS COUNTS CACHE

COUNTS is a JSON file with the number of records that each stream must have.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import airbyte
from airbyte.exceptions import AirbyteConnectorCheckFailedError


def _load(path: str) -> Any:  # noqa: ANN401
    return json.loads(Path(path).read_text(encoding="utf-8"))


def _source(program: str, settings: dict[str, Any]) -> airbyte.Source:
    return airbyte.get_source(Path(program).name, config=settings, local_executable=program)


def _counts(result: airbyte.ReadResult) -> dict[str, int]:
    return {name: len(dataset) for name, dataset in result.streams.items()}


def main() -> int:
    """Check, read twice, and compare; say what differs."""
    program, settings, wrong, counts, path = sys.argv[1:]
    expected: dict[str, int] = _load(counts)
    source = _source(program, _load(settings))
    source.check()
    source.select_all_streams()
    cache = airbyte.DuckDBCache(db_path=path, schema_name="read")
    first = source.read(cache=cache)
    assert _counts(first) == expected, f"{_counts(first)} != {expected}"
    assert first.processed_records == sum(expected.values())

    second = source.read(cache=cache)
    assert _counts(second) == expected, "the second read changed what was there"
    modes = {each.name: each.supported_sync_modes for each in source.discovered_catalog.streams}
    whole = sum(expected[name] for name in expected if len(modes[name]) == 1)
    incremental = len(expected) - sum(len(mode) == 1 for mode in modes.values())
    # What stands on the bookmark itself may come again.
    assert whole <= second.processed_records <= whole + incremental, (
        f"{second.processed_records} records, where {whole} are read whole"
    )

    refusal = ""
    try:
        _source(program, _load(wrong)).check()
    except AirbyteConnectorCheckFailedError as error:
        refusal = str(error)
    assert "check setting" in refusal, f"of a wrong key it is said: {refusal}"
    print(
        f"{Path(program).name}: {first.processed_records} records of {len(expected)} streams, "
        f"then {second.processed_records}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
