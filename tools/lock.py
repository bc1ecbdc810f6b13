"""Compile the requirement files: every version of every environment, for every platform.

Usage: python tools/lock.py PATH_OF_UV
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

PLUGINS = {
    "tap-kananas": ["pyproject.toml"],
    "tap-kizen": ["pyproject.toml"],
    "target-duckdb": ["pyproject.toml", "--extra=duckdb"],
    "parquet": ["pyproject.toml", "--extra=parquet"],
    "webhooks": ["pyproject.toml", "--extra=webhooks"],
    "console": ["pyproject.toml", "--extra=console"],
    "dbt": ["--group=dbt"],
    "spark": ["--group=spark"],
    "splink": ["--group=splink"],
    "people": ["--group=people"],
    "registers": ["--group=registers"],
    "s3": ["--group=s3"],
    "dagster": ["--group=dagster"],
    "airflow": ["--group=airflow"],
    "seeds": ["--group=seeds"],
    "lake": ["--group=lake"],
    "uv": ["--group=uv"],
    "zizmor": ["--group=zizmor"],
    "meltano": [
        "pyproject.toml",
        "--group=meltano",
        "--extra=console",
        "--extra=duckdb",
        "--extra=sandbox",
        "--extra=webhooks",
    ],
    "airbyte-cdk": ["--group=airbyte-cdk"],
    "bench-sdk-tap": ["--group=bench-sdk-tap"],
    "bench-public-target": ["--group=bench-public-target"],
    "bench-dlt": ["--group=bench-dlt"],
    "bench-pyairbyte": ["--group=bench-pyairbyte"],
    "real-meltanolabs-tap-postgres": ["--group=real-meltanolabs-tap-postgres"],
    "real-pipelinewise-tap-postgres": ["--group=real-pipelinewise-tap-postgres"],
    "real-pipelinewise-tap-mysql": ["--group=real-pipelinewise-tap-mysql"],
    "real-meltanolabs-target-postgres": ["--group=real-meltanolabs-target-postgres"],
    "dev": ["pyproject.toml", "--group=dev", "--all-extras"],
}


def main() -> int:
    """Compile each file, and stop at the first that cannot be solved."""
    (uv,) = sys.argv[1:]
    for name, sources in PLUGINS.items():
        output = f"requirements/{name}.txt"
        print(output, flush=True)
        subprocess.run(  # noqa: S603
            [
                Path(uv).absolute(),
                *("pip", "compile", "--quiet", "--upgrade", "--universal"),
                *("--python-version=3.10", "--generate-hashes", "--no-annotate"),
                "--custom-compile-command=make lock",
                f"--output-file={output}",
                *sources,
            ],
            cwd=ROOT,
            check=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
