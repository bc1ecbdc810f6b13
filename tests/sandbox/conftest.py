"""A client of both services, as plain as can be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.server import Sandbox


class Client:
    """Asks one sandbox with its credentials."""

    def __init__(self, server: Sandbox, session: requests.Session) -> None:
        self._server = server
        self._session = session

    def kizen(self, path: str, method: str = "GET", **query: Any) -> requests.Response:
        return self._session.request(
            method,
            self._server.kizen_url + path,
            params=query,
            headers=kizen_headers(self._server),
            timeout=30,
        )

    def kananas(self, method: str = "GET", **query: Any) -> requests.Response:
        return self._session.request(
            method,
            self._server.kananas_url,
            params={"event": "api", "request": "contacts", **query},
            headers={
                "Accept": "application/json",
                "token": self._server.credentials.kananas_token,
            },
            timeout=30,
        )

    def post(self, path: str, body: Any = None, **query: Any) -> requests.Response:
        return self._session.post(
            self._server.kizen_url + path,
            params=query,
            json=body,
            headers=kizen_headers(self._server),
            timeout=30,
        )


def kizen_headers(server: Sandbox) -> dict[str, str]:
    return {
        "X-API-Key": server.credentials.kizen_api_key,
        "X-User-Id": server.credentials.kizen_user_id,
        "X-Business-Id": server.credentials.kizen_business_id,
    }


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@pytest.fixture
def client(sandbox: Sandbox, session: requests.Session) -> Client:
    """A client of the test's own sandbox."""
    return Client(sandbox, session)


@pytest.fixture
def shared_client(shared_sandbox: Sandbox, session: requests.Session) -> Client:
    """A client of the sandbox that no test changes."""
    return Client(shared_sandbox, session)
