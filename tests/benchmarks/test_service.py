"""What pipelines are compared on: a service that answers as the sandbox does, byte by byte."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest
import requests

from tests.e2e.checkout import ROOT, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.server import Sandbox

SERVICE = ROOT / "benchmarks" / "pipelines" / "service.py"
QUERIES: list[dict[str, str | int]] = [
    {},
    {"page": 2, "page_size": 7, "ordering": "created"},
    {"page": 1, "page_size": 100, "ordering": "-created"},
    {"page": 2, "page_size": 7, "ordering": "-created"},
    {"page_size": 600},
    {"page": 7, "page_size": 7},
    {"page": 2000},
    {"page_size": 1001},
    {"page": 0},
]


def headers_of(server: Sandbox) -> dict[str, str]:
    credentials = server.credentials
    return {
        "X-API-Key": credentials.kizen_api_key,
        "X-User-Id": credentials.kizen_user_id,
        "X-Business-Id": credentials.kizen_business_id,
    }


@pytest.fixture
def address(tmp_path: Path, shared_sandbox: Sandbox) -> Iterator[str]:
    """The base address of the service, over the companies of the sandbox."""
    url, headers = f"{shared_sandbox.kizen_url}/company", headers_of(shared_sandbox)
    page = requests.get(url, params={"page_size": 1000}, headers=headers, timeout=30).json()
    assert page["next"] is None
    records, ready = tmp_path / "companies.jsonl", tmp_path / "ready"
    records.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in page["results"]))
    with subprocess.Popen([sys.executable, str(SERVICE), str(records), str(ready)]) as process:
        wait_until(ready.exists)
        yield f"http://127.0.0.1:{ready.read_text()}/api"
        process.terminate()


def test_same_bytes(address: str, shared_sandbox: Sandbox) -> None:
    with requests.Session() as session:
        for query in QUERIES:
            ours = session.get(f"{address}/company", params=query, timeout=30)
            theirs = session.get(
                f"{shared_sandbox.kizen_url}/company",
                params=query,
                headers=headers_of(shared_sandbox),
                timeout=30,
            )
            assert ours.status_code == theirs.status_code, query
            wanted = theirs.content.replace(shared_sandbox.kizen_url.encode(), address.encode())
            assert ours.content == wanted, query
            assert ours.headers["Content-Type"] == theirs.headers["Content-Type"]
        assert session.get(f"{address}/custom-objects", timeout=30).status_code == 404
