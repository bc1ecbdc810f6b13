"""Write docs/settings.md from what `--about` says of each program.

Usage: python -m tools.settings_tables
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "settings.md"
PROGRAMS = {
    "tap-kananas": "tap_kananas",
    "tap-kizen": "tap_kizen",
    "target-duckdb": "target_duckdb",
}
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


def about(module: str) -> dict[str, Any]:
    """Return what a program says of itself."""
    command = [sys.executable, "-m", module, "--about", "--format=json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


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


def render() -> str:
    """Return the whole page."""
    tables = [f"## {name}\n\n{table(name, about(module))}\n" for name, module in PROGRAMS.items()]
    return "\n".join([INTRODUCTION, *tables])


def main() -> int:
    """Write the page."""
    PAGE.write_text(render(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
