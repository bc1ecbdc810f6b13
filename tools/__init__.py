"""Programs for those who work on this project: the demos, and what `make` runs."""
