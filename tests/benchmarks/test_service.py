"""What pipelines are compared on: a service that answers as the sandbox does, byte by byte."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import requests

from tests.e2e.checkout import ROOT, wait_until
from tests.programs import kizen_settings, run_tap

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


@contextmanager
def serving(folder: Path, records: list[Any], *options: str) -> Iterator[str]:
    """Serve records; give the base address."""
    file, ready = folder / "records.jsonl", folder / "ready"
    file.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in records))
    command = [sys.executable, str(SERVICE), str(file), str(ready), *options]
    with subprocess.Popen(command) as process:
        wait_until(ready.exists)
        yield f"http://127.0.0.1:{ready.read_text()}/api"
        process.terminate()


@pytest.fixture
def address(tmp_path: Path, shared_sandbox: Sandbox) -> Iterator[str]:
    """The base address of the service, over the companies of the sandbox."""
    url, headers = f"{shared_sandbox.kizen_url}/company", headers_of(shared_sandbox)
    page = requests.get(url, params={"page_size": 1000}, headers=headers, timeout=30).json()
    assert page["next"] is None
    with serving(tmp_path, page["results"]) as served:
        yield served


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


def test_an_object_is_read_as_from_the_sandbox(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    name, headers = "companies_company", headers_of(shared_sandbox)
    with requests.Session() as session:
        objects = session.get(
            f"{shared_sandbox.kizen_url}/custom-objects?custom_only=false",
            headers=headers,
            timeout=30,
        ).json()["results"]
        entity = next(each for each in objects if each["name"] == name)
        fields = session.get(
            f"{shared_sandbox.kizen_url}/custom-objects/{entity['id']}/fields",
            headers=headers,
            timeout=30,
        ).json()
    records = list(shared_sandbox.account.crm.records[name])
    described = tmp_path / "object.json"
    described.write_bytes(msgspec.json.encode({"object": entity, "fields": fields}))
    wanted = run_tap("tap_kizen", kizen_settings(shared_sandbox, objects=[name]), tmp_path)
    with serving(tmp_path, records, f"--object={described}") as address:
        settings = kizen_settings(shared_sandbox, objects=[name], api_url=address, page_size=10)
        found = run_tap("tap_kizen", settings, tmp_path)
    assert found.code == 0, found.err
    assert found.records_of(name)
    by_id = {row["id"]: row for row in wanted.records_of(name)}
    assert {row["id"]: row for row in found.records_of(name)} == by_id
