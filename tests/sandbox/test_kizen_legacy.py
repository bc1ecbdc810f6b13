"""`GET /company` as the documentation has it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.server import Options, running
from tests.sandbox.conftest import Client, kizen_headers

if TYPE_CHECKING:
    import requests

    from sandbox.server import Sandbox

_KEYS = [
    "id", "name", "email", "mobile_phone", "business_phone", "addresses", "tags", "domains",
    "created", "custom_fields",
]  # fmt: skip
_ADDRESS_KEYS = {
    "full_name", "street_address", "street_address_2", "city", "postal_code", "state", "country",
}  # fmt: skip


def _walk(client: Client, session: requests.Session, server: Sandbox, **query: Any) -> list[Any]:
    """Follow `next` to the end."""
    answer = client.kizen("/company", **query).json()
    results = list(answer["results"])
    while answer["next"]:
        answer = session.get(answer["next"], headers=kizen_headers(server), timeout=30).json()
        results += answer["results"]
    return results


def test_next_leads_through_every_company_once(
    shared_client: Client, session: requests.Session, shared_sandbox: Sandbox
) -> None:
    results = _walk(shared_client, session, shared_sandbox, page_size=7)
    assert results == list(shared_sandbox.account.companies)
    assert len({company["id"] for company in results}) == 45


def test_previous_leads_back(
    shared_client: Client, session: requests.Session, shared_sandbox: Sandbox
) -> None:
    first = shared_client.kizen("/company", page_size=20).json()
    second = shared_client.kizen("/company", page_size=20, page=2).json()
    assert first["previous"] is None
    assert "page_size=20" in second["previous"]
    headers = kizen_headers(shared_sandbox)
    back = session.get(second["previous"], headers=headers, timeout=30).json()
    assert back["results"] == first["results"]


def test_the_envelope_has_the_documented_keys_only(shared_client: Client) -> None:
    assert set(shared_client.kizen("/company").json()) == {"next", "previous", "results"}


def test_a_count_is_an_option(session: requests.Session) -> None:
    with running(Options(contacts=0, companies=9, kizen_counts="all")) as server:
        answer = Client(server, session).kizen("/company", page_size=4).json()
    assert answer["count"] == 9
    assert len(answer["results"]) == 4


def test_companies_have_the_documented_shape(shared_client: Client) -> None:
    for company in shared_client.kizen("/company").json()["results"]:
        assert list(company) == _KEYS
        assert all(set(address) == _ADDRESS_KEYS for address in company["addresses"])
        assert all(set(item) == {"id", "name"} for item in company["tags"] + company["domains"])
        fields = company["custom_fields"].values()
        assert all(set(field) == {"field_id", "value"} for field in fields)
        created = datetime.fromisoformat(company["created"])
        assert created.utcoffset() != timedelta(0)
        assert "." in company["created"]


@pytest.mark.parametrize("ordering", ["created", "-created"])
def test_ordering_is_by_time_of_creation(shared_client: Client, ordering: str) -> None:
    pages = [
        shared_client.kizen("/company", page_size=20, page=page, ordering=ordering).json()
        for page in (1, 2, 3)
    ]
    moments = [datetime.fromisoformat(c["created"]) for page in pages for c in page["results"]]
    assert moments == sorted(moments, reverse=ordering == "-created")
    assert len(moments) == 45


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"page_size": 1000}, 200),
        ({"page_size": 1001}, 400),
        ({"page_size": 0}, 400),
        ({"page_size": "all"}, 400),
        ({"page": 2}, 404),
        ({"page": 0}, 404),
        ({"page": "last"}, 404),
        ({"ordering": "name"}, 400),
    ],
)
def test_pages_out_of_range(shared_client: Client, query: dict[str, Any], status: int) -> None:
    assert shared_client.kizen("/company", **query).status_code == status


def test_an_account_without_companies_has_one_empty_page(session: requests.Session) -> None:
    with running(Options(contacts=10, companies=0)) as server:
        answer = Client(server, session).kizen("/company")
        assert server.account.truth == {}
    assert answer.json() == {"next": None, "previous": None, "results": []}


@pytest.mark.parametrize("missing", ["X-API-Key", "X-User-Id", "X-Business-Id"])
@pytest.mark.parametrize("value", [None, "wrong", "wröng"])
def test_each_header_is_needed(
    shared_sandbox: Sandbox, session: requests.Session, missing: str, value: str | None
) -> None:
    headers: dict[str, Any] = {
        **kizen_headers(shared_sandbox),
        missing: value.encode() if value else None,
    }
    answer = session.get(f"{shared_sandbox.kizen_url}/company", headers=headers, timeout=30)
    assert answer.status_code == 401
    assert answer.json() == {"code": "missing_business_context"}


@pytest.mark.parametrize("path", ["/company/", "/nothing", ""])
def test_unknown_paths_are_html(shared_client: Client, path: str) -> None:
    answer = shared_client.kizen(path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")
    assert not answer.history


def test_a_wrong_method_is_refused(shared_client: Client) -> None:
    answer = shared_client.kizen("/company", method="POST")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/company", "/company/", "/company?page=99"])
def test_every_answer_carries_its_own_request_id(shared_client: Client, path: str) -> None:
    ids = {shared_client.kizen(path).headers["X-Request-ID"] for _ in range(3)}
    assert len(ids) == 3


def test_more_than_the_limit_in_a_second_is_503(session: requests.Session) -> None:
    with running(Options(contacts=0, companies=3, rate_limit=5)) as server:
        client = Client(server, session)
        answers = [client.kizen("/company") for _ in range(60)]
        times = [arrival.time for arrival in server.requests if arrival.status == 200]
    statuses = {answer.status_code for answer in answers}
    assert statuses == {200, 503}
    assert [answer.status_code for answer in answers[:5]] == [200] * 5
    assert all(later - first >= 0.99 for first, later in zip(times, times[5:], strict=False))
    assert all(answer.headers["X-Request-ID"] for answer in answers)


def test_the_limit_is_per_key(session: requests.Session) -> None:
    with running(Options(contacts=0, companies=3, rate_limit=1)) as server:
        client = Client(server, session)
        while client.kizen("/company").status_code != 503:
            pass
        other = {**kizen_headers(server), "X-API-Key": "some other"}
        answer = session.get(f"{server.kizen_url}/company", headers=other, timeout=30)
    assert answer.status_code == 401
