"""Tables of a DuckDB file as Parquet files, in a folder or an object store: `parquet-publish`."""
