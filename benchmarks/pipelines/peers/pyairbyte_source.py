"""A declarative Airbyte source run by PyAirbyte into its DuckDB cache."""

from __future__ import annotations

import os

import airbyte as ab

URL, TARGET = os.environ["BENCH_URL"], os.environ["BENCH_DUCKDB"]
TEXT = {"type": ["string", "null"]}
NESTED = {"type": ["array", "null"], "items": {"type": "object", "additionalProperties": True}}
MANIFEST = {
    "version": "6.0.0",
    "type": "DeclarativeSource",
    "check": {"type": "CheckStream", "stream_names": ["companies"]},
    "streams": [
        {
            "type": "DeclarativeStream",
            "name": "companies",
            "primary_key": ["id"],
            "schema_loader": {
                "type": "InlineSchemaLoader",
                "schema": {
                    "type": "object",
                    "properties": {
                        "id": {"type": "string"},
                        **dict.fromkeys(("name", "email", "mobile_phone", "business_phone"), TEXT),
                        **dict.fromkeys(("addresses", "tags", "domains"), NESTED),
                        "created": {**TEXT, "format": "date-time"},
                        "custom_fields": {
                            "type": ["object", "null"],
                            "additionalProperties": True,
                        },
                    },
                },
            },
            "retriever": {
                "type": "SimpleRetriever",
                "requester": {
                    "type": "HttpRequester",
                    "url_base": URL,
                    "path": "/company",
                    "http_method": "GET",
                    "request_parameters": {"ordering": "created", "page_size": "1000"},
                },
                "record_selector": {
                    "type": "RecordSelector",
                    "extractor": {"type": "DpathExtractor", "field_path": ["results"]},
                },
                "paginator": {
                    "type": "DefaultPaginator",
                    "page_token_option": {"type": "RequestPath"},
                    "pagination_strategy": {
                        "type": "CursorPagination",
                        "cursor_value": "{{ response.get('next') }}",
                        "stop_condition": "{{ not response.get('next') }}",
                    },
                },
            },
        }
    ],
    "spec": {
        "type": "Spec",
        "connection_specification": {"type": "object", "properties": {}},
    },
}


def main() -> None:
    """Read into the cache."""
    source = ab.get_source("source-companies", config={}, source_manifest=MANIFEST)
    source.select_all_streams()
    cache = ab.DuckDBCache(db_path=TARGET, schema_name="bench")
    source.read(cache=cache)


if __name__ == "__main__":
    main()
