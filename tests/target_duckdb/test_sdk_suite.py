"""The Singer SDK's own tests of targets, and the message files it ships without a default test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from singer_sdk.testing import SuiteConfig, get_target_test_class
from singer_sdk.testing.suites import SingerTestSuite
from singer_sdk.testing.templates import TargetFileTestTemplate

from target_duckdb.message_errors import RecordError
from target_duckdb.target import TargetDuckDB

# The SDK's runner opens message files and leaves them to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def query(runner: Any, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(runner.config["path"], read_only=True) as connection:
        return connection.execute(sql).fetchall()


class MultipleStateMessages(TargetFileTestTemplate):
    """Only the state that stands for everything committed is passed on."""

    name = "multiple_state_messages"

    def test(self) -> None:
        self.runner.sync_all()
        assert self.runner.stdout == (
            '{"test_multiple_state_messages_a": 5, "test_multiple_state_messages_b": 6}\n'
        )
        for letter in "ab":
            rows = query(
                self.runner, f'SELECT count(*) FROM "test_multiple_state_messages_{letter}"'
            )
            assert rows == [(6,)]


class RecordMissingRequiredProperty(TargetFileTestTemplate):
    """A property the schema requires is missed, and nothing is loaded."""

    name = "record_missing_required_property"

    def test(self) -> None:
        with pytest.raises(RecordError, match="line 2: the required property 'id' is missing"):
            self.runner.sync_all()
        assert not Path(self.runner.config["path"]).exists()


class NoPrimaryKeysAppend(TargetFileTestTemplate):
    """A stream without a key grows with every run."""

    name = "no_primary_keys_append"

    def test(self) -> None:
        self.runner.sync_all()
        with self.singer_filepath.open(encoding="utf-8") as again:
            self.runner.target_input = again
            self.runner.sync_all()
        rows = query(self.runner, "SELECT id, metric FROM test_no_pk ORDER BY id, metric")
        assert rows == [(n, n * 101) for n in range(1, 6) for _ in "12"]


class UserLocationUpsert(TargetFileTestTemplate):
    """Rows of the same key are replaced, others stay."""

    name = "user_location_upsert_data"

    def test(self) -> None:
        with self.singer_filepath.with_name("user_location_data.singer").open() as first:  # type: ignore[attr-defined]
            self.runner.target_input = first
            self.runner.sync_all()
        with self.singer_filepath.open(encoding="utf-8") as second:
            self.runner.target_input = second
            self.runner.sync_all()
        assert query(self.runner, "SELECT id, name FROM test_users ORDER BY id") == [
            (1, "Johny"), (2, "George"), (3, "Jacob"), (4, "Josh"), (5, "Jim"),
            (8, "Thomas"), (12, "Paul"), (13, "Mary"),
        ]  # fmt: skip
        assert query(self.runner, "SELECT id, name FROM test_locations ORDER BY id") == [
            (1, "Philly"), (2, "NY"), (3, "San Francisco"), (6, "Colorado"), (8, "Boston"),
        ]  # fmt: skip
        pairs = "SELECT id, user_id, location_id FROM test_user_in_location ORDER BY id"
        assert query(self.runner, pairs) == [
            (1, 1, 4), (2, 2, 3), (3, 1, 3), (6, 3, 2), (14, 4, 1),
        ]  # fmt: skip


OWN_TESTS: SingerTestSuite[Any] = SingerTestSuite(
    kind="target",
    tests=[
        MultipleStateMessages,
        NoPrimaryKeysAppend,
        RecordMissingRequiredProperty,
        UserLocationUpsert,
    ],
)

CONFIG: dict[str, Any] = {}
SDKTests = get_target_test_class(
    TargetDuckDB, config=CONFIG, custom_suites=[OWN_TESTS], suite_config=SuiteConfig()
)


class TestTargetDuckDB(SDKTests):  # type: ignore[misc, valid-type]
    """All of them, each with a database of its own."""

    @pytest.fixture
    def resource(self, tmp_path: Path) -> None:
        CONFIG["path"] = str(tmp_path / "test.duckdb")
