"""Write `plugins/`: definition files by which another Meltano project takes the plugins in.

They say what `meltano.yml` says, but for where the package comes from: outside this
checkout that is `$KANANAS_KIZEN_ELT`, anything pip can install (a checkout, a wheel, a
git address).

Usage: python -m tools.plugin_definitions [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent

EXTRAS = {"tap-kananas": "", "tap-kizen": "", "target-duckdb": "[duckdb]"}

# What only makes sense in this project, or is for the other project to say.
LEFT_OUT = ("load_schema", "use_cached_catalog")

# Another project's loader may take no BATCH messages.
WITHOUT_VALUE = ("batch_config",)


def definitions() -> dict[str, dict[str, Any]]:
    """Give each definition by its path below `plugins/`."""
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    found: dict[str, dict[str, Any]] = {}
    for kind in ("extractors", "loaders"):
        for plugin in project["plugins"][kind]:
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


def main() -> int:
    """Write the files."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "plugins"
    for path, definition in definitions().items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump(definition, sort_keys=False, width=100), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
