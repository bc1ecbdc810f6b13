"""Singer target that loads any tap's output into DuckDB and loses nothing."""
