"""dbt as `dbt-wait` starts it: its own command line, in a Python that suits it.

A build makes millions of small objects and has two threads that hand Python's lock to each other.
Both cost a tenth of its processor time with Python's usual settings; `benchmarks/nights` measures
it.
"""

from __future__ import annotations

import gc
import sys

#: Objects after which Python looks for cycles among the youngest (usually 700 or 2,000).
YOUNG_OBJECTS = 50_000
#: Seconds after which a thread that waits for Python's lock takes it from another (usually 0.005).
SWITCH_SECONDS = 0.05


def main() -> None:
    """Run dbt with the arguments of this process.

    Raises:
        SystemExit: With dbt's own exit code.
    """
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
    sys.setswitchinterval(SWITCH_SECONDS)
    sys.argv[0] = "dbt"
    from dbt.cli.main import (  # type: ignore[import-not-found]  # noqa: PLC0415 - of dbt's environment
        cli,
    )

    cli()


if __name__ == "__main__":
    main()
