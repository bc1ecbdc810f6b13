"""Try both sources as Airbyte's own tools use them, on the sandbox.

The CDK's standard tests and PyAirbyte each run in an environment of their own.

Usage: python -m tools.airbyte_check PYTHON_WITH_THE_CDK PYTHON_WITH_PYAIRBYTE
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sandbox.server import Options, Sandbox, running

ROOT = Path(__file__).resolve().parent.parent
PACKAGING = ROOT / "packaging" / "airbyte"
CHECKS = PACKAGING / "checks"
BIN = Path(sys.executable).parent

OPTIONS = Options(contacts=1200, companies=120, rate_limit=0)


def settings_of(server: Sandbox) -> dict[str, dict[str, Any]]:
    """Give the settings of each source, by its name."""
    credentials = server.credentials
    return {
        "source-kananas": {
            "api_url": server.kananas_url,
            "secret_key": credentials.kananas_token,
        },
        "source-kizen": {
            "api_url": server.kizen_url,
            "api_key": credentials.kizen_api_key,
            "user_id": credentials.kizen_user_id,
            "business_id": credentials.kizen_business_id,
            "rate_limit": 1000,
            "page_size": 50,
        },
    }


def counts_of(server: Sandbox, name: str) -> dict[str, int]:
    """Give how many records each stream of a source must have."""
    if name == "source-kananas":
        return {"contacts": server.options.contacts}
    return server.account.crm.counts


def prepare(folder: Path, name: str, settings: dict[str, Any]) -> Path:
    """Copy the packaging of a source, with settings for its tests, and give the copy."""
    copy = folder / name
    shutil.copytree(PACKAGING / name, copy)
    secrets = copy / "secrets"
    secrets.mkdir()
    key = "secret_key" if "secret_key" in settings else "api_key"
    for file, content in {
        "config.json": settings,
        "invalid_config.json": {**settings, key: "an-invalid-key"},
    }.items():
        (secrets / file).write_text(json.dumps(content), encoding="utf-8")
    return copy


def example() -> str:
    """Give the example of the documentation, with the program of this environment."""
    page = (ROOT / "docs" / "airbyte.md").read_text(encoding="utf-8")
    code = page.split("<!-- pyairbyte -->\n```python\n")[1].split("```")[0]
    before, program, after = code.partition("sources/bin/source-kizen")
    if not program:
        message = "the example names another program"
        raise ValueError(message)
    return f"{before}{BIN / 'source-kizen'}{after}"


def main() -> int:
    """Run everything; 1 if anything failed."""
    cdk, pyairbyte = sys.argv[1:]
    codes = []
    with running(OPTIONS) as server, TemporaryDirectory() as name_of_folder:
        folder = Path(name_of_folder)
        # Nothing is sent to anybody, and nothing asked of a registry.
        quiet = {
            **os.environ,
            "DO_NOT_TRACK": "1",
            "AIRBYTE_OFFLINE_MODE": "1",
            "AIRBYTE_LOGGING_ROOT": str(folder / "logs"),
        }
        for name, settings in settings_of(server).items():
            copy = prepare(folder, name, settings)
            program = str(BIN / name)
            print(f"{name}: the CDK's standard tests", flush=True)
            tests = [cdk, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
            codes.append(
                subprocess.run(  # noqa: S603
                    [*tests, str(CHECKS)],
                    env={**quiet, "SOURCE_PROGRAM": program, "SOURCE_FOLDER": str(copy)},
                    cwd=folder,
                    check=False,
                ).returncode
            )
            print(f"{name}: PyAirbyte", flush=True)
            counts = folder / f"{name}.counts.json"
            counts.write_text(json.dumps(counts_of(server, name)), encoding="utf-8")
            files = [copy / "secrets" / file for file in ("config.json", "invalid_config.json")]
            cache = folder / f"{name}.duckdb"
            codes.append(
                subprocess.run(  # noqa: S603
                    [pyairbyte, CHECKS / "read_with_pyairbyte.py", program, *files, counts, cache],
                    env=quiet,
                    cwd=folder,
                    check=False,
                ).returncode
            )
        print("The example of docs/airbyte.md", flush=True)
        shutil.copy(copy / "secrets" / "config.json", folder / "kizen.json")
        command = [pyairbyte, "-c", example()]
        codes.append(subprocess.run(command, env=quiet, cwd=folder, check=False).returncode)  # noqa: S603
    print("Failed" if any(codes) else "Everything passed", flush=True)
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
