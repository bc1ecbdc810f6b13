"""The settings in `meltano.yml`, and `plugins/`, from what each program says of itself.

`plugins/` has the definition files by which another Meltano project takes the plugins in. They
say what `meltano.yml` says, but for where the package comes from: outside this checkout that is
`$KANANAS_KIZEN_ELT`, anything pip can install (a checkout, a wheel, a git address).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

EXTRAS = {"tap-kananas": "", "tap-kizen": "", "target-duckdb": "[duckdb]"}

# What only makes sense in this project, or is for the other project to say.
LEFT_OUT = ("load_schema", "use_cached_catalog")

# Another project's loader may take no BATCH messages.
WITHOUT_VALUE = ("batch_config",)

# Files instead of messages: records go past Meltano, which would copy every line.
_BATCHES = {
    "encoding": {"format": "jsonl", "compression": "none"},
    "storage": {"root": "$MELTANO_PROJECT_ROOT/.meltano/run/batches"},
    "batch_size": 50_000,
}
_DATABASE = "$MELTANO_PROJECT_ROOT/output/$MELTANO_ENVIRONMENT/warehouse.duckdb"

# What this project says of a setting beyond what the program does.
OF_THIS_PROJECT: dict[str, dict[str, dict[str, Any]]] = {
    "tap-kananas": {
        "batch_config": {"value": _BATCHES},
        # A folder that nobody else may read.
        "discovery_folder": {"value": "$MELTANO_PROJECT_ROOT/.meltano/run/discovered/kananas"},
    },
    "tap-kizen": {"batch_config": {"value": _BATCHES}},
    "target-duckdb": {
        "path": {"env": "DUCKDB_PATH", "value": _DATABASE},
        "default_target_schema": {"value": "$MELTANO_EXTRACT__LOAD_SCHEMA"},
        "add_record_metadata": {"value": True},
    },
}

# What the settings of the SDK mean; its own words are for developers.
_OF_THE_SDK = {
    "stream_maps": (
        "Stream maps",
        "What is renamed, hashed or left out of which stream. See docs/privacy.md.",
    ),
    "stream_map_config": ("Stream map values", "Values that the expressions of stream_maps use."),
    "faker_config": ("Faker", "Seed and locale of invented values in stream_maps."),
    "flattening_enabled": ("Flattening", "Whether nested objects become columns of their own."),
    "flattening_max_depth": (
        "Flattening depth",
        "How many levels of nested objects become columns.",
    ),
    "flattening_max_key_length": (
        "Longest flattened name",
        "How long the name of a flattened column may be.",
    ),
    "flattening_separator": (
        "Flattening separator",
        "What stands between the parts of a flattened column's name.",
    ),
    "process_activate_version_messages": (
        "Process ACTIVATE_VERSION messages",
        "Whether rows that are no longer current are marked or removed.",
    ),
    "validate_records": (
        "Validate records",
        "Check records against all of their schema, or only against the types of their columns.",
    ),
}
_BATCH_CONFIG = {
    "tap": "Where records go by files instead of messages. {} for a loader that takes no BATCH "
    "messages.",
    "target": "Its storage says where BATCH files lie that are not local.",
}

# Of a decimal Meltano 4.4 makes no JSON. A date is a string: its kind `date_iso8601` makes
# another date of what is none, such as 2026-13-01.
_KINDS = {"number": "integer"}

_BLOCK = re.compile(
    r"^    settings_group_validation:.*\n    settings:.*\n(?:    (?:-| ).*\n)+", re.MULTILINE
)


def meltano_settings(name: str, schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the settings of a plugin as Meltano wants them.

    Args:
        name: The plugin, such as `tap-kizen`.
        schema: The JSON schema of its settings, from `--about`.
    """
    return [_setting(name, setting, rule) for setting, rule in schema["properties"].items()]


def _setting(plugin: str, name: str, rule: Mapping[str, Any]) -> dict[str, Any]:
    types = {rule["type"]} if isinstance(rule["type"], str) else {*rule["type"]}
    (type_,) = types - {"null"}
    label, words = rule.get("title", name), rule["description"]
    if name == "batch_config":
        label, words = "Batch files", _BATCH_CONFIG[plugin.partition("-")[0]]
    label, words = _OF_THE_SDK.get(name, (label, words))
    setting: dict[str, Any] = {"name": name, "kind": _KINDS.get(type_, type_)}
    if "enum" in rule:
        setting["kind"] = "options"
        setting["options"] = [{"label": _label(each), "value": each} for each in rule["enum"]]
    if rule.get("default") is not None:
        setting["value"] = rule["default"]
    setting |= {"label": label.replace("`", ""), "description": " ".join(words.split())}
    if rule.get("secret"):
        setting["sensitive"] = True
    return setting | OF_THIS_PROJECT[plugin].get(name, {})


def _label(value: str) -> str:
    return value if value.isupper() else value.replace("-", " ").capitalize()


def project_file(text: str, schemas: Mapping[str, Mapping[str, Any]]) -> str:
    """Return `meltano.yml` with the settings that the programs have.

    Args:
        text: The file as it is; all but the settings of the taps and the loader stays.
        schemas: The JSON schema of the settings of each plugin.
    """
    for name, schema in schemas.items():
        start = text.index(f"\n  - name: {name}\n")  # environments name plugins, too, further in
        settings = meltano_settings(name, schema)
        listed = yaml.safe_dump(settings, sort_keys=False, width=10_000, allow_unicode=True)
        required = ", ".join(schema.get("required", []))
        block = (
            f"    settings_group_validation: [[{required}]]\n"
            "    settings: # by `make docs`, from what the program says of itself\n"
            + "".join(f"    {line}\n" for line in listed.splitlines())
        )
        text = text[:start] + _BLOCK.sub(lambda _: block, text[start:], count=1)  # noqa: B023 - called at once
    return text


def definitions(project: str) -> dict[str, dict[str, Any]]:
    """Return each definition by its path below `plugins/`; `project` is `meltano.yml`."""
    found: dict[str, dict[str, Any]] = {}
    plugins = yaml.safe_load(project)["plugins"]
    for kind in ("extractors", "loaders"):
        for plugin in plugins[kind]:
            definition = {key: value for key, value in plugin.items() if key not in LEFT_OUT}
            definition["settings"] = [
                {
                    key: value
                    for key, value in setting.items()
                    if key != "value" or setting["name"] not in WITHOUT_VALUE
                }
                for setting in plugin["settings"]
            ]
            extra = EXTRAS[plugin["name"]]
            definition["pip_url"] = f"'kananas-kizen-elt{extra} @ $KANANAS_KIZEN_ELT'"
            found[f"{kind}/{plugin['name']}.yml"] = {"plugin_type": kind, **definition}
    return found
