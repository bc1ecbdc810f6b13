"""dbt as `dbt-wait` starts it: its own command line, in a Python that suits it.

A build makes millions of small objects and has two threads that hand Python's lock to each other.
Both cost a tenth of its processor time with Python's usual settings. So does making a line of each
of thousands of events that no log asks for. What is made anew for each node takes as long again:
messages of events, a thousand callable macros, and the patterns of dates. `benchmarks/nights`
measures it.
"""

from __future__ import annotations

import gc
import sys
from functools import cache
from typing import Any

import parsedatetime  # type: ignore[import-not-found] # of dbt's environment
from dbt.cli.main import cli  # type: ignore[import-not-found]
from dbt.clients.jinja import MacroGenerator  # type: ignore[import-not-found]
from dbt.context import macros  # type: ignore[import-not-found]
from dbt_common.events.base_types import (  # type: ignore[import-not-found]
    BaseEvent,
    EventLevel,
)
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


def _make_messages_when_read() -> None:
    """Have the message of an event made when it is first read: of most events it never is."""
    make = BaseEvent.__init__

    def keep(event: Any, *args: Any, **values: Any) -> None:  # noqa: ANN401
        vars(event)["given"] = args, values

    def read(event: Any, name: str) -> Any:  # noqa: ANN401
        if name == "pb_msg":
            args, values = vars(event)["given"]
            make(event, *args, **values)
            return vars(event)[name]
        return getattr(event.pb_msg, name)

    BaseEvent.__init__, BaseEvent.__getattr__ = keep, read


def _init_macro(
    call: Any,  # noqa: ANN401
    macro: Any,  # noqa: ANN401
    context: Any = None,  # noqa: ANN401
    node: Any = None,  # noqa: ANN401
    stack: Any = None,  # noqa: ANN401
) -> None:
    """Do what dbt's three constructors of a callable macro do, in one."""
    call.macro, call.context, call.node, call.stack = macro, context, node, stack


class _Macros(macros.MacroNamespace):  # type: ignore[misc] # no types
    """The macros that a node may call, each looked for in dbt's order once."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **options)
        self._found: dict[str, Any] = {}
        for names in reversed(list(self._search_order())):
            self._found.update(names)

    def _keys(self) -> Any:  # noqa: ANN401
        return self._found.keys()

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401
        return self._found[name]


def prepare() -> None:
    """Give this process the settings that suit dbt."""
    _make_messages_when_read()
    macros.MacroNamespace = _Macros
    MacroGenerator.__init__ = _init_macro
    # They depend on the locale alone; two for each result of a query are made otherwise.
    parsedatetime.Constants = cache(parsedatetime.Constants)
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
