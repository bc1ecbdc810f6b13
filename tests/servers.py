"""The stand-in that tests share when they do not change it.

The SDK's suites discover streams while tests are collected, so a server must be there
before the first fixture is.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import cache

from sandbox.server import Options, Sandbox, running

SMALL = Options(contacts=120, companies=45, rate_limit=0)

_open = ExitStack()


@cache
def shared_sandbox() -> Sandbox:
    """Give a small account that no test changes, served until the run ends."""
    return _open.enter_context(running(SMALL))


def stop() -> None:
    """Stop what was started."""
    _open.close()
