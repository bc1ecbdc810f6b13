"""Run the whole suite on every supported Python that is present on this machine.

Each Python gets environments of its own below `.matrix/`, which stay for the next time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = ("3.10", "3.11", "3.12", "3.13")


def candidates(version: str) -> list[str]:
    """Give the commands that may be this Python: on PATH, or put there by pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    found = [shutil.which(f"python{version}")]
    found += [str(path / "bin" / "python") for path in sorted(pyenv.glob(f"{version}.*"))]
    return [command for command in found if command]


def is_python(command: str, version: str) -> bool:
    """Tell whether a command really starts that Python: a shim may not."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([command, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip() == version


def main() -> int:
    """Run the suites one after the other; 1 if one failed."""
    failed = False
    for version in VERSIONS:
        python = next((c for c in candidates(version) if is_python(c, version)), None)
        if python is None:
            print(f"Python {version}: not on this machine", flush=True)
            continue
        print(f"Python {version}: {python}", flush=True)
        folder = f".matrix/{version}"
        goal = ["make", "test", f"PYTHON={python}"]
        goal += [f"{name}={folder}/{name.lower()}" for name in ("VENV", "DEV", "DBT")]
        done = subprocess.run(goal, cwd=ROOT, check=False)  # noqa: S603
        print(f"Python {version}: {'failed' if done.returncode else 'passed'}", flush=True)
        failed = failed or done.returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
