"""The decisions file loses nothing that was said to be saved."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from console.decisions.decision import Decision, DecisionError
from console.decisions.file import DecisionsFile, DecisionsFileError, default_path

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[3]
MOMENT = datetime(2026, 11, 29, 12, 0, 0, 123456, tzinfo=timezone.utc)


def decision(number: int = 1, **values: Any) -> Decision:
    given: dict[str, Any] = {
        "id": f"d{number}",
        "kind": "company_link",
        "decision": "force",
        "contact_id": str(number),
        "company_id": "a",
        "decided_at": MOMENT,
        **values,
    }
    return Decision(**given)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a new folder" / "decisions.jsonl"


def test_a_line_is_an_object_of_the_fields_that_are_there(path: Path) -> None:
    local = MOMENT.astimezone(timezone(timedelta(hours=5)))
    DecisionsFile(path).append([decision(author=" Ida\n", reason="", decided_at=local)])
    assert json.loads(path.read_text("utf-8")) == {
        "id": "d1",
        "kind": "company_link",
        "decision": "force",
        "contact_id": "1",
        "company_id": "a",
        "author": "Ida",
        "decided_at": "2026-11-29T12:00:00.123456Z",
    }
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_was_written_is_read_by_others_and_only_once(path: Path) -> None:
    one, other = DecisionsFile(path), DecisionsFile(path)
    assert other.read() == []
    one.append([decision(1), decision(2, reason="« é » \N{PARTY POPPER}  {{ 1 }}")])
    assert other.read() == [decision(1), decision(2, reason="« é » \N{PARTY POPPER}  {{ 1 }}")]
    other.append([decision(3)])
    assert [each.id for each in one.read()] == ["d1", "d2", "d3"]
    assert one.unreadable() == []


def test_a_file_that_was_put_in_its_place_is_read_anew(path: Path) -> None:
    file = DecisionsFile(path)
    file.append([decision(1), decision(2)])
    assert len(file.read()) == 2
    path.rename(path.with_name("kept"))
    assert file.read() == []
    file.append([decision(3)])
    assert file.read() == [decision(3)]


@pytest.mark.parametrize("torn", [b'{"id":"x","kind":"comp', b"\0\0\0\0", b"\xff\xfe"])
def test_half_a_line_is_told_and_swallows_no_other(path: Path, torn: bytes) -> None:
    file = DecisionsFile(path)
    file.append([decision(1)])
    with path.open("ab") as end:
        end.write(torn)
    assert [each.id for each in file.read()] == ["d1"]
    assert [(line.number, line.reason) for line in file.unreadable()] == [
        (2, "the line has no end")
    ]
    file.append([decision(2)])
    for reader in (file, DecisionsFile(path)):
        assert [each.id for each in reader.read()] == ["d1", "d2"]
        assert [line.number for line in reader.unreadable()] == [2]


def test_a_line_that_lacks_no_more_than_its_end_counts(path: Path) -> None:
    DecisionsFile(path).append([decision(1), decision(2)])
    path.write_bytes(path.read_bytes()[:-1])
    file = DecisionsFile(path)
    assert [each.id for each in file.read()] == ["d1", "d2"]
    assert file.unreadable() == []
    file.append([decision(3)])
    assert [each.id for each in file.read()] == ["d1", "d2", "d3"]


def test_lines_of_others_that_are_no_decisions_are_told_with_their_number(path: Path) -> None:
    path.parent.mkdir()
    good = {"id": "d", "kind": "company_link", "contact_id": "1", "company_id": "a"}
    bad: list[dict[str, Any]] = [
        {**good, "decision": "frce", "decided_at": "2026-01-01T00:00:00Z"},
        {**good, "decision": "force", "decided_at": "yesterday"},
        {**good, "decision": "force", "decided_at": "2026-01-01T00:00:00Z", "company_id": " "},
    ]
    right = {**good, "decision": "force", "decided_at": "2026-01-01T00:00:00", "new": [1]}
    path.write_text("\n".join(["", *map(json.dumps, [*bad, right]), "7", ""]), "utf-8")
    file = DecisionsFile(path)
    (read,) = file.read()
    assert read.decided_at == datetime(2026, 1, 1, tzinfo=timezone.utc)
    assert [line.number for line in file.unreadable()] == [2, 3, 4, 6]
    assert file.unreadable()[2].reason == "company_id is empty"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"contact_id": None}, "contact_id is empty"),
        ({"company_id": ""}, "company_id is empty"),
        ({"decision": "undo"}, "undoes is empty"),
        ({"kind": "person_link"}, "kizen_contact_id is empty"),
        ({"kind": "company_duplicate", "left_id": "a", "right_id": "a"}, "are the same"),
        ({"kind": "company_alias"}, "a company_alias can only forbid it"),
        ({"reason": "x" * 4001}, "reason is longer than 4000"),
        ({"reason": "\ud800"}, "reason holds half a character"),
    ],
)
def test_a_decision_that_is_not_whole_is_refused_with_all_others_of_its_action(
    path: Path, values: dict[str, Any], message: str
) -> None:
    file = DecisionsFile(path)
    with pytest.raises(DecisionError, match=message):
        file.append([decision(1), decision(2, **values)])
    assert file.read() == []


def _start(path: Path, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.console.decisions.appending", str(path), name],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_nothing_that_was_saved_is_lost_when_writers_are_killed(path: Path) -> None:
    """Two at a time, killed in the midst of it, and again."""
    saved: set[str] = set()
    for turn in range(2):
        writers = [_start(path, f"{turn} {name}") for name in "ab"]
        for writer in writers:
            assert writer.stdout
            for _ in range(10):
                saved.add(writer.stdout.readline().strip())
        for writer in writers:
            writer.kill()
            out, _ = writer.communicate()
            saved |= {line for line in out.splitlines(keepends=False) if len(line) == 16}
    DecisionsFile(path).append([decision(1)])
    file = DecisionsFile(path)
    found = [each.id for each in file.read()]
    assert len(saved) >= 40
    assert saved | {"d1"} <= set(found)
    assert len(found) == len(set(found))


def test_a_file_that_another_process_holds_is_waited_for_and_then_told(path: Path) -> None:
    file = DecisionsFile(path, lock_timeout=0.1)
    file.append([decision(1)])
    with path.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(DecisionsFileError, match=r"not saved: .*another process holds it"):
            file.append([decision(2)])
    file.append([decision(3)])
    assert [each.id for each in file.read()] == ["d1", "d3"]


def _no_space(_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _half_then_no_space() -> Callable[[int, bytes], int]:
    real = os.write
    calls = 0

    def write(descriptor: int, content: bytes) -> int:
        nonlocal calls
        calls += 1
        if calls > 1:
            _no_space(None)
        return real(descriptor, content[:10])

    return write


@pytest.mark.parametrize("what", ["write", "fsync"])
def test_a_full_disk_is_told_and_what_is_not_saved_is_not_there(
    path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    file = DecisionsFile(path)
    file.append([decision(1)])
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, what, _half_then_no_space() if what == "write" else _no_space)
        with pytest.raises(DecisionsFileError, match=r"not saved: .*No space left on device"):
            file.append([decision(2), decision(3)])
    assert path.read_bytes() == before
    file.append([decision(4)])
    assert [each.id for each in file.read()] == ["d1", "d4"]


def test_a_disk_that_is_full_indeed() -> None:
    with pytest.raises(DecisionsFileError, match="not saved: /dev/full: No space left on device"):
        DecisionsFile(Path("/dev/full")).append([decision(1)])


def test_a_folder_in_its_place_is_told(tmp_path: Path) -> None:
    file = DecisionsFile(tmp_path)
    with pytest.raises(DecisionsFileError, match=r"not saved: .*Is a directory"):
        file.append([decision(1)])
    with pytest.raises(DecisionsFileError, match=r"cannot read .*Is a directory"):
        file.read()


def test_where_decisions_are_kept(tmp_path: Path) -> None:
    assert default_path({}) == Path("output/prod/decisions.jsonl")
    environment = {"MELTANO_PROJECT_ROOT": str(tmp_path), "MELTANO_ENVIRONMENT": "dev"}
    assert default_path(environment) == tmp_path / "output/dev/decisions.jsonl"
    assert default_path({**environment, "DUCKDB_DECISIONS_PATH": "/x/y.jsonl"}) == Path(
        "/x/y.jsonl"
    )
