"""Bodies of errors as Kizen's public code expects them, to answer faults with."""

from __future__ import annotations

import msgspec

from sandbox.faults import Fault

ERROR_BODIES: dict[str, object] = {
    "detail": {"detail": "You may not do this.", "code": "permission_denied"},
    "field": {"page_size": ["Ensure this value is right."]},
    "field-messages": {"page_size": [{"message": "Ensure this value is right.", "code": "x"}]},
    "non-field": {"non_field_errors": ["These values do not go together."]},
    "errors": {"errors": ["Something is wrong."]},
    "list": ["Something is wrong."],
}
"""By shape: a body of an error in JSON."""


def error(shape: str, status: int = 400, *, path: str = "*", times: int | None = 1) -> Fault:
    """Return a fault that answers with an error of this ``shape`` (:data:`ERROR_BODIES`)."""
    return _json(ERROR_BODIES[shape], status, path, times)


def page_with_errors(*, path: str = "*", times: int | None = 1) -> Fault:
    """Return a fault that answers with a page whose ``errors`` is not empty, as HTTP 400."""
    page = {
        "count": 0,
        "next": None,
        "previous": None,
        "results": [],
        "errors": [{"message": "The search index is not ready.", "code": "search_unavailable"}],
    }
    return _json(page, 400, path, times)


def _json(body: object, status: int, path: str, times: int | None) -> Fault:
    return Fault(
        path=path,
        times=times,
        status=status,
        body=msgspec.json.encode(body),
        content_type="application/json",
    )
