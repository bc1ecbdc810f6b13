"""What can go wrong ends in one line that names the setting, and shows no secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.server import Fault
from tests.programs import kizen_settings, run_tap

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox


def test_a_wrong_key_names_the_settings(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    settings = kizen_settings(shared_sandbox, api_key="not-the-right-key")
    outcome = run_tap("tap_kizen", settings, tmp_path)
    assert outcome.code == 1
    assert "401: code: missing_business_context" in outcome.last_line
    assert "X-Request-ID" in outcome.last_line
    assert "setting 'api_key' (TAP_KIZEN_API_KEY)" in outcome.last_line
    assert "not-the-right-key" not in outcome.err + outcome.out
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (
            {"status": 200, "body": "<html><title>Welcome</title></html>"},
            "an HTML page titled 'Welcome'",
        ),
        ({"status": 200, "body": '{"companies": []}'}, "expected a JSON object with a list"),
        ({"status": 200, "body": '{"results": [1]}'}, "expected a JSON object with a list"),
        (
            {"status": 200, "body": '{"results": [], "count": "1"}'},
            "(Expected `int | null`, got `str` - at `$.count`): check setting 'api_url'",
        ),
        ({"status": 200, "body": '{"results": [], "next": false}'}, "got `bool` - at `$.next`"),
        ({"status": 200, "body": ""}, "an empty body"),
        ({"status": 403, "body": '{"detail": "Not you."}'}, "no permission"),
        ({"status": 404, "body": "<html></html>"}, "check setting 'api_url'"),
        ({"status": 302, "headers": {"Location": "https://elsewhere.example/"}}, "redirects"),
    ],
)
def test_an_answer_that_is_no_page(
    sandbox: Sandbox, tmp_path: Path, fault: dict[str, Any], words: str
) -> None:
    sandbox.faults.add(Fault(path="/api/*", times=None, **fault))
    outcome = run_tap("tap_kizen", kizen_settings(sandbox), tmp_path)
    assert outcome.code == 1
    assert words in outcome.last_line
    assert "companies:" in outcome.last_line
    assert "Traceback" not in outcome.err


def test_a_redirect_does_not_take_the_credentials_along(
    sandbox: Sandbox, shared_sandbox: Sandbox, tmp_path: Path
) -> None:
    before = len(list(shared_sandbox.requests))
    elsewhere = {"Location": f"{shared_sandbox.kizen_url}/company"}
    sandbox.faults.add(Fault(path="/api/company", status=307, headers=elsewhere, times=None))
    assert run_tap("tap_kizen", kizen_settings(sandbox), tmp_path).code == 1
    assert len(list(shared_sandbox.requests)) == before


def test_no_network_names_the_address(tmp_path: Path) -> None:
    settings = {"api_url": "http://127.0.0.1:9/api", "api_key": "invented", "user_id": "u"}
    more = {"business_id": "b", "request_tries": 1}
    outcome = run_tap("tap_kizen", {**settings, **more}, tmp_path, "--test")
    assert outcome.code == 1
    assert "no connection to 127.0.0.1:9: check the network and setting 'api_url'" in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"api_key": ""}, "setting 'api_key' is empty (environment variable TAP_KIZEN_API_KEY)"),
        ({"page_size": 0}, "setting 'page_size': 0 is less than the minimum of 1"),
        ({"page_size": 1001}, "setting 'page_size': 1001 is greater than the maximum of 1000"),
        ({"api_url": "app.go.kizen.com/api"}, "setting 'api_url'"),
        ({"start_date": "soon"}, "setting 'start_date'"),
    ],
)
def test_a_wrong_setting_ends_with_code_2(
    shared_sandbox: Sandbox, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    outcome = run_tap("tap_kizen", kizen_settings(shared_sandbox, **changes), tmp_path)
    assert outcome.code == 2
    assert words in outcome.last_line


def test_a_secret_that_the_service_quotes_is_masked(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = kizen_settings(sandbox)
    echo = f'{{"detail": "the key {settings["api_key"]} has expired"}}'
    sandbox.faults.add(Fault(path="/api/company", status=401, body=echo, times=None))
    outcome = run_tap("tap_kizen", settings, tmp_path)
    assert "the key *** has expired" in outcome.last_line
    assert settings["api_key"] not in outcome.err


@pytest.mark.parametrize(
    ("path", "advice"),
    [
        ("/api/company", "lower setting 'page_size' (TAP_KIZEN_PAGE_SIZE)"),
        ("/api/custom-objects/*/fields", "check setting 'api_url' (TAP_KIZEN_API_URL)"),
    ],
)
def test_an_answer_that_is_too_large_names_the_setting(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, advice: str
) -> None:
    monkeypatch.setattr("rest_tap.transport.MAX_ANSWER_BYTES", 1 << 20)
    sandbox.faults.add(Fault(path=path, status=200, body=" " * (1 << 20) + "[]", times=None))
    outcome = run_tap("tap_kizen", kizen_settings(sandbox), tmp_path)
    assert outcome.code == 1
    assert "answered 200 with more than 1 MiB, unpacked" in outcome.last_line
    assert outcome.last_line.endswith(advice)
    assert "Traceback" not in outcome.err
    asked = [arrival for arrival in sandbox.requests if arrival.path.endswith(path[-7:])]
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("path", "stream", "is_needed"),
    [
        ("/api/company", "companies", False),
        ("/api/custom-objects/*/fields", "custom_object_fields", False),
        ("/api/records/client_client/search", "client_client", False),
        ("/api/team", "team", False),
        ("/api/custom-objects", "custom_objects", True),
        ("/api/activities", "activity_types", True),
    ],
)
def test_an_id_that_is_no_text_is_told(
    sandbox: Sandbox, tmp_path: Path, path: str, stream: str, *, is_needed: bool
) -> None:
    """An object, or a kind of activity, with such an id was left out with all of its records."""
    records = [{"id": 17 + number, "name": f"Name {number}"} for number in range(2)]
    page = {"count": 2, "next": None, "previous": None, "results": records}
    sandbox.faults.add(
        Fault(
            path=path,
            status=200,
            body=json.dumps(records if path.endswith("fields") else page),
            content_type="application/json",
            times=None,
        )
    )
    outcome = run_tap("tap_kizen", kizen_settings(sandbox), tmp_path)
    told = f"{stream}: a record has an id that is no text, where Kizen documents UUIDs"
    assert any(
        told in line and line.endswith("check setting 'api_url' (TAP_KIZEN_API_URL)")
        for line in outcome.err.splitlines()
    )
    assert (outcome.code == 1) is is_needed
    if is_needed:
        assert told in outcome.last_line
        gone = {"logged_activities", "custom_object_fields", "client_client"}
        versions = {message["stream"] for message in outcome.of_type("ACTIVATE_VERSION")}
        assert stream == "activity_types" or not versions & gone
        assert "logged_activities" not in versions


@pytest.mark.parametrize(
    ("stream", "path"),
    [
        ("companies", "/api/company"),
        ("client_client", "/api/records/client_client/search"),
        ("team", "/api/team"),
    ],
)
def test_a_page_that_says_it_is_not_whole_is_no_list(
    sandbox: Sandbox, tmp_path: Path, stream: str, path: str
) -> None:
    page = {"next": None, "results": [], "count": 0, "errors": [{"message": "Not all is here."}]}
    # The first request for companies is that of discovery.
    skip = int(stream == "companies")
    sandbox.faults.add(Fault(path=path, status=200, body=json.dumps(page), skip=skip, times=None))
    outcome = run_tap("tap_kizen", kizen_settings(sandbox), tmp_path)
    assert outcome.code == 1
    assert f"{path} answered 200" in outcome.last_line
    assert "the page is not whole: errors: Not all is here." in outcome.last_line
    assert stream not in {message["stream"] for message in outcome.of_type("ACTIVATE_VERSION")}
