"""How rows leave a tap: as RECORD messages or in BATCH files."""
