"""Answers of Kananas that are unusual, or lies."""

from __future__ import annotations

import gzip
import json
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.kananas.corrupted_responses import LIES
from sandbox.kananas.envelopes import ENVELOPES
from sandbox.server import Options, running
from tests.sandbox.conftest import Client

if TYPE_CHECKING:
    import requests

    from sandbox.server import Sandbox


def _records(body: Any, envelope: str) -> list[Any]:
    """Return the records of an answer, each with its id."""
    if envelope.startswith("nested"):
        body = body["data"]["items" if envelope == "nested" else "contacts"]
    elif envelope in {"object", "described", "beside-others"}:
        body = body["contacts"]
    elif envelope == "ambiguous":
        body = body["items"]
    if isinstance(body, dict):
        return [{"id": int(key), **record} for key, record in body.items()]
    assert isinstance(body, list)
    return body


@pytest.mark.parametrize("envelope", ENVELOPES)
def test_every_envelope_holds_the_same_records(session: requests.Session, envelope: str) -> None:
    with running(Options(contacts=60, companies=5, envelope=envelope)) as server:
        client = Client(server, session)
        assert _records(client.kananas().json(), envelope) == list(server.account.contacts)
        server.account.contacts.clear()
        assert "1001" not in client.kananas().text
        json.loads(client.kananas().content)


@pytest.mark.parametrize("lie", LIES)
def test_every_lie_has_status_200(client: Client, sandbox: Sandbox, lie: str) -> None:
    honest = client.kananas().json()
    sandbox.kananas_lie = lie
    answer = client.kananas()
    sandbox.kananas_lie = None
    assert answer.status_code == 200
    body, kind = answer.content, answer.headers["Content-Type"]
    if lie == "html":
        assert kind.startswith("text/html")
        assert "<form" in answer.text
    elif lie == "error-object":
        assert set(answer.json()) == {"error"}
    elif lie == "empty-body":
        assert (body, kind) == (b"", "application/json")
    elif lie == "truncated":
        with pytest.raises(json.JSONDecodeError):
            json.loads(body)
    elif lie == "wrong-charset":
        assert kind == "application/json; charset=utf-8"
        with pytest.raises(UnicodeDecodeError):
            body.decode("utf-8")
        assert len(json.loads(body.decode("latin-1"))["contacts"]) == 120
    elif lie == "bom":
        assert body[:3] == b"\xef\xbb\xbf"
        assert json.loads(body[3:]) == honest
    elif lie == "php-warning":
        assert body.startswith(b"<br />\n<b>Warning</b>")
        assert json.loads(body[body.index(b"{") :]) == honest
    elif lie == "gzip":
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.json() == honest
    else:
        assert lie == "html-content-type"
        assert (kind.split(";")[0], answer.json()) == ("text/html", honest)
    assert client.kananas().json() == honest


def test_gzip_is_gzip_on_the_wire(session: requests.Session) -> None:
    with running(Options(contacts=20, companies=5, kananas_lie="gzip")) as server:
        answer = session.get(
            server.kananas_url,
            params={"event": "api", "request": "contacts"},
            headers={"token": server.credentials.kananas_token},
            stream=True,
            timeout=30,
        )
        with answer:
            raw = answer.raw.read()
    assert len(json.loads(gzip.decompress(raw))["contacts"]) == 20


@pytest.mark.parametrize("paging", ["page", "offset"])
def test_paging_where_it_is_heeded(session: requests.Session, paging: str) -> None:
    with running(Options(contacts=25, companies=5, kananas_paging=paging)) as server:
        client = Client(server, session)
        pages = [
            client.kananas(**{paging: str(value)}, limit="10")
            for value in ((1, 2, 3, 4) if paging == "page" else (0, 10, 20, 30))
        ]
        ids = [[contact["id"] for contact in page.json()["contacts"]] for page in pages]
        assert [len(page) for page in ids] == [10, 10, 5, 0]
        assert list(chain.from_iterable(ids)) == [
            contact["id"] for contact in server.account.contacts
        ]


def test_paging_that_is_ignored(shared_client: Client) -> None:
    first, second = (shared_client.kananas(page=page, limit=10).json() for page in (1, 2))
    assert first == second
    assert len(first["contacts"]) == 120


def test_only_what_changed_since(session: requests.Session) -> None:
    with running(Options(contacts=80, companies=5, kananas_paging="page")) as server:
        contacts: list[dict[str, Any]] = list(server.account.contacts)
        since = sorted(contact["updated_at"] for contact in contacts)[50]
        found = Client(server, session).kananas(updated_since=since).json()["contacts"]
    assert found == [contact for contact in contacts if contact["updated_at"] >= since]
    assert 0 < len(found) < 80


def test_a_second_request(shared_client: Client) -> None:
    entities = shared_client.kananas(request="entities").json()["entities"]
    assert [entity["id"] for entity in entities] == [1, 2, 3, 4]
