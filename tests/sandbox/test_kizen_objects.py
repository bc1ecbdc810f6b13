"""The current generation of the API: objects, fields, records, lists."""

from __future__ import annotations

import operator
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.generate.crm.lists import FIXED_LISTS
from sandbox.generate.crm.model import COMPANY, CONTACT, DEAL, FIELD_TYPES, OBJECTS, PROJECT
from sandbox.server import Options, running
from tests.sandbox.conftest import Client

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from sandbox.server import Sandbox

_LISTS = {
    "/activities/scheduled-activity": "scheduled_activities",
    **{fixed.path: fixed.name for fixed in FIXED_LISTS},
}
_COMPARE: dict[str, Callable[[datetime, datetime], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<": operator.lt,
    "<=": operator.le,
}
_COUNTED = {"/activities/scheduled-activity", "/automation2/automations"}


def _search(client: Client, name: str, body: Any = None, **query: Any) -> list[dict[str, Any]]:
    """Read every page of a search, with the same body for each page."""
    records: list[dict[str, Any]] = []
    page = 1
    while True:
        answer = client.post(f"/records/{name}/search", body or {}, page=page, **query)
        assert answer.status_code == 200, answer.text
        records += answer.json()["results"]
        if answer.json()["next"] is None:
            return records
        page += 1


def _values(record: dict[str, Any]) -> dict[str, Any]:
    return {
        field["name"]: field.get("value", field.get("value_summary"))
        for field in record["fields"].values()
    }


def _since(value: Any, condition: str = ">=") -> dict[str, Any]:
    condition_on_updated = {
        "type": "fields",
        "subtype": "non_custom",
        "field": "updated",
        "condition": condition,
        "value": value,
    }
    return {"and": True, "query": [{"and": True, "filters": [condition_on_updated]}]}


def test_objects_custom_only_unless_asked(shared_client: Client) -> None:
    def names(**query: Any) -> list[str]:
        return [
            o["name"] for o in shared_client.kizen("/custom-objects", **query).json()["results"]
        ]

    assert names(custom_only="false") == [COMPANY, CONTACT, DEAL, PROJECT]
    assert names() == names(custom_only="true") == [DEAL, PROJECT]


def test_objects_are_found_by_name_and_id(shared_client: Client) -> None:
    for listed in shared_client.kizen("/custom-objects", custom_only="false").json()["results"]:
        for key in (listed["id"], listed["name"]):
            assert shared_client.kizen(f"/custom-objects/{key}").json() == listed
            assert shared_client.kizen(f"/custom-objects/{key}/fields").status_code == 200
            assert shared_client.post(f"/records/{key}/search", {}).status_code == 200
    assert shared_client.kizen("/custom-objects/nothing/fields").status_code == 404
    assert shared_client.post("/records/nothing/search", {}).status_code == 404
    assert shared_client.kizen(f"/pipelines/{COMPANY}/stages").status_code == 404


def test_every_type_of_field_occurs_with_values(shared_client: Client) -> None:
    filled: set[str] = set()
    for model in OBJECTS:
        fields = shared_client.kizen(f"/custom-objects/{model.name}/fields").json()
        ids = {field["id"]: field["field_type"] for field in fields}
        assert len(ids) == len(fields)
        for record in _search(shared_client, model.name, page_size=20):
            assert {key: f["field_type"] for key, f in record["fields"].items()} == ids
            filled |= {f["field_type"] for f in record["fields"].values() if f.get("value")}
    assert filled == set(FIELD_TYPES)


def test_amounts_and_decimals_come_as_number_string_or_null(session: requests.Session) -> None:
    with running(Options(contacts=0, companies=400, rate_limit=0)) as server:
        deals = [_values(r) for r in _search(Client(server, session), DEAL, page_size=1000)]
    assert {type(deal["amount"]["amount"]) for deal in deals} == {float, str, type(None)}
    assert {type(deal["rate"]) for deal in deals} == {float, str, type(None)}


def test_records_are_those_of_the_legacy_lists(shared_client: Client) -> None:
    companies = {c["id"]: c for c in shared_client.kizen("/company").json()["results"]}
    records = {r["id"]: _values(r) for r in _search(shared_client, COMPANY, page_size=11)}
    assert list(records) == list(companies)
    for identity, values in records.items():
        legacy = companies[identity]
        for key in ("name", "email", "business_phone", "created", "tags"):
            assert values[key] == legacy[key]
        city = legacy["addresses"][0]["city"] if legacy["addresses"] else None
        assert values["city"] == city
    clients = {c["id"]: c["email"] for c in shared_client.kizen("/client").json()["results"]}
    contacts = {r["id"]: _values(r)["email"] for r in _search(shared_client, CONTACT)}
    assert contacts == clients
    assert len(set(contacts.values())) == 45
    relations = {_values(r)["company"]["id"] for r in _search(shared_client, DEAL)}
    assert relations <= set(companies)


def test_long_values_are_paged_at_their_own_address(shared_client: Client) -> None:
    summaries = 0
    for record in _search(shared_client, PROJECT):
        for key, field in record["fields"].items():
            if field["field_type"] != "relationship":
                continue
            path = f"/records/{record['id']}/field-values/{key}"
            first = shared_client.kizen(path, page_size=15).json()
            rest = shared_client.kizen(path, page_size=1000).json()["results"]
            if "value" in field:
                assert rest == field["value"]
                assert len(rest) <= 20
            else:
                summaries += 1
                assert first["count"] == field["value_summary"]["count"] == len(rest) > 20
                assert first["results"] == rest[:15]
    assert summaries
    assert shared_client.kizen("/records/no/field-values/no").status_code == 404


@pytest.mark.parametrize("condition", _COMPARE)
def test_the_filter_on_updated(shared_client: Client, condition: str) -> None:
    def moment(record: dict[str, Any]) -> datetime:
        return datetime.fromisoformat(_values(record)["updated"])

    everything = _search(shared_client, COMPANY)
    bound = sorted(map(moment, everything))[20]
    text = bound.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    found = _search(shared_client, COMPANY, _since(text, condition), page_size=4)
    wanted = [record for record in everything if _COMPARE[condition](moment(record), bound)]
    assert found == wanted
    assert len(found) in {20, 21, 24, 25}


@pytest.mark.parametrize(
    "body",
    [
        _since(None),
        _since("yesterday"),
        _since("2024-12-01T06:00:00"),
        _since("2024-12-01T06:00:00Z", "~"),
        {"query": [{"filters": [{**_since("x")["query"][0]["filters"][0], "field": "name"}]}]},
        {"and": False, "query": _since("2024-12-01T06:00:00Z")["query"]},
        {"query": "all"},
        [],
    ],
)
def test_a_search_that_is_not_understood_is_400(shared_client: Client, body: Any) -> None:
    answer = shared_client.post(f"/records/{COMPANY}/search", body)
    assert answer.status_code == 400
    assert answer.json()["query"][0]["message"]


def test_what_an_account_may_refuse(session: requests.Session) -> None:
    refusing = Options(companies=30, rate_limit=0, kizen_refuses=("updated-filter",))
    path, body = f"/records/{COMPANY}/search", _since("2020-01-01T00:00:00Z")
    with running(refusing) as server:
        client = Client(server, session)
        assert client.post(path, body).status_code == 400
        assert client.post(path, {"query": []}).status_code == 200
        ordered = client.post(path, {}, ordering="-updated").json()["results"]
    stamps = [datetime.fromisoformat(_values(record)["updated"]) for record in ordered]
    assert stamps == sorted(stamps, reverse=True)
    with running(Options(companies=30, rate_limit=0)) as server:
        client = Client(server, session)
        assert client.post(path, body).status_code == 200
        assert client.post(path, {}, ordering="updated").status_code == 400


def test_only_the_fields_that_are_named(shared_client: Client) -> None:
    records = _search(shared_client, COMPANY, {"query": [], "field_names": ["name", "no such"]})
    assert {tuple(_values(record)) for record in records} == {("name",)}


def test_lists_with_and_without_count(session: requests.Session) -> None:
    counted = {}
    for counts in ("documented", "all", "none"):
        with running(Options(contacts=0, companies=9, rate_limit=0, kizen_counts=counts)) as server:
            client = Client(server, session)
            pages = {path: client.kizen(path, page_size=2).json() for path in _LISTS}
            pages["/company"] = client.kizen("/company", page_size=2).json()
            pages["objects"] = client.kizen("/custom-objects", page_size=2).json()
            pages["records"] = client.post(f"/records/{COMPANY}/search", {}, page_size=2).json()
            counted[counts] = {path for path, page in pages.items() if "count" in page}
            assert all({"next", "previous", "results"} <= set(page) for page in pages.values())
    assert counted["documented"] == _COUNTED | {"objects", "records"}
    assert counted["all"] == set(_LISTS) | {"/company", "objects", "records"}
    assert counted["none"] == set()


def test_bare_arrays_unless_a_page_size_is_sent(shared_client: Client) -> None:
    for path in ("/team", f"/pipelines/{DEAL}/stages"):
        whole = shared_client.kizen(path).json()
        assert isinstance(whole, list)
        page = shared_client.kizen(path, page_size=3).json()
        assert page["results"] == whole[:3]
    orders = [s["order"] for s in shared_client.kizen(f"/pipelines/{DEAL}/stages").json()]
    assert orders == sorted(orders)


def test_activities_by_type(shared_client: Client) -> None:
    seen: list[str] = []
    for kind in shared_client.kizen("/activities").json()["results"]:
        page = shared_client.post(f"/activities/{kind['id']}/responses", {}, page_size=100).json()
        assert {activity["activity"]["id"] for activity in page["results"]} == {kind["id"]}
        seen += [activity["id"] for activity in page["results"]]
    assert len(set(seen)) == len(seen) == 45
    assert shared_client.post("/activities/nothing/responses", {}).status_code == 404
    assert shared_client.kizen("/activities/nothing/responses").status_code == 405


@pytest.mark.parametrize("account", ["legacy", "objects"])
def test_accounts_of_one_generation(session: requests.Session, account: str) -> None:
    with running(Options(companies=3, rate_limit=0, kizen_account=account)) as server:
        client = Client(server, session)
        old = client.kizen("/company"), client.kizen("/client")
        new = client.kizen("/custom-objects"), client.kizen("/team"), client.kizen("/docs/schema")
    gone, there = (new, old) if account == "legacy" else (old, new)
    assert {answer.status_code for answer in there} == {200}
    assert {answer.status_code for answer in gone} == {404}
    assert all(a.headers["Content-Type"].startswith("text/html") for a in gone)


def test_permissions_shrink_lists_in_silence(session: requests.Session) -> None:
    hidden = (CONTACT, PROJECT, *_LISTS.values())
    with running(Options(companies=3, rate_limit=0, kizen_hidden=hidden)) as server:
        client = Client(server, session)
        objects = client.kizen("/custom-objects", custom_only="false").json()
        assert [o["name"] for o in objects["results"]] == [COMPANY, DEAL]
        assert objects["count"] == 2
        assert client.post(f"/records/{CONTACT}/search", {}).status_code == 404
        for path in _LISTS:
            answer = client.kizen(path, page_size=5)
            assert (answer.status_code, answer.json()["results"]) == (200, []), path


def test_archived_added_and_updated(client: Client, sandbox: Sandbox) -> None:
    crm = sandbox.account.crm
    before = {r["id"]: _values(r) for r in _search(client, COMPANY)}
    gone, changed, *rest = before
    now = datetime.now(timezone.utc) - timedelta(seconds=1)
    crm.archive(COMPANY, gone)
    added = crm.add(COMPANY, name="Nouvelle ASBL")
    crm.update(COMPANY, changed, name="Renommée SARL", employees=12)
    after = {r["id"]: _values(r) for r in _search(client, COMPANY)}
    assert list(after) == [changed, *rest, added]
    assert (after[changed]["name"], after[changed]["employees"]) == ("Renommée SARL", 12)
    assert after[added]["name"] == "Nouvelle ASBL"
    assert all(after[key] == before[key] for key in rest)
    recent = _search(client, COMPANY, _since(now.isoformat()))
    assert [record["id"] for record in recent] == [changed, added]
    legacy = {c["id"]: c["name"] for c in client.kizen("/company").json()["results"]}
    assert legacy == {key: values["name"] for key, values in after.items()}
    assert crm.archived == [gone]
    with pytest.raises(KeyError):
        crm.archive(COMPANY, gone)
    with pytest.raises(KeyError):
        crm.update(COMPANY, changed, no_such_field=1)


def test_fields_and_objects_appear(client: Client, sandbox: Sandbox) -> None:
    crm = sandbox.account.crm
    new_field = OBJECTS[0].fields[0]._replace(name="motto", display_name="Devise", is_custom=True)
    crm.add_field(COMPANY, new_field, "Toujours")
    new_object = OBJECTS[3]._replace(name="salle_salle", fields=OBJECTS[0].fields)
    crm.add_object(new_object)
    added = crm.add("salle_salle", name="Grande salle")
    fields = client.kizen(f"/custom-objects/{COMPANY}/fields").json()
    assert fields[-1]["name"] == "motto"
    assert {_values(r)["motto"] for r in _search(client, COMPANY)} == {"Toujours"}
    objects = client.kizen("/custom-objects").json()["results"]
    assert [o["name"] for o in objects] == [DEAL, PROJECT, "salle_salle"]
    found = _search(client, "salle_salle")
    assert [(r["id"], _values(r)["name"]) for r in found] == [(added, "Grande salle")]


def test_a_forward_walk_over_a_moving_list_misses_rows(session: requests.Session) -> None:
    """The fault that readers must cope with does occur, and only what was archived is gone."""
    options = Options(contacts=0, companies=400, rate_limit=0, kizen_moving=4)
    for path in ("/company", f"/records/{COMPANY}/search"):
        with running(options) as server:
            client = Client(server, session)
            before = {str(company["id"]) for company in server.account.companies}
            seen: set[str] = set()
            url, page = path, 1
            while True:
                ask = client.kizen if path == "/company" else client.post
                answer = ask(url, page=page, page_size=20).json()
                seen |= {record["id"] for record in answer["results"]}
                if answer["next"] is None:
                    break
                page += 1
            after = {str(company["id"]) for company in server.account.companies}
            archived = set(server.account.crm.archived)
        assert len(after) == 400
        assert before - archived == before & after
        missed = (before & after) - seen
        assert missed
        assert len(archived) == 4 * page
