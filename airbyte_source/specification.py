"""A tap's settings as the form that Airbyte shows."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from singer_sdk import Tap

#: The newest version in the protocol's changelog.
PROTOCOL_VERSION = "0.5.2"

# Marks by which the SDK tells a secret.
_SECRET_MARKS = ("secret", "writeOnly")


def own_settings(tap: type[Tap]) -> dict[str, Any]:
    """Give the settings that a tap declares itself, without those every tap of the SDK has.

    Returns:
        A JSON schema per name.
    """
    built_in: dict[str, Any] = {"properties": {}}
    tap.append_builtin_config(built_in)
    properties: dict[str, Any] = tap.config_jsonschema["properties"]
    return {name: rule for name, rule in properties.items() if name not in built_in["properties"]}


def specification(tap: type[Tap], title: str, left_out: Collection[str] = ()) -> dict[str, Any]:
    """Give the content of a SPEC message.

    Args:
        tap: The tap.
        title: The name of the service.
        left_out: Settings that are not the user's.
    """
    settings = {name: rule for name, rule in own_settings(tap).items() if name not in left_out}
    fields = {name: _field(rule) for name, rule in settings.items()}
    required = [name for name in tap.config_jsonschema.get("required", []) if name in fields]
    for order, name in enumerate(sorted(fields, key=lambda each: each not in required)):
        fields[name]["order"] = order
    return {
        "protocol_version": PROTOCOL_VERSION,
        "connectionSpecification": {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": title,
            "type": "object",
            "required": required,
            # Airbyte may add settings of its own.
            "additionalProperties": True,
            "properties": fields,
        },
    }


def _field(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Give the rule of a setting as one of the form: one type each, secrets marked."""
    field = deepcopy(dict(rule))
    if any([field.pop(mark, False) for mark in _SECRET_MARKS]):  # noqa: C419 - all have to go
        field["airbyte_secret"] = True
    types = field.get("type")
    if isinstance(types, list):
        # A field that is left empty is not sent at all.
        filled = [each for each in types if each != "null"]
        field["type"] = filled[0] if len(filled) == 1 else filled
    if isinstance(field.get("items"), dict):
        field["items"] = _field(field["items"])
    for name, nested in field.get("properties", {}).items():
        field["properties"][name] = _field(nested)
    return field


def secrets_of(tap: type[Tap], settings: Mapping[str, Any]) -> list[str]:
    """Give the values of the secret settings."""
    rules = own_settings(tap)
    marked = [name for name, rule in rules.items() if any(map(rule.get, _SECRET_MARKS))]
    return [str(settings[name]) for name in marked if name in settings]
