"""Write the settings tables of README.md anew, from what `--about` tells.

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
README = ROOT / "README.md"
PROGRAMS = {
    "tap-kananas": "tap_kananas",
    "tap-kizen": "tap_kizen",
    "target-duckdb": "target_duckdb",
}

# Every tap and target on the SDK has these.
BUILT_IN = re.compile(
    r"^(stream_maps|stream_map_config|faker_config|flattening_|batch_config|validate_records)"
)


def about(module: str) -> dict[str, Any]:
    """Give what a program says of itself."""
    command = [sys.executable, "-m", module, "--about", "--format=json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def table(name: str, facts: dict[str, Any]) -> str:
    """Give the settings of a program as a Markdown table."""
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


def render(readme: str) -> str:
    """Give a README with its tables as they have to be."""
    for name, module in PROGRAMS.items():
        begin, end = f"<!-- settings {name} -->\n", f"<!-- end {name} -->"
        before, _, rest = readme.partition(begin)
        _, mark, after = rest.partition(end)
        if not mark:
            message = f"README.md has no place for the settings of {name}"
            raise ValueError(message)
        readme = f"{before}{begin}{table(name, about(module))}\n{end}{after}"
    return readme


def main() -> int:
    """Write the tables."""
    README.write_text(render(README.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
