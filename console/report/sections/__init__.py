"""The sections of the report: each module reads what one section says."""
