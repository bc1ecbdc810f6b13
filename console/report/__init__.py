"""The report: one HTML file that says whether the joined data can be trusted this morning."""
