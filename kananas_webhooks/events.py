"""One webhook as it is stored."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING
from urllib.parse import unquote

from kananas_webhooks.payload import fields, query_fields, read_payload

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Names under which senders and proxies pass on what gives access. Signatures prove, and give none.
_SECRET_NAME = re.compile(
    r"authorization|cookie|credential|passw|secret|session|token|api[-_]?key", re.IGNORECASE
)


@dataclass(frozen=True)
class Event:
    """A webhook.

    Attributes:
        received_at: When it had come whole, ISO 8601 in UTC, to the microsecond.
        content_type: Its `Content-Type`, as sent.
        query: The query string as a JSON object; None where it has no field.
        headers: The headers as a JSON object, without those that hold a secret.
        body: The body as it came.
        body_sha256: The SHA-256 of the body, hexadecimal; the same for an event sent twice.
        payload: What could be read of the body, a JSON text; see :mod:`.payload`.
    """

    received_at: str
    content_type: str | None
    query: str | None
    headers: str
    body: bytes
    body_sha256: str
    payload: str | None


def moment(time: datetime) -> str:
    """Write a time in UTC so that earlier times come first in the alphabet."""
    return f"{time:%Y-%m-%dT%H:%M:%S.%f}Z"


def new_event(
    body: bytes, headers: Iterable[tuple[str, str]], query: str, secrets: Sequence[str]
) -> Event:
    """Make an event of a request.

    Args:
        body: The body.
        headers: All headers of the request, names in small letters.
        query: The query string, without its question mark.
        secrets: What must not be stored: proxies repeat the address in headers of their own.
    """
    kept = _without_secrets(headers, secrets)
    asked = _without_secrets(query_fields(query), secrets)
    content_type = next((value for name, value in kept if name == "content-type"), None)
    return Event(
        received_at=moment(datetime.now(timezone.utc)),
        content_type=content_type,
        query=json.dumps(fields(asked), ensure_ascii=False) if asked else None,
        headers=json.dumps(fields(kept), ensure_ascii=False),
        body=body,
        body_sha256=hashlib.sha256(body).hexdigest(),
        payload=read_payload(body, content_type),
    )


def _without_secrets(
    pairs: Iterable[tuple[str, str]], secrets: Sequence[str]
) -> list[tuple[str, str]]:
    return [
        (name, value)
        for name, value in pairs
        if not _SECRET_NAME.search(name)
        and not any(secret in unquote(text) for secret in secrets for text in (name, value))
    ]
