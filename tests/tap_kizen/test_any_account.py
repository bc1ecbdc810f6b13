"""Any account, however its lists behave, is held whole by whoever takes the tap at its word."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tap_kizen.reading import KizenStream
from tap_kizen.timestamps import to_utc
from tests.programs import run_tap
from tests.tap_kizen.plain_service import EPOCH, THINGS, Account, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.programs import Outcome
    from tests.tap_kizen.plain_service import Service


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with serving() as running:
        yield running


class Tables:
    """What the messages say, taken literally."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, tuple[dict[str, Any], int]]] = {"companies": {}, THINGS: {}}
        # The row that was the latest may have been archived since.
        self.latest = to_utc(EPOCH)

    def take(self, outcome: Outcome) -> None:
        came: set[tuple[str, str]] = set()
        for message in outcome.messages:
            stream = message.get("stream", "")
            records = [message["record"]] if message["type"] == "RECORD" else []
            for file in message.get("manifest", ()):
                text = Path(urlsplit(file).path).read_text(encoding="utf-8")
                records += map(json.loads, text.split("\n")[:-1])
            for record in records if stream in self.rows else ():
                assert (stream, record["id"]) not in came
                came.add((stream, record["id"]))
                self.rows[stream][record["id"]] = (record, message["version"])
            if message["type"] == "ACTIVATE_VERSION" and stream in self.rows:
                rows, version = self.rows[stream], message["version"]
                self.rows[stream] = {key: row for key, row in rows.items() if row[1] == version}
            if message["type"] == "STATE":
                self._check_bookmark(message["value"])

    def _check_bookmark(self, state: Any) -> None:
        reached = state["bookmarks"].get(THINGS, {}).get("replication_key_value", to_utc(EPOCH))
        sent = [record["updated"] for record, _ in self.rows[THINGS].values()]
        self.latest = max([*sent, self.latest])
        assert reached <= self.latest

    def check(self, account: Account, *, is_whole: bool) -> None:
        things, companies = self.rows[THINGS], self.rows["companies"]
        for row in account.things.rows:
            found = things[row["id"]][0]
            assert found["text"] == row["text"]
            assert found["created"] == to_utc(row["created"])
            assert found["updated"] == to_utc(row["updated"])
            assert found["additional_fields"] == {"access": {"view": True}}
        for row in account.companies.rows:
            found = companies[row["id"]][0]
            assert found["name"] == row["text"]
            assert datetime.fromisoformat(found["created"].replace("Z", "+00:00")) == row["created"]
            assert found["additional_fields"] == {"more": [1]}
        assert len(companies) == len(account.companies.rows)
        assert not is_whole or len(things) == len(account.things.rows)


@given(seed=st.integers(0, 2**32))
# A seed says nothing that a smaller one would say better.
@settings(max_examples=16, deadline=None, derandomize=True, phases=[Phase.generate])
def test_any_account_is_held_whole(service: Service, seed: int) -> None:
    rng = Random(seed)  # noqa: S311
    account = service.account = Account(rng)
    tables = Tables()
    state = None
    with TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        if rng.random() < 0.3:
            # Record by record, as where something is deselected.
            patch.setattr(KizenStream, "has_rows", property(lambda _: False))
        files = {
            "encoding": {"format": "jsonl", "compression": "none"},
            "storage": {"root": f"file://{name}/files"},
            "batch_size": rng.choice([1, 5, 100]),
        }
        config = {
            "api_url": service.url,
            **dict.fromkeys(("api_key", "user_id", "business_id"), "any"),
            "rate_limit": 1000,
            "page_size": rng.randrange(1, 6),
            "concurrent_requests": rng.choice([1, 2, 8]),
            "lookback_seconds": rng.choice([0, 10]),
        }
        for is_whole in (True, False, False, True):
            batches = {"batch_config": files} if rng.random() < 0.5 else {}
            state = None if is_whole else state
            outcome = run_tap("tap_kizen", {**config, **batches}, Path(name), state=state)
            assert outcome.code == 0, outcome.err
            tables.take(outcome)
            tables.check(account, is_whole=is_whole)
            state = outcome.state
            account.change()
