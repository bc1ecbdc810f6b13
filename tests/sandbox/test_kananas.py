"""The back office's script."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.server import Options, running
from tests.sandbox.conftest import Client

if TYPE_CHECKING:
    import requests

    from sandbox.server import Sandbox

_KEYS = [
    "id", "type", "civility", "last_name", "first_name", "organisation", "email", "phone",
    "mobile", "address", "postal_code", "city", "country", "website", "vat_number", "birth_date",
    "status", "category", "tags", "entity", "family_head", "balance", "free_fields", "photo",
    "login", "created_at", "updated_at",
]  # fmt: skip


def test_contacts_are_served_as_generated(shared_client: Client, shared_sandbox: Sandbox) -> None:
    answer = shared_client.kananas()
    assert answer.headers["Content-Type"] == "application/json"
    contacts = answer.json()["contacts"]
    assert contacts == list(shared_sandbox.account.contacts)
    assert all(list(contact) == _KEYS for contact in contacts)
    assert len({contact["id"] for contact in contacts}) == 120


def test_every_type_of_contact_and_every_status_occurs(shared_client: Client) -> None:
    contacts = shared_client.kananas().json()["contacts"]
    types = {contact["type"] for contact in contacts}
    assert types == {"member", "donor", "supplier", "volunteer"}
    assert {contact["status"] for contact in contacts} == {"active", "pending", "deregistered"}
    stamp = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
    assert all(stamp.fullmatch(contact["created_at"]) for contact in contacts)
    organisations = [contact for contact in contacts if not contact["first_name"]]
    assert organisations
    assert all(c["last_name"] in {"", c["organisation"]} for c in organisations)


@pytest.mark.parametrize("contacts", [0, 1, 2345])
def test_every_envelope_holds_every_contact(session: requests.Session, contacts: int) -> None:
    bodies: dict[str, Any] = {}
    for envelope in ("array", "object", "keyed"):
        with running(Options(contacts=contacts, companies=5, envelope=envelope)) as server:
            bodies[envelope] = Client(server, session).kananas().json()
    assert len(bodies["array"]) == contacts
    assert bodies["object"] == {"contacts": bodies["array"]}
    by_id = {str(c["id"]): {k: v for k, v in c.items() if k != "id"} for c in bodies["array"]}
    assert bodies["keyed"] == (by_id or [])


def test_numbers_as_strings(session: requests.Session, shared_sandbox: Sandbox) -> None:
    with running(Options(contacts=120, companies=45, numbers_as_strings=True)) as server:
        contacts = Client(server, session).kananas().json()["contacts"]
    wanted = list(shared_sandbox.account.contacts)
    assert [contact["id"] for contact in contacts] == [str(contact["id"]) for contact in wanted]
    assert [contact["balance"] for contact in contacts] == [str(c["balance"]) for c in wanted]
    assert all(contact["family_head"] is None for contact in contacts) is False
    assert all(not isinstance(value, int | float) for c in contacts for value in c.values())


@pytest.mark.parametrize(
    ("token", "query"),
    [(None, {}), ("wrong", {}), ("", {}), ("right", {"event": "web"}), ("right", {"event": None})],
)
def test_strangers_see_the_login_page_with_status_200(
    shared_sandbox: Sandbox, session: requests.Session, token: str | None, query: dict[str, Any]
) -> None:
    right = shared_sandbox.credentials.kananas_token
    answer = session.get(
        shared_sandbox.kananas_url,
        params={"event": "api", "request": "contacts", **query},
        headers={"token": right if token == "right" else token},
        timeout=30,
    )
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "password" in answer.text


def test_an_unknown_request_is_an_error_object_with_status_200(shared_client: Client) -> None:
    answer = shared_client.kananas(request="invoices")
    assert answer.status_code == 200
    assert answer.json()["error"]["code"] == "unknown_request"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_written(shared_client: Client, method: str) -> None:
    assert shared_client.kananas(method=method).status_code == 405


def test_kizen_s_limit_is_not_kananas(session: requests.Session) -> None:
    with running(Options(contacts=1, companies=1, rate_limit=1)) as server:
        client = Client(server, session)
        assert {client.kananas().status_code for _ in range(5)} == {200}
