"""Wrong settings are told by name, and a secret is never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import ConfigurationError

from rest_tap.settings import explain_settings_errors
from tap_kananas.tap import TapKananas
from tap_kizen.tap import TapKizen

if TYPE_CHECKING:
    from rest_tap.tap import RestTap

SCHEMA = TapKizen.config_jsonschema
GOOD = {"api_key": "k-secret-1", "user_id": "u", "business_id": "b"}


def explain(**changes: object) -> list[str]:
    return explain_settings_errors({**GOOD, **changes}, SCHEMA, "TAP_KIZEN_")


def test_good_settings_have_no_error() -> None:
    assert explain() == []


def test_each_missing_setting_is_named_with_its_environment_variable() -> None:
    assert explain_settings_errors({"user_id": "u"}, SCHEMA, "TAP_KIZEN_") == [
        "setting 'api_key' is missing (environment variable TAP_KIZEN_API_KEY)",
        "setting 'business_id' is missing (environment variable TAP_KIZEN_BUSINESS_ID)",
    ]


def test_a_wrong_value_is_shown() -> None:
    (line,) = explain(page_size=1001)
    assert line == "setting 'page_size': 1001 is greater than the maximum of 1000"


def test_a_wrong_secret_is_not_shown() -> None:
    (line,) = explain(api_key=918273645)
    assert "api_key" in line
    assert "918273645" not in line


@pytest.mark.parametrize("tap", [TapKizen, TapKananas])
def test_an_address_with_a_password_is_refused_without_showing_it(tap: type[RestTap]) -> None:
    settings = {**GOOD, "secret_key": "k", "api_url": "https://jane:hidden@crm.example/api"}
    (line,) = explain_settings_errors(settings, tap.config_jsonschema, "TAP_")
    assert line.startswith("setting 'api_url': 'https://***@crm.example/api' must begin")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in ("api_key", "user_id") for value in ("", " ", "\n", None)),
        ("api_url", ""),
        ("api_url", " "),
        ("user_agent", ""),
    ],
)
def test_an_empty_setting_is_told_with_its_environment_variable(name: str, value: object) -> None:
    assert explain(**{name: value}) == [
        f"setting '{name}' is empty (environment variable TAP_KIZEN_{name.upper()})"
    ]


def test_a_pattern_is_shown_as_it_is() -> None:
    (line,) = explain(api_url="crm.example")
    assert "'crm.example' must begin with https:// or http://, and have no user, " in line


@pytest.mark.parametrize("value", ["a\nb", "a\n", " a", "caf\u00e9", "\u540d", "a\0"])
def test_a_user_agent_that_fits_no_header_is_told(value: str) -> None:
    (line,) = explain(user_agent=value)
    assert line.startswith("setting 'user_agent': ")
    assert explain(user_agent="Mozilla/5.0 (compatible; ours)") == []


SETTINGS: dict[type[RestTap], dict[str, Any]] = {
    TapKananas: {"secret_key": "k-secret-1"},
    TapKizen: GOOD,
}
FILES: dict[str, Any] = {"encoding": {"format": "jsonl"}, "storage": {"root": "folder"}}


@pytest.mark.parametrize("tap", [TapKananas, TapKizen])
@pytest.mark.parametrize(
    "changes",
    [
        {"encoding": {}},
        {"encoding": None},
        {"encoding": {"format": "jsonl", "more": 1}},
        {"storage": {}},
        {"storage": {"root": None}},
        {"storage": {"root": ""}},
        {"storage": {"root": "folder", "more": 1}},
        {"batch_size": 0},
        {"batch_size": -1},
        {"batch_size": "many"},
        {"more": 1},
    ],
)
def test_a_batch_config_of_another_form_is_told(
    tap: type[RestTap], changes: dict[str, Any]
) -> None:
    with pytest.raises(ConfigurationError, match=r"setting 'batch_config'"):
        tap(config={**SETTINGS[tap], "batch_config": {**FILES, **changes}})
    with pytest.raises(
        ConfigurationError, match=r"setting 'batch_config'.*'storage' is a required"
    ):
        tap(config={**SETTINGS[tap], "batch_config": {"encoding": {"format": "jsonl"}}})


@pytest.mark.parametrize("tap", [TapKananas, TapKizen])
@pytest.mark.parametrize("files", [None, {}, FILES, {**FILES, "batch_size": None}])
def test_a_batch_config_may_be_none_or_whole(
    tap: type[RestTap], files: dict[str, Any] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tap, "discover_streams", lambda _: [])
    assert tap(config={**SETTINGS[tap], "batch_config": files}).config["batch_config"] == files
