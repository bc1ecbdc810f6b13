"""No table is emptied by an answer that is whole, valid, and still wrong.

A service may answer a short list with all signs of health: a permission was taken away, a
filter slipped in, a federation's branch was split off. Rows that are not in a whole list
count as deleted, so a list that has shrunk too much at once is not passed on.
"""

from __future__ import annotations


def explain_shrinking(
    rows: int, rows_before: int | None, *, min_records: int, max_shrink: int
) -> str | None:
    """Say why a list is too short to be passed on.

    Args:
        rows: How many records the list has now.
        rows_before: How many it had when it was last read whole; None where nobody knows.
        min_records: The fewest it may have.
        max_shrink: How many percent of the rows before may be missing.

    Returns:
        One line that says how to accept the list; None where it is long enough.
    """
    if rows < min_records:
        return (
            f"{rows:,} records, where setting 'min_records' asks for {min_records:,}: nothing was "
            "passed on, and the table stays as it is"
        )
    if rows_before and 100 * rows < rows_before * (100 - max_shrink):
        return (
            f"{rows:,} records, where there were {rows_before:,} the last time, and setting "
            f"'max_shrink' allows {max_shrink} % to vanish at once: nothing was passed on, and "
            "the table stays as it is; if the records are really gone, run once with "
            "TAP_KANANAS_MAX_SHRINK=100"
        )
    return None
