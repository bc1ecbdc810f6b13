"""Each setting that a plugin shows is declared for Meltano, and works however it is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from singer_sdk.exceptions import ConfigValidationError

from target_duckdb.errors import SettingError
from target_duckdb.target import TargetDuckDB

if TYPE_CHECKING:
    from singer_sdk.plugin_base import PluginBase

ROOT = Path(__file__).parents[1]
PLUGINS: list[tuple[type[PluginBase], str]] = [(TargetDuckDB, "loaders")]
KINDS = {
    "boolean": {"boolean"},
    "integer": {"integer"},
    "number": {"decimal", "integer"},
    "object": {"object"},
    "array": {"array"},
    "string": {"string", "options", "password", "date_iso8601"},
}
VALUES: dict[str, Any] = {
    "boolean": False, "integer": 3, "number": 2.5, "object": {}, "array": [], "string": "text",
}  # fmt: skip


def settings_of(plugin: type[PluginBase]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return the JSON type and definition of each setting that `--about` shows."""
    plugin.append_builtin_config(plugin.config_jsonschema)
    found = {}
    for name, definition in plugin.config_jsonschema["properties"].items():
        declared = definition["type"]
        names = declared if isinstance(declared, list) else [declared]
        found[name] = (next(each for each in names if each != "null"), definition)
    return found


def values_of(plugin: type[PluginBase]) -> dict[str, Any]:
    """Return a value for each setting."""
    return {
        name: definition.get("enum", [VALUES[kind]])[0]
        for name, (kind, definition) in settings_of(plugin).items()
    }


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize(("plugin", "group"), PLUGINS)
def test_each_is_declared_with_its_kind(plugin: type[PluginBase], group: str) -> None:
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    in_project = next(each for each in project["plugins"][group] if each["name"] == plugin.name)
    definition = ROOT / "plugins" / group / f"{plugin.name}.yml"
    alone = yaml.safe_load(definition.read_text(encoding="utf-8"))
    for settings in (in_project["settings"], alone["settings"]):
        declared = {each["name"]: each["kind"] for each in settings}
        for name, (kind, _) in settings_of(plugin).items():
            assert declared.get(name) in KINDS[kind], name


@pytest.mark.parametrize(("plugin", "_group"), PLUGINS)
def test_each_works_from_the_environment(
    plugin: type[PluginBase], _group: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    values = values_of(plugin)
    prefix = plugin.name.upper().replace("-", "_")
    for name, value in values.items():
        monkeypatch.setenv(f"{prefix}_{name.upper()}", as_text(value))
    found = dict(plugin(parse_env_config=True).config)
    assert {name: found[name] for name in values} == values


@pytest.mark.parametrize(("plugin", "_group"), PLUGINS)
def test_each_works_as_text(plugin: type[PluginBase], _group: str) -> None:
    values = values_of(plugin)
    found = dict(plugin(config={name: as_text(value) for name, value in values.items()}).config)
    assert {name: found[name] for name in values} == values


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("batch_size_rows", "1e3", 1000),
        ("batch_size_rows", " 5.0 ", 5),
        ("batch_size_rows", "", 500_000),
        ("validate_records", "", True),
        ("validate_records", "Off ", False),
        ("hard_delete", "true ", True),
        ("hard_delete", " ", False),
        ("default_target_schema", " ", "main"),
        ("settings", " ", None),
    ],
)
def test_texts_of_the_environment_are_read(
    name: str, text: str, value: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TARGET_DUCKDB_PATH", "warehouse.duckdb")
    monkeypatch.setenv(f"TARGET_DUCKDB_{name.upper()}", text)
    found = TargetDuckDB(parse_env_config=True, validate_config=True).config.get(name)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hard_delete", "maybe"),
        ("validate_records", "t"),
        ("batch_size_rows", "5.5"),
        ("batch_size_rows", "9" * 5000),
        ("lock_timeout", "NaN"),
        ("settings", "{"),
        ("path", " "),
    ],
)
def test_texts_of_the_environment_that_mean_nothing_are_refused(
    name: str, text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TARGET_DUCKDB_PATH", "warehouse.duckdb")
    monkeypatch.setenv(f"TARGET_DUCKDB_{name.upper()}", text)
    with pytest.raises((ConfigValidationError, SettingError)) as caught:
        TargetDuckDB(parse_env_config=True, validate_config=True)
    assert name in str(getattr(caught.value, "errors", caught.value))
