"""The page on which somebody registers as a contact, as an association's visitors do."""

from __future__ import annotations

import asyncio
from datetime import datetime, timezone
from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.generate.contacts import contact_id
from sandbox.kananas.webhooks import Webhooks

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from sandbox.account import Account
    from sandbox.options import Options
    from sandbox.records import Record

PAGE = "/registration.php"
_TEXTS = (
    "civility", "last_name", "first_name", "organisation", "email", "phone", "mobile", "address",
    "postal_code", "city", "country", "website", "vat_number", "birth_date",
)  # fmt: skip


class Registration:
    """Adds contacts, each followed by a webhook."""

    def __init__(self, options: Options, account: Account) -> None:
        """Add to the contacts of ``account``."""
        self._account = account
        self._numbers = count(options.contacts)
        self.webhooks = Webhooks(options.kananas_webhook, options.kananas_webhook_form)

    def routes(self) -> list[Route]:
        """Return the one route there is."""
        return [Route(PAGE, self.page, methods=["POST"])]

    async def page(self, request: Request) -> Response:
        """Answer ``POST /registration.php`` with the new contact's id and the webhook's status."""
        fields = dict(parse_qsl((await request.body()).decode()))
        record = self._record(fields)
        self._account.contacts.append(record)
        status = await asyncio.to_thread(self.webhooks.send, record)
        return JSONResponse({"id": record["id"], "webhook": status}, status_code=201)

    def _record(self, fields: dict[str, str]) -> Record:
        now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
        record: Record = {
            "id": contact_id(next(self._numbers)),
            "type": "member",
            **{name: fields.get(name, "") for name in _TEXTS},
            "status": "pending",
            "category": None,
            "tags": [],
            "entity": None,
            "family_head": None,
            "balance": 0,
            "free_fields": {},
            "photo": "",
            "login": "",
            "created_at": now,
            "updated_at": now,
        }
        return self._account.as_served(record)
