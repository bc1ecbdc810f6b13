"""`make check-faults`: random streams, loaded by a target that random faults interrupt.

Each round draws streams of several kinds: with a key and deletes, without a key, and whole tables
by version; schemas grow and widen on the way. A target loads them and is killed, told to stop, cut
off from its tap, kept from the file by a lock, or left without room on its disk. It is then run
again from the last STATE that came out, until one run goes through.

After each run the table has to be what plain Python makes of the rows that were there before and of
the messages up to one STATE, at or after the last one that came out: nothing lost, nothing twice.

The target is run as `python -m target_duckdb` is, in a fork of this process, which has imported all
of it and never opens a database itself. The seed is printed; `--seed` and `--first` repeat a round.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import pickle
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from target_duckdb.doublewrite import restore
from tests.target_duckdb.forks import forked, import_all, run_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Row = tuple[str | None, ...]
Table = Counter[Row]
Content = dict[str, Table]

KINDS = ("killed", "killed in a commit", "told to stop", "cut off", "locked", "file limit", "full")
COLUMNS = ("id", "v", "extra")
"""Those of every table; `extra` comes with a later SCHEMA, `v` becomes text there."""

VERSION = 1_700_000_000_000
ROOM = 48 << 20
DATABASE = "faults.duckdb"


class FaultError(Exception):
    """A table is not what it has to be, or a run did not end as it has to."""


@dataclass
class Message:
    """A message, and what it does to its table."""

    kind: str
    stream: str = ""
    key: int = 0
    value: Any = None
    extra: Any = None
    is_delete: bool = False


@dataclass
class Load:
    """What a round loads: `schema` is the kind of a stream, `late` whether its SCHEMA has grown."""

    messages: list[Message] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=dict)

    def line(self, message: Message, attempt: int, *, late: bool) -> dict[str, Any]:
        """The message as a tap writes it."""
        if message.kind == "STATE":
            return {"type": "STATE", "value": {"sent": message.key}}
        kind = self.kinds[message.stream]
        if message.kind == "SCHEMA":
            return _schema(message.stream, kind, late=late)
        version = {"version": VERSION + 1000 * attempt + message.key} if kind == "whole" else {}
        if message.kind == "ACTIVATE_VERSION":
            return {"type": message.kind, "stream": message.stream, **version}
        if kind == "whole":
            version = {"version": VERSION + 1000 * attempt + message.extra}
        record: dict[str, Any] = {"id": message.key, "v": message.value}
        if late and kind != "whole":
            record["v"] = None if message.value is None else str(message.value)
            record["extra"] = message.extra
        if message.is_delete:
            record["_sdc_deleted_at"] = "2024-01-02T03:04:05Z"
        return {"type": "RECORD", "stream": message.stream, "record": record, **version}


def _schema(stream: str, kind: str, *, late: bool) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "id": {"type": "integer"},
        "v": {"type": ["null", "string"] if late else ["null", "integer"]},
        "extra": {"type": ["null", "array"]},
    }
    if kind == "keyed":
        properties["_sdc_deleted_at"] = {"type": ["null", "string"], "format": "date-time"}
    if not late and kind != "whole":
        del properties["extra"]
    keys = [] if kind == "keyless" else ["id"]
    body = {"type": "object", "properties": properties}
    return {"type": "SCHEMA", "stream": stream, "schema": body, "key_properties": keys}


def draw(chance: random.Random) -> tuple[Load, dict[str, bool], int]:
    """A load, the streams whose SCHEMA grows, and the place of the growth."""
    load = Load()
    for number in range(chance.randint(1, 3)):
        load.kinds[f"s{number}"] = chance.choice(["keyed", "keyed", "keyless", "whole"])
    length = chance.choice([10, 50, 200])
    growth = chance.randrange(length)
    version = 0
    while len(load.messages) < length:
        stream = chance.choice(list(load.kinds))
        kind = load.kinds[stream]
        if kind == "whole":
            version += 1
            ids = chance.sample(range(60), chance.randrange(30))
            load.messages += [
                Message("RECORD", stream, key, chance.randrange(1000), extra=version) for key in ids
            ]
            load.messages.append(Message("ACTIVATE_VERSION", stream, key=version))
        for _ in range(chance.randrange(1, 40) if kind != "whole" else 0):
            key = chance.randrange(80) if kind == "keyed" else len(load.messages)
            value = chance.choice([None, chance.randrange(-(2**63), 2**63), chance.randrange(9)])
            load.messages.append(
                Message(
                    "RECORD",
                    stream,
                    key,
                    value,
                    extra=[chance.choice(["ü", '"', None, "x" * chance.choice([1, 5000])])],
                    is_delete=kind == "keyed" and chance.random() < 0.1,
                )
            )
        if chance.random() < 0.5:
            load.messages.append(Message("STATE", key=len(load.messages)))
    grown = {name: kind != "whole" and chance.random() < 0.5 for name, kind in load.kinds.items()}
    return load, grown, growth


def is_late(load: Load, grown: dict[str, bool], growth: int, place: int) -> dict[str, bool]:
    """Which streams have their later SCHEMA at a place of the load."""
    return {name: grown[name] and place >= growth for name in load.kinds}


def lines(  # noqa: PLR0913, PLR0917
    load: Load, grown: dict[str, bool], growth: int, begin: int, attempt: int, end: int
) -> list[bytes]:
    """What a tap sends that goes on at a place."""
    late = is_late(load, grown, growth, begin)
    first = [Message("SCHEMA", name) for name in load.kinds]
    sent = [(load.line(message, attempt, late=late[message.stream])) for message in first]
    for place in range(begin, end):
        now = is_late(load, grown, growth, place)
        sent += [
            load.line(Message("SCHEMA", name), attempt, late=True)
            for name in load.kinds
            if now[name] != late[name]
        ]
        late = now
        message = load.messages[place]
        sent.append(load.line(message, attempt, late=late.get(message.stream, False)))
    return [json.dumps(one).encode() + b"\n" for one in sent]


def apply(  # noqa: PLR0913, PLR0917
    base: Content, load: Load, grown: dict[str, bool], growth: int, begin: int, end: int
) -> Content:
    """What plain Python makes of rows and messages."""
    result = {name: Counter(base.get(name, Counter())) for name in load.kinds}
    whole: dict[str, dict[int, Row]] = {}
    for place in range(begin, end):
        message = load.messages[place]
        if message.kind == "STATE":
            continue
        table = result[message.stream]
        kind = load.kinds[message.stream]
        late = is_late(load, grown, growth, place)[message.stream]
        row = _row(message, has_extra=late and kind != "whole")
        if message.kind == "ACTIVATE_VERSION":
            result[message.stream] = Counter(whole.pop(message.stream, {}).values())
        elif kind == "whole":
            whole.setdefault(message.stream, {})[message.key] = row
        else:
            if kind == "keyed":
                for old in [one for one in table if one[0] == row[0]]:
                    del table[old]
            if not message.is_delete:
                table[row] += 1
    for stream, rows in whole.items():  # of a read that never came to its end
        by_key = {row[0]: row for row in [*result[stream], *rows.values()]}
        result[stream] = Counter(by_key.values())
    return result


def _row(message: Message, *, has_extra: bool) -> Row:
    extra = None
    if has_extra and message.extra is not None:
        extra = json.dumps(message.extra)
    return str(message.key), None if message.value is None else str(message.value), extra


def read(database: Path, names: list[str]) -> Content:
    """All rows of the tables, as texts; those of no file are none."""

    def opened() -> Any:
        import duckdb  # noqa: PLC0415 (this process never opens a database, a fork of it does)

        restore(database)
        return duckdb.connect(str(database), read_only=True)

    return read_by(opened, database.with_name("answer"), names) if database.exists() else {}


def read_by(opened: Callable[[], Any], answer: Path, names: list[str]) -> Content:
    """The same of the database that a connection uses.

    Args:
        opened: Returns the connection; called in a fork of this process.
        answer: A file through which the fork answers.
        names: Names of the tables.
    """

    def work() -> int:
        found: Content = {}
        with opened() as connection:
            for name in names:
                columns = dict(
                    connection.execute(
                        "SELECT column_name, 1 FROM duckdb_columns() "
                        "WHERE table_name = ? AND database_name = current_database()",
                        [name],
                    ).fetchall()
                )
                if columns:
                    shown = ", ".join(
                        f"{column}::VARCHAR" if column in columns else "NULL" for column in COLUMNS
                    )
                    rows = connection.execute(f"SELECT {shown} FROM {name}").fetchall()
                    found[name] = Counter(map(tuple, rows))
        answer.write_bytes(pickle.dumps(found))
        return 0

    code = os.waitstatus_to_exitcode(os.waitpid(forked(work), 0)[1])
    if code:
        msg = f"the database cannot be read: exit code {code}"
        raise FaultError(msg)
    found: Content = pickle.loads(answer.read_bytes())  # noqa: S301 (its own fork wrote it)
    answer.unlink()
    return {
        name: Counter({_normal(row): count for row, count in table.items()})
        for name, table in found.items()
    }


def _normal(row: Row) -> Row:
    return (*row[:2], None if row[2] is None else json.dumps(json.loads(row[2])))


# Faults.


@contextlib.contextmanager
def small_disk(room: int = ROOM) -> Iterator[Path | None]:
    """A file system of so many bytes; None where this process may not mount one."""
    with tempfile.TemporaryDirectory(prefix="target-duckdb-faults-") as name:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", name]
        try:
            done = subprocess.run(mount, capture_output=True, check=False)
        except OSError:
            done = None
        if done is None or done.returncode:
            yield None
            return
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", name], check=True)  # noqa: S607


def fill(directory: Path, leave: int) -> Path:
    """Fill a file system but for some bytes."""
    filler = directory / "filler"
    free = os.statvfs(directory)
    wanted = step = max(1, free.f_bavail * free.f_frsize - leave)
    with filler.open("wb") as file:
        # Some need blocks of what is free for themselves.
        while step and wanted > (size := os.fstat(file.fileno()).st_size):
            with contextlib.suppress(OSError):
                os.posix_fallocate(file.fileno(), size, min(step, wanted - size))
                continue
            step //= 2
    return filler


def known(data: bytes, came: bytes) -> tuple[bytes, bool]:
    """Return what a target knows of lines that were cut off, and whether it misses part of one.

    A line that lacks its end alone is whole.
    """
    if data[len(came) :].startswith(b"\n"):
        return came + b"\n", False
    return came, came[-1:] not in {b"", b"\n"}


class Round:
    """One load, with its faults.

    Attributes:
        kept: Names of the files that a load leaves.
        longest: Seconds after which a run has been killed at the latest.
    """

    kept: tuple[str, ...] = (DATABASE,)
    longest = 1.5

    def __init__(self, chance: random.Random, directory: Path, seen: Counter[str]) -> None:
        """Draw it."""
        self.chance = chance
        self.directory = directory
        self.seen = seen
        self.database = directory / DATABASE
        self.load, self.grown, self.growth = draw(chance)
        self.content: Content = {name: Counter() for name in self.load.kinds}
        self.begin = 0
        settings = {
            "hard_delete": True,
            "batch_size_rows": chance.choice([1, 20, 20, 100]),
            "lock_timeout": 0,
            **self.home(),
        }
        (directory / "config.json").write_text(json.dumps(settings), encoding="utf-8")

    def home(self) -> dict[str, Any]:
        """Settings that say where the tables are."""
        return {"path": str(self.database)}

    def read(self) -> Content:
        """All rows of the tables."""
        return read(self.database, list(self.load.kinds))

    def is_committing(self) -> bool:
        """Whether a commit has begun, as far as files show it."""
        return self.database.with_name(f"{DATABASE}.wal").exists()

    def run(self, kinds: list[str]) -> None:
        """Interrupt the load some times, then let it go through, and look at it after each run."""
        attempt = 0
        for attempt, kind in enumerate(kinds):
            self.attempt(kind, attempt)
        self.attempt("undisturbed", attempt + 1)
        scratch = apply({}, self.load, self.grown, self.growth, 0, len(self.load.messages))
        for name, kind in self.load.kinds.items():
            found = self.content[name]
            if kind == "keyless":
                found = Counter(dict.fromkeys(found, 1))
            self.compare(found, scratch[name], name)
        left = {path.name for path in self.directory.iterdir()}
        if left - {*self.kept, "config.json", "input", "states", "log"}:
            msg = f"left over: {sorted(left)}"
            raise FaultError(msg)

    @staticmethod
    def compare(found: Table, wanted: Table, name: str) -> None:
        """Complain of rows that are lost, or there too often."""
        if found != wanted:
            lost, more = wanted - found, found - wanted
            msg = f"table {name}: {sum(lost.values())} rows lost, {sum(more.values())} too many"
            raise FaultError(msg)

    def attempt(self, kind: str, attempt: int) -> None:
        """Run the target once, and check what it left."""
        end = len(self.load.messages)
        data = b"".join(lines(self.load, self.grown, self.growth, self.begin, attempt, end))
        came, is_cut_in_line = data, False
        if kind == "cut off":
            came = data[: self.chance.randrange(len(data) + 1)]
            data, is_cut_in_line = known(data, came)
        (self.directory / "input").write_bytes(came)
        for name in ("states", "log"):
            (self.directory / name).write_bytes(b"")
        code = self.disturbed(kind)
        self.seen[f"{kind}: {'through' if code == 0 else 'interrupted'}"] += 1
        self.check_end(kind, code, is_cut_in_line=is_cut_in_line)
        self.check_content(code, data if kind == "cut off" else None)

    def disturbed(self, kind: str) -> int:
        """Start the target and let the fault happen; return how the target ended."""
        if kind == "locked" and self.database.exists():
            # As DuckDB locks it: the target takes this process for one that has the file open.
            with self.database.open("r+b") as file:
                fcntl.lockf(file, fcntl.LOCK_EX)
                return self.wait(forked(lambda: run_target(self.directory)))
        if kind == "full":
            filler = fill(self.directory, self.chance.randrange(1 << 20))
            code = self.wait(forked(lambda: run_target(self.directory)))
            filler.unlink()
            return code
        limit = self.chance.randrange(20_000, 2_000_000) if kind == "file limit" else None
        pid = forked(lambda: run_target(self.directory, limit))
        if kind.startswith("killed") or kind == "told to stop":
            deadline = time.monotonic() + self.chance.uniform(0, self.longest)
            looks = self.chance.randrange(1, 60)
            while time.monotonic() < deadline and _is_running(pid):
                looks -= kind == "killed in a commit" and self.is_committing()
                if looks == 0:
                    break
            os.kill(pid, signal.SIGTERM if kind == "told to stop" else signal.SIGKILL)
        return self.wait(pid)

    @staticmethod
    def wait(pid: int) -> int:
        """Return how a process ended."""
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def check_end(self, kind: str, code: int, *, is_cut_in_line: bool) -> None:
        """Complain of an end that the fault does not explain."""
        allowed = {
            "undisturbed": {0},
            "killed": {0, -signal.SIGKILL},
            "killed in a commit": {0, -signal.SIGKILL},
            # Before the target minds signals, one ends it as it ends any program.
            "told to stop": {0, 128 + signal.SIGTERM, -signal.SIGTERM},
            "cut off": {1} if is_cut_in_line else {0},
            "locked": {0, 1},
            "file limit": {0, 1},
            "full": {0, 1},
        }[kind]
        log = (self.directory / "log").read_text(encoding="utf-8", errors="replace")
        # `logging` shows where it was when a line of it found no room.
        tracebacks = log.count("Traceback") - log.count("--- Logging error ---")
        if code not in allowed or (code == 1 and tracebacks > 0):
            msg = f"{kind}: exit code {code}\n{log[-1500:]}"
            raise FaultError(msg)

    def check_content(self, code: int, cut: bytes | None) -> None:
        """Complain of a table that no place of the load explains; go on from the last STATE."""
        text = (self.directory / "states").read_bytes()
        # A killed target may have written half a line.
        states = [
            json.loads(line)["sent"]
            for line in text.splitlines(keepends=True)
            if line[-1:] == b"\n"
        ]
        places = [
            place + 1
            for place in range(self.begin, len(self.load.messages))
            if self.load.messages[place].kind == "STATE"
        ]
        passed = states[-1] + 1 if states else self.begin
        if [one for one in states if one + 1 not in places] or states != sorted(states):
            msg = f"states came out that did not go in, or in another order: {states}"
            raise FaultError(msg)
        if cut is not None and code == 0:
            # All that came is committed, with or without a STATE behind it.
            candidates = [self.begin + cut.count(b"\n") - cut.count(b'{"type": "SCHEMA"')]
        elif code == 0:
            candidates = [len(self.load.messages)]
        else:
            # What follows the last STATE is committed at the end, before the program is gone.
            ends = [] if cut is not None else [len(self.load.messages)]
            candidates = [place for place in (self.begin, *places, *ends) if place >= passed]
        found = self.read()
        found = {name: found.get(name, Counter()) for name in self.load.kinds}
        matches = (
            place
            for place in candidates
            if apply(self.content, self.load, self.grown, self.growth, self.begin, place) == found
        )
        if next(matches, None) is None:
            wanted = apply(
                self.content, self.load, self.grown, self.growth, self.begin, candidates[0]
            )
            for name in self.load.kinds:
                self.compare(found[name], wanted[name], name)
        self.content = found
        self.begin = passed


def _is_running(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def main(arguments: list[str] | None = None) -> int:
    """Run the rounds; return 1 at the first that went wrong."""
    parser = argparse.ArgumentParser(prog="faults", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=1000, help="how many loads (default: 1000)")
    parser.add_argument("--minutes", type=float, default=10, help="at most (default: 10)")
    parser.add_argument("--seed", default="", help="repeats what another run drew")
    parser.add_argument("--first", type=int, default=0, metavar="ROUND", help="where to begin")
    options = parser.parse_args(arguments)
    seed = options.seed or str(random.SystemRandom().randrange(10**9))
    print(f"seed {seed}", flush=True)
    # Told to stop, it takes its file system away first. A fork just ends, until the target in it
    # minds signals by itself.
    ends = {os.getpid(): sys.exit}
    signal.signal(signal.SIGTERM, lambda *_: ends.get(os.getpid(), os._exit)(128 + signal.SIGTERM))
    import_all()
    deadline = time.monotonic() + 60 * options.minutes
    seen: Counter[str] = Counter()
    done = 0
    with (
        tempfile.TemporaryDirectory(prefix="target-duckdb-faults-") as plain,
        small_disk() as small,
    ):
        kinds = [kind for kind in KINDS if kind != "full" or small is not None]
        if small is None:
            print("no small disk can be mounted here: full disks by file limits only")
        for number in range(options.first, options.first + options.rounds):
            if time.monotonic() >= deadline:
                break
            chance = random.Random(f"{seed} {number}")  # noqa: S311 (rounds can be repeated)
            faults = chance.choices(kinds, k=chance.randrange(1, 5))
            directory = Path(tempfile.mkdtemp(dir=small if small and "full" in faults else plain))
            try:
                Round(chance, directory, seen).run(faults)
            except FaultError as error:
                print(f"round {number}: {', '.join(faults)}: {error}")
                print(f"again: --seed {seed} --first {number} --rounds 1")
                return 1
            shutil.rmtree(directory)
            done += 1
    for kind, count in sorted(seen.items()):
        print(f"{count:6} {kind}")
    print(f"{done} rounds: nothing lost, nothing twice")
    return 0


if __name__ == "__main__":
    sys.exit(main())
