"""A response that says, with status 200, that something went wrong.

How Kananas words an error is not public, so the usual ways are recognised: a member `error`
with something in it, `success: false`, `status: "error"`, in English and in French.
"""

from __future__ import annotations

import json
from typing import Any

from rest_tap.responses import describe_body

#: Members that hold an error, and never records.
ERROR_NAMES = frozenset({"error", "errors", "erreur", "erreurs", "exception", "fault"})

_SUCCESS_NAMES = frozenset({"success", "succes", "succès", "ok"})
_STATUS_NAMES = frozenset({"status", "statut", "result", "resultat", "résultat"})
_FAILED = frozenset({"error", "erreur", "ko", "nok", "fail", "failed", "failure", "echec", "échec"})
_FALSE = frozenset({"", "0", "false", "no", "non", "ko", "null"})
_WORD_NAMES = frozenset(
    {"message", "msg", "detail", "description", "reason", "title", "code", "error_code"}
    | {"error_description", "error_message"}
)


class ErrorResponse:
    """What the members of a top-level object say about failure."""

    def __init__(self) -> None:
        """Begin without a member."""
        self._failed = False
        self._said: dict[str, Any] = {}

    def add(self, name: str, value: Any) -> None:  # noqa: ANN401 - any JSON value
        """Take note of a member; of an array or object only where the name tells an error."""
        key = name.casefold()
        word = str(value).casefold()
        if key in ERROR_NAMES:
            failed = bool(value) and word not in _FALSE
        elif key in _SUCCESS_NAMES:
            failed = word in _FALSE
        elif key in _STATUS_NAMES:
            failed = word in _FAILED
        else:
            failed = False
            if key not in _WORD_NAMES:
                return
        self._failed = self._failed or failed
        if value not in (None, "", [], {}):
            self._said[name] = value

    @property
    def message(self) -> str | None:
        """What the service says went wrong, in one line; None where it says nothing of the kind."""
        return describe_body(json.dumps(self._said)) if self._failed else None

    @property
    def remarks(self) -> str:
        """What the service says beside its records, in one line; empty where it says nothing."""
        return describe_body(json.dumps(self._said)) if self._said else ""
