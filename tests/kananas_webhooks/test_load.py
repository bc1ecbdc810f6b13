"""Every event that was answered 202 is in DuckDB, once; also when the receiver is killed.

`make check-webhooks` is the same for a minute and ten kills.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.kananas_webhooks.load import Load, check
from tests.kananas_webhooks.receivers import ReceiverProcess, Warehouse

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox


def test_no_event_is_lost_and_none_comes_twice(tmp_path: Path, shared_sandbox: Sandbox) -> None:
    with ReceiverProcess(tmp_path / "receiver") as receiver:
        steady = Load(receiver, rate=200, seconds=2).run()
        assert (len(steady.accepted), steady.others) == (400, [])
        disturbed = Load(receiver, rate=200, seconds=3, first_id=1000).run(kills=2)
        assert disturbed.accepted
        warehouse = Warehouse.of(tmp_path / "warehouse", shared_sandbox, receiver.store)
        accepted = steady.accepted | disturbed.accepted
        warehouse.load()
        rows = check(receiver, warehouse, accepted)
        later = Load(receiver, rate=200, seconds=0.1, first_id=2000).run()
        assert len(later.accepted) == 20
        warehouse.load()
        assert check(receiver, warehouse, accepted | later.accepted) == rows + 20
