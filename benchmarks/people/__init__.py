"""Persons with a known truth that others made, and how well they are linked."""
