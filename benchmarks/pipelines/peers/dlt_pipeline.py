"""dlt into DuckDB. Argument: `default`, `flat` or `arrow`.

`default` is dlt's own `rest_api` source as its documentation shows it. `flat` sets what makes it
fastest: Parquet files, nested values as JSON instead of child tables, extraction and normalising in
parallel. `arrow` leaves records out of dlt altogether: pages are decoded by hand into Arrow tables.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dlt
import requests
from dlt.sources.rest_api import rest_api_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlt.sources.rest_api.typing import RESTAPIConfig

URL, TARGET = os.environ["BENCH_URL"], Path(os.environ["BENCH_DUCKDB"])
NESTED = ("addresses", "tags", "domains", "custom_fields")
PAGE_SIZE = 1000


def rest() -> Any:  # noqa: ANN401 (dlt's own)
    """The declarative source."""
    config: RESTAPIConfig = {
        "client": {
            "base_url": URL,
            "paginator": {"type": "json_link", "next_url_path": "next"},
        },
        "resources": [
            {
                "name": "companies",
                "primary_key": "id",
                "write_disposition": "merge",
                "endpoint": {
                    "path": "company",
                    "params": {"page_size": PAGE_SIZE, "ordering": "created"},
                    "data_selector": "results",
                },
            }
        ],
    }
    return rest_api_source(config)


@dlt.resource(name="companies", primary_key="id", write_disposition="merge")
def arrow() -> Iterator[Any]:
    """Pages as Arrow tables, nested values as JSON."""
    import json  # noqa: PLC0415 (only here)

    import pyarrow as pa  # noqa: PLC0415

    session, number = requests.Session(), 1
    while True:
        query = {"page": number, "page_size": PAGE_SIZE, "ordering": "created"}
        page = session.get(f"{URL}/company", params=query, timeout=60).json()
        for record in page["results"]:
            for name in NESTED:
                record[name] = json.dumps(record[name], ensure_ascii=False)
        yield pa.Table.from_pylist(page["results"])
        if page["next"] is None:
            return
        number += 1


def main() -> None:
    """Run the pipeline."""
    kind = sys.argv[1]
    if kind != "default":
        os.environ["NORMALIZE__WORKERS"] = "2"
        os.environ["EXTRACT__WORKERS"] = "8"
        os.environ["NORMALIZE__DATA_WRITER__FILE_MAX_ITEMS"] = "100000"
        os.environ["DATA_WRITER__BUFFER_MAX_ITEMS"] = "50000"
    pipeline = dlt.pipeline(
        pipeline_name="bench",
        pipelines_dir=str(TARGET.parent / "dlt"),
        destination=dlt.destinations.duckdb(str(TARGET)),
        dataset_name="bench",
    )
    if kind == "arrow":
        pipeline.run(arrow(), loader_file_format="parquet")
        return
    source = rest()
    if kind == "flat":
        source.max_table_nesting = 0
        source.companies.parallelize()
        pipeline.run(source, loader_file_format="parquet")
        return
    pipeline.run(source)


if __name__ == "__main__":
    main()
