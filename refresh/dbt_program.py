"""dbt as `dbt-wait` starts it: its own command line, in a Python that suits it.

A build makes millions of small objects and has two threads that hand Python's lock to each other.
Both cost a tenth of its processor time with Python's usual settings. So does making a line of each
of thousands of events that no log asks for. `benchmarks/nights` measures it.
"""

from __future__ import annotations

import gc
import sys
from typing import Any

from dbt.cli.main import cli  # type: ignore[import-not-found] # of dbt's environment
from dbt_common.events.base_types import EventLevel  # type: ignore[import-not-found]
from dbt_common.events.event_manager import EventManager  # type: ignore[import-not-found]
from dbt_common.events.event_manager_client import (  # type: ignore[import-not-found]
    ctx_set_event_manager,
)

#: Objects after which Python looks for cycles among the youngest (usually 700 or 2,000).
YOUNG_OBJECTS = 50_000
#: Seconds after which a thread that waits for Python's lock takes it from another (usually 0.005).
SWITCH_SECONDS = 0.05

_OF_DEBUGGING = (EventLevel.TEST, EventLevel.DEBUG)


class _Events(EventManager):  # type: ignore[misc] # no types
    """dbt's events, without those for debugging where no log takes them."""

    def fire_event(self, e: Any, level: Any = None, *args: Any, **options: Any) -> None:  # noqa: ANN401
        """Write an event, as dbt's own does."""
        is_wanted = (level or e.level_tag()) not in _OF_DEBUGGING or any(
            logger.level in _OF_DEBUGGING for logger in self.loggers
        )
        if is_wanted:
            super().fire_event(e, level, *args, **options)


def prepare() -> None:
    """Give this process the settings that suit dbt."""
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
    sys.setswitchinterval(SWITCH_SECONDS)
    ctx_set_event_manager(_Events())


def main() -> None:
    """Run dbt with the arguments of this process.

    Raises:
        SystemExit: With dbt's own exit code.
    """
    prepare()
    sys.argv[0] = "dbt"
    try:
        cli()
    finally:
        # As it ends, Python would look for cycles among all that dbt has made, several times.
        gc.freeze()


if __name__ == "__main__":
    main()
