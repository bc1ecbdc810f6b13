"""The page docs/settings.md, from what `--about` says of each program."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

INTRODUCTION = """\
# Settings

`make docs` writes this page from what `--about` says of each program.

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


def render(facts: Mapping[str, dict[str, Any]]) -> str:
    """Return the whole page; `facts` is what `--about` says of each program."""
    tables = [f"## {name}\n\n{table(name, each)}\n" for name, each in facts.items()]
    return "\n".join([INTRODUCTION, *tables])
