"""Every setting that `--about` shows is declared for Meltano, and works from the environment."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from singer_sdk.exceptions import ConfigurationError

from tap_kananas.tap import TapKananas
from tap_kizen.tap import TapKizen

if TYPE_CHECKING:
    from singer_sdk import Tap

ROOT = Path(__file__).resolve().parents[2]
TAPS: dict[str, type[Tap]] = {"tap-kananas": TapKananas, "tap-kizen": TapKizen}
#: What Meltano shows of a secret.
MASK = "*****"

KINDS = {"string", "integer", "boolean", "array", "object"}

#: Values that no rule refuses; any other setting takes what its type has below.
VALUES: dict[str, Any] = {
    "api_url": "http://127.0.0.1:9/api",
    "batch_config": {"encoding": {"format": "jsonl"}, "storage": {"root": "somewhere"}},
    "end_date": "2026-02-01T00:00:00Z",
    "faker_config": {"seed": 3, "locale": ["fr_FR"]},
    "requests": [{"name": "branches", "request": "entities"}],
    "start_date": "2026-01-01",
    "stream_map_config": {"hash_seed": "salt"},
    "stream_maps": {"companies": {"email": "md5(email)"}},
    "timezone": "Europe/Paris",
}
BY_KIND: dict[str, Any] = {
    "string": "a-text",
    "integer": 7,
    "boolean": False,
    "array": ["a", "b,c"],
    "object": {"a": 1},
}


def rules(tap: type[Tap]) -> dict[str, Any]:
    schema = tap.config_jsonschema
    tap.append_builtin_config(schema)
    found: dict[str, Any] = schema["properties"]
    return found


def kind(rule: dict[str, Any]) -> str:
    (name,) = {*([rule["type"]] if isinstance(rule["type"], str) else rule["type"])} - {"null"}
    return str(name)


def values(tap: type[Tap]) -> dict[str, Any]:
    return {name: VALUES.get(name, BY_KIND[kind(rule)]) for name, rule in rules(tap).items()}


def environment(name: str) -> dict[str, str]:
    """Return every setting of a tap by its variable."""
    prefix = name.upper().replace("-", "_")
    return {
        f"{prefix}_{setting.upper()}": value if isinstance(value, str) else json.dumps(value)
        for setting, value in values(TAPS[name]).items()
    }


@pytest.mark.parametrize("name", TAPS)
def test_every_setting_is_declared_with_its_kind(name: str) -> None:
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    plugins = {plugin["name"]: plugin for plugin in project["plugins"]["extractors"]}
    elsewhere = ROOT / "plugins" / "extractors" / f"{name}.yml"
    definition = yaml.safe_load(elsewhere.read_text(encoding="utf-8"))
    expected = {setting: kind(rule) for setting, rule in rules(TAPS[name]).items()}
    assert set(expected.values()) <= KINDS
    for plugin in (plugins[name], definition):
        declared = {setting["name"]: setting["kind"] for setting in plugin["settings"]}
        assert declared == expected


@pytest.mark.parametrize("name", TAPS)
def test_every_setting_works_from_the_environment(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in environment(name).items():
        monkeypatch.setenv(variable, value)
    # Streams would be asked for at the invented address.
    monkeypatch.setattr(TAPS[name], "discover_streams", lambda _: [])
    tap = TAPS[name](parse_env_config=True)
    assert {**tap.config} == {**tap.config, **values(TAPS[name])}


@pytest.mark.parametrize("name", TAPS)
def test_every_setting_works_from_the_environment_below_meltano(name: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / "meltano.yml", tmp_path)
    meltano = str(ROOT / ".venv" / "bin" / "meltano")
    done = subprocess.run(
        [meltano, "--cwd", str(tmp_path), "config", "print", name, "--format=json"],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **environment(name)},
        capture_output=True,
        text=True,
        check=True,
    )
    shown = {
        setting: MASK if rules(TAPS[name])[setting].get("secret") else value
        for setting, value in values(TAPS[name]).items()
    }
    assert json.loads(done.stdout) == shown


@pytest.mark.parametrize(
    ("name", "setting", "value", "wanted"),
    [
        ("tap-kizen", "page_size", "a thousand", "an integer"),
        ("tap-kizen", "batch_config", "no files", "JSON"),
        ("tap-kananas", "requests", "[{branches", "JSON"),
    ],
)
def test_a_variable_that_is_no_such_value_names_the_setting(
    name: str, setting: str, value: str, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = f"{name}_{setting}".upper().replace("-", "_")
    monkeypatch.setenv(variable, value)
    told = f"^setting '{setting}' \\(environment variable {variable}\\) is not {wanted}$"
    with pytest.raises(ConfigurationError, match=told):
        TAPS[name](parse_env_config=True)


@pytest.mark.parametrize("value", ["maybe", "true ", "", "t", "2", "null"])
@pytest.mark.parametrize("name", TAPS)
def test_a_boolean_that_is_neither_is_not_taken_for_false(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, text in environment(name).items():
        monkeypatch.setenv(variable, text)
    setting = "emit_activate_version_messages"
    variable = f"{name}_{setting}".upper().replace("-", "_")
    monkeypatch.setattr(TAPS[name], "discover_streams", lambda _: [])
    monkeypatch.setenv(variable, value)
    told = f"^setting '{setting}' \\(environment variable {variable}\\) is neither true nor false$"
    with pytest.raises(ConfigurationError, match=told):
        TAPS[name](parse_env_config=True)
    monkeypatch.setenv(variable, "OFF")
    assert TAPS[name](parse_env_config=True).config[setting] is False
