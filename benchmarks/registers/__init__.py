"""Registers of organisations under two names, of packages that others made: `make check-links`."""
