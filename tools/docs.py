"""Write everything that is made from the code: `make docs`.

* `docs/settings.md`, and the settings in `meltano.yml` and `plugins/`, from `--about`; those of
  the utilities from `meltano.yml`
* the table of fixed streams in `docs/kizen.md`, and `tests/tap_kizen/catalog.json`, from the tap
* `docs/sandbox-openapi.json`, from the routes of the sandbox

The form of each Airbyte source needs no file: `spec` makes it from the settings.

Usage: python -m tools.docs
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sandbox.kizen.service import description
from sandbox.server import Options, running
from tap_kizen.streams import ClientsStream, CompaniesStream, fixed_streams
from tap_kizen.tap import TapKizen
from tools import plugins, settings_page

if TYPE_CHECKING:
    from tap_kizen.reading import KizenStream

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = {
    "tap-kananas": "tap_kananas",
    "tap-kizen": "tap_kizen",
    "target-duckdb": "target_duckdb",
}
UTILITIES = ("publish", "parquet", "report")


def about(module: str) -> dict[str, Any]:
    """Return what a program says of itself."""
    command = [sys.executable, "-m", module, "--about", "--format=json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def as_json(value: object) -> str:
    """Return a value as a file that a person can compare."""
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def catalog() -> dict[str, Any]:
    """Return what `tap-kizen --discover` finds in the account of the sandbox that tests share."""
    with running(Options(contacts=120, companies=45, rate_limit=0)) as server:
        known = server.credentials
        tap = TapKizen(
            config={
                "api_url": server.kizen_url,
                "api_key": known.kizen_api_key,
                "user_id": known.kizen_user_id,
                "business_id": known.kizen_business_id,
            }
        )
        found: dict[str, Any] = tap.catalog_dict
        return found


def stream_row(stream: type[KizenStream]) -> str:
    """Return a fixed stream as a row of the table."""
    holds = (stream.__doc__ or "").partition("\n\n")[0].rstrip(".")
    name, key = vars(stream)["name"], vars(stream).get("replication_key")
    return f"| `{name}` | {' '.join(holds.split())} | {f'by `{key}`' if key else 'whole'} |"


def stream_table() -> str:
    """Return the table of the fixed streams of tap-kizen."""
    streams: list[type[KizenStream]] = [CompaniesStream, ClientsStream, *fixed_streams()]
    rows = map(stream_row, streams)
    return "\n".join(["| stream | holds | read |", "|---|---|---|", *rows])


def between(text: str, name: str, new: str) -> str:
    """Return a page with `new` between the comments `<!-- name -->` and `<!-- /name -->`."""
    marked = re.compile(rf"(<!-- {name} .*?-->\n).*?(\n<!-- /{name} -->)", re.DOTALL)
    replaced, count = marked.subn(lambda found: found[1] + new + found[2], text)
    if count != 1:
        message = f"the page has {count} places for {name}"
        raise ValueError(message)
    return replaced


def generated() -> dict[Path, str]:
    """Return the content of each file that is made, whole or in part, from the code."""
    facts = {name: about(module) for name, module in PROGRAMS.items()}
    project = ROOT / "meltano.yml"
    settings = {name: each["settings"] for name, each in facts.items()}
    meltano = plugins.project_file(project.read_text(encoding="utf-8"), settings)
    kizen = ROOT / "docs" / "kizen.md"
    return {
        ROOT / "docs" / "settings.md": "\n".join(
            [
                settings_page.render(facts),
                *(settings_page.utility(each, meltano) for each in UTILITIES),
            ]
        ),
        project: meltano,
        **{
            ROOT / "plugins" / path: yaml.safe_dump(definition, sort_keys=False, width=100)
            for path, definition in plugins.definitions(meltano).items()
        },
        kizen: between(kizen.read_text(encoding="utf-8"), "streams", stream_table()),
        ROOT / "tests" / "tap_kizen" / "catalog.json": as_json(catalog()),
        ROOT / "docs" / "sandbox-openapi.json": as_json(description()),
    }


def main() -> int:
    """Write the files, and name those that changed."""
    for path, text in generated().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
