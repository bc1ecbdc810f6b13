"""Webhooks as a back office may send them; their forms are this project's invention.

Kananas documents that it sends changes as they happen, and not in which form. So the sandbox has
several, and takes another one for each event unless told which.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.records import Record

VARIED = "varied"

_SECONDS = 10
_BOUNDARY = "sandbox-form-boundary"

Message = tuple[str, bytes]


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _fields(record: Record) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in record.items()
        if value is not None
    }


def _event(record: Record) -> Message:
    body = {"event": "contact.created", "event_id": f"evt-{record['id']}", "data": record}
    return "application/json", _json(body)


def _flat(record: Record) -> Message:
    return "application/json; charset=utf-8", _json(record)


def _list(record: Record) -> Message:
    return "application/json", _json([{"action": "create", "contact": record}])


def _form(record: Record) -> Message:
    fields = {"action": "contact_add", **_fields(record)}
    return "application/x-www-form-urlencoded", urlencode(fields).encode()


def _json_as_form(record: Record) -> Message:
    return "application/x-www-form-urlencoded", _event(record)[1]


def _multipart(record: Record) -> Message:
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in _fields(record).items()
    ]
    body = "".join([*parts, f"--{_BOUNDARY}--\r\n"])
    return f"multipart/form-data; boundary={_BOUNDARY}", body.encode()


def _notice(record: Record) -> Message:
    return "application/json", _json({"type": "contact", "id": record["id"]})


def _text(record: Record) -> Message:
    return "text/plain; charset=utf-8", f"contact {record['id']} créé".encode()


FORMS: dict[str, Callable[[Record], Message]] = {
    "event": _event,
    "flat": _flat,
    "list": _list,
    "form": _form,
    "json-as-form": _json_as_form,
    "multipart": _multipart,
    "notice": _notice,
    "text": _text,
}
"""The forms by name; docs/sandbox.md shows each."""


@dataclass(frozen=True)
class Delivery:
    """A webhook that was sent; ``status`` is None where no answer came."""

    form: str
    status: int | None


class Webhooks:
    """Sends webhooks to one address, which is a secret: it is told to nobody.

    ``sent`` holds what was sent so far.
    """

    def __init__(self, address: str | None, form: str) -> None:
        """Send to ``address`` (None: nowhere), in ``form``, a key of :data:`FORMS` or VARIED."""
        self._address = address
        self._form = form
        self.sent: list[Delivery] = []

    def send(self, record: Record) -> int | None:
        """Tell that ``record`` is new; return the status of the answer, None without one."""
        if self._address is None:
            return None
        names = list(FORMS)
        name = names[len(self.sent) % len(names)] if self._form == VARIED else self._form
        content_type, body = FORMS[name](record)
        request = Request(  # noqa: S310 - the options let only http and https through
            self._address, body, {"Content-Type": content_type, "User-Agent": "sandbox-webhooks"}
        )
        status: int | None = None
        try:
            with urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - as above
                status = answer.status
        except HTTPError as error:
            status = error.code
            error.close()
        except OSError:
            status = None
        self.sent.append(Delivery(name, status))
        return status
