"""The page docs/settings.md, from what `--about` and `meltano.yml` say of each program."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

INTRODUCTION = """\
# Settings

`make docs` writes this page from what `--about` says of each program, and from `meltano.yml`.

Below Meltano a setting stands in `meltano.yml` or in its environment variable, for example in
`.env`. There the `path` of `target-duckdb` is `DUCKDB_PATH`. Without Meltano `--config=config.json`
names a file of settings, and `--config=ENV` takes them from the environment variables.
"""

# Every tap and target on the SDK has these settings.
BUILT_IN = re.compile(
    r"^(stream_maps|stream_map_config|faker_config|flattening_|batch_config|validate_records)"
)


def table(name: str, facts: dict[str, Any]) -> str:
    """Return the settings of a program as a Markdown table."""
    schema = facts["settings"]
    prefix = name.upper().replace("-", "_")
    lines = ["| setting | environment variable | default | what it does |", "|---|---|---|---|"]
    built_in = []
    for setting, rule in schema["properties"].items():
        if BUILT_IN.match(setting):
            built_in.append(f"`{setting}`")
            continue
        default = f"`{json.dumps(rule['default'])}`" if "default" in rule else ""
        if setting in schema.get("required", []):
            default = "**required**"
        secret = " Secret." if rule.get("secret") else ""
        words = " ".join(rule["description"].split()).replace("|", "\\|")
        variable = f"`{prefix}_{setting.upper()}`"
        lines.append(f"| `{setting}` | {variable} | {default} | {words}{secret} |")
    lines += ["", f"Of the SDK: {', '.join(built_in)}."]
    return "\n".join(lines)


def utility(name: str, project: str) -> str:
    """Return the settings that `meltano.yml` declares of a utility, as the page's section.

    Args:
        name: The utility, such as `report`.
        project: The text of `meltano.yml`.
    """
    (plugin,) = (
        each for each in yaml.safe_load(project)["plugins"]["utilities"] if each["name"] == name
    )
    lines = ["| setting | environment variable | default | what it does |", "|---|---|---|---|"]
    for setting in plugin["settings"]:
        value = setting.get("value")
        default = "" if value is None else f"`{json.dumps(value)}`"
        row = (f"`{setting['name']}`", f"`{setting['env']}`", default, setting["description"])
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join([f"## {name}", "", *lines, ""])


def render(facts: Mapping[str, dict[str, Any]]) -> str:
    """Return the whole page; `facts` is what `--about` says of each program."""
    tables = [f"## {name}\n\n{table(name, each)}\n" for name, each in facts.items()]
    return "\n".join([INTRODUCTION, *tables])
