"""The sandbox answers as its own OpenAPI description says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema import ValidationError as InvalidAnswerError

from sandbox.generate.crm.lists import FIXED_LISTS
from sandbox.kizen.service import description
from sandbox.options import KIZEN_LISTS
from sandbox.server import Options, running
from tests.sandbox.conftest import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

    from sandbox.server import Sandbox

_PATHS = description()["paths"]
_QUERIES: tuple[dict[str, Any], ...] = ({}, {"page_size": 7}, {"page_size": 1000})
_FILE = Path(__file__).parents[2] / "docs" / "sandbox-openapi.json"


def _json_schema(node: Any) -> Any:
    """Turn an OpenAPI 3.0 schema into one of JSON Schema: `nullable` is not known there."""
    if isinstance(node, list):
        return [_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _json_schema(value) for key, value in node.items() if key != "nullable"}
    return {"anyOf": [{"type": "null"}, plain]} if node.get("nullable") is True else plain


def _validate(answer: Any, schema: Any) -> None:
    whole = {**_json_schema(schema), "components": _json_schema(description()["components"])}
    Draft202012Validator(whole, format_checker=FormatChecker()).validate(answer)


@pytest.fixture(scope="module", params=["documented", "all"])
def server(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    options = Options(contacts=0, companies=120, rate_limit=0, kizen_counts=request.param)
    with running(options) as server:
        yield server


@pytest.fixture
def client(session: requests.Session, server: Sandbox) -> Client:
    return Client(server, session)


def _objects(client: Client) -> list[str]:
    return [
        o["name"] for o in client.kizen("/custom-objects", custom_only="false").json()["results"]
    ]


def _long_values(client: Client) -> list[str]:
    records = client.post("/records/projet_projet/search", {}).json()["results"]
    return [
        f"/records/{record['id']}/field-values/{key}"
        for record in records
        for key, field in record["fields"].items()
        if "value_summary" in field
    ]


def _addresses(client: Client, path: str) -> list[str]:
    """Return every address that the sandbox has for a path of the description."""
    if "field-values" in path:
        return _long_values(client)
    if path.startswith("/pipelines"):
        return ["/pipelines/deal_subvention/stages"]
    if "{activity}" in path:
        types = client.kizen("/activities").json()["results"]
        return [path.format(activity=kind["id"]) for kind in types]
    if "{object}" in path:
        return [path.format(object=name) for name in _objects(client)]
    return [path]


@pytest.mark.parametrize(("path", "method"), [(p, m) for p, ms in _PATHS.items() for m in ms])
def test_every_operation_answers_as_described(client: Client, path: str, method: str) -> None:
    schema = _PATHS[path][method]["responses"]["200"]["content"]["application/json"]["schema"]
    addresses = _addresses(client, path)
    assert addresses
    for address in addresses:
        for query in _QUERIES:
            answer = (
                client.post(address, {}, **query)
                if method == "post"
                else client.kizen(address, **query)
            )
            assert answer.status_code == 200, address
            _validate(answer.json(), schema)


def test_every_fixed_list_is_described_and_may_be_hidden() -> None:
    for fixed in FIXED_LISTS:
        assert list(_PATHS[fixed.path]) == ["get"]
        assert fixed.name in KIZEN_LISTS


def test_the_validation_can_fail(client: Client) -> None:
    answer = client.kizen("/company", page_size=3).json()
    schema = _PATHS["/company"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    for key, wrong in (("id", "no uuid"), ("email", 5), ("domains", None), ("extra", 1)):
        broken = json.loads(json.dumps(answer))
        broken["results"][1][key] = wrong
        with pytest.raises(InvalidAnswerError):
            _validate(broken, schema)


def test_the_served_description_is_the_file(shared_client: Client) -> None:
    served = shared_client.kizen("/docs/schema").json()
    assert served == description() == json.loads(_FILE.read_text(encoding="utf-8"))
    assert re.fullmatch(r"3\.0\.\d", served["openapi"])
    for reference in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(served)):
        assert reference in served["components"]["schemas"]
