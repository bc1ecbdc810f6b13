"""Nights that nobody watches, on the sandbox: `make check-nights NIGHTS=30 OLD=a-commit`.

Each night something changes at the services, and on many of them something goes wrong. In the end
every failed night must have been told exactly once, every recovery too, nothing else, and the
tables must equal those of a clean load. With `OLD`, the first night is one of that commit, by
`meltano run elt` in a customised checkout, and the second follows an upgrade by `git pull`.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import duckdb
import psutil

from sandbox.server import Fault, Options, running
from tests.e2e.checkout import ROOT, Checkout, Ended, settings_for, wait_until
from tests.refresh.servers import http
from tests.target_duckdb.faults import fill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.server import Sandbox
    from tests.refresh.servers import Heard

Events = list[tuple[str, frozenset[str]]]

SOURCES = ("kananas", "kizen")
OF_BUILDS = {"transform", "publish", "report"}
BUILD_KILLED, ALONE_KILLED = "the build is killed", "the run alone is killed"
KILLED = ("the run is killed", BUILD_KILLED, ALONE_KILLED)
AT_ONCE, JUMP, BROKEN = "two start at once", "the clock jumps", "the disk becomes read-only"
#: What goes wrong, night by night, and which steps fail then.
PLAN: list[tuple[str, set[str]]] = [
    ("nothing", set()),
    ("Kizen is down", {"kizen"}),
    ("Kizen is down", {"kizen"}),
    ("nothing", set()),
    ("a wrong key of Kananas", {"kananas"}),
    ("both are down", {"kananas", "kizen"}),
    ("nothing", set()),
    ("the file is held", {"kananas", "kizen", "transform"}),
    ("the run is killed", {"run"}),
    ("nothing", set()),
    ("Kizen breaks off in the middle", {"kizen"}),
    ("nobody hears, and Kananas is down", {"kananas"}),
    ("nothing", set()),
    ("an older file", set()),
    ("the disk is full", {*SOURCES, "transform", "report", "record"}),
    ("the disk is full", {*SOURCES, "transform", "report", "record"}),
    ("the clock is a week ahead", set()),
    ("the clock is a week behind", set()),
    ("the file is deleted", set()),
    ("a wrong line in config/vars.yml", {"settings"}),
    ("a wrong line in config/vars.yml", {"settings"}),
    ("no copy can be written", {"publish", "report"}),
    (BUILD_KILLED, {"run"}),
    ("both are being mended", set(SOURCES)),
    (AT_ONCE, set()),
    ("no name is found", set(SOURCES)),
    (ALONE_KILLED, {"run"}),
    ("a key of Kizen expires", {"kizen"}),
    (JUMP, set()),
    (BROKEN, {*SOURCES, "transform", "report", "record"}),
    ("Kananas sends errors as answers", {"kananas"}),
]
HOLD = """
import sys, duckdb
with duckdb.connect(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""
KIZEN_IS_DOWN = Fault(path="/api/*", times=None, status=503)
KANANAS_IS_DOWN = Fault(path="/action_manager.php", times=None, status=503)
#: What the services do on a night.
FAULTS = {
    "Kizen is down": (KIZEN_IS_DOWN,),
    "both are down": (KIZEN_IS_DOWN, KANANAS_IS_DOWN),
    "nobody hears, and Kananas is down": (KANANAS_IS_DOWN,),
    # As a service that is being mended answers all too often.
    "both are being mended": tuple(
        Fault(path=path, times=None, status=200, body="<html><h1>Back soon</h1></html>")
        for path in ("/api/*", "/action_manager.php")
    ),
    "Kananas sends errors as answers": (
        Fault(
            path="/action_manager.php",
            times=None,
            status=200,
            body='{"status": "error", "message": "maintenance"}',
            content_type="application/json",
        ),
    ),
    "a key of Kizen expires": (Fault(path="/api/*", times=None, status=401, skip=3),),
    "Kizen breaks off in the middle": (Fault(path="/api/company", times=None, close=True, skip=1),),
}
#: No name ends so.
NO_NAMES = {
    "TAP_KANANAS_API_URL": "http://kananas.invalid/action_manager.php",
    "TAP_KIZEN_API_URL": "http://kizen.invalid/api",
}
#: The clock of a program and of all that it starts, by CLOCK_SECONDS; once there is a file of the
#: name of CLOCK_AFTER, where that is set.
CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long moved(void) {
    const char *seconds = getenv("CLOCK_SECONDS"), *after = getenv("CLOCK_AFTER");
    return seconds && (!after || !access(after, F_OK)) ? atol(seconds) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, at);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) at->tv_sec += moved();
    return result;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *at, void *zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}
"""
#: What is the account's own where the checkout is upgraded.
OWN_FILES = {
    ".env": "CONTACTS_NOTE=mine\n",
    "config/vars.yml": "freshness_warn_hours: 40\n",
    "config/meltano.yml": """
env:
  TAP_KANANAS_STREAM_MAPS:
    contacts:
      city: city.upper() if city else None
schedules:
- name: nightly
  interval: '0 3 * * *'
  job: elt
""",
}
NOT_AS_MAPPED = (
    "select count(*) from kananas.contacts where city <> upper(city) and _sdc_deleted_at is null"
)
#: Bytes of the disk that is full on some nights.
ROOM = 512 << 20
CLOCKS = {
    "the clock is a week ahead": 7 * 24 * 3600,
    "the clock is a week behind": -7 * 24 * 3600,
    JUMP: -3 * 3600,
}
TRIES = 3


class Nights:
    """An installation, and what was to be told of its nights."""

    def __init__(self, server: Sandbox, checkout: Checkout, folder: Path, hook: Heard) -> None:
        """Take the services, the programs, a folder for all that is written, and who is told."""
        self.server = server
        self.checkout = checkout
        self.folder = folder
        self.hook = hook
        self.database = folder / "warehouse.duckdb"
        self.older = folder / "older.duckdb"
        #: The steps that were said to fail, and those that fail without anybody having heard of it.
        self.known: set[str] = set()
        self.owed: set[str] = set()
        self.was_killed = False
        #: The library that moves the clock; None where there is none.
        self.clock: Path | None = None
        #: The disk of the folder; None where it has none of its own.
        self.disk: Disk | None = None
        #: Whether nothing is built.
        self.load_only = False
        self.expected: Events = []
        self.failed_nights = 0

    def settings(self, folder: Path) -> dict[str, str]:
        """Return the variables of a run that writes to a folder."""
        folder.mkdir(exist_ok=True)
        return {
            **settings_for(self.server),
            "DUCKDB_PATH": str(folder / "warehouse.duckdb"),
            "DUCKDB_PUBLISH_DIR": str(folder / "published"),
            "DUCKDB_RUNS_PATH": str(folder / "runs.jsonl"),
            "MELTANO_DATABASE_URI": f"sqlite:///{folder / 'meltano.db'}",
            "TAP_KIZEN_REQUEST_TRIES": "1",
            "TAP_KANANAS_REQUEST_TRIES": "1",
            "DUCKDB_LOCK_TIMEOUT": "2",
        }

    @property
    def command(self) -> tuple[str, ...]:
        """The program."""
        return (str(self.checkout.path / ".venv" / "bin" / "refresh"),)

    def told(self) -> Events:
        """Return what was heard."""
        return [
            (body["event"], frozenset(each["step"] for each in body["steps"]))
            for body in self.hook.bodies
        ]

    def change(self, chance: random.Random) -> None:
        """Let something change at both services."""
        contacts, crm = self.server.account.contacts, self.server.account.crm
        with contacts.lock:
            del contacts[chance.randrange(len(contacts))]
            contacts[chance.randrange(len(contacts))]["city"] = f"City {chance.randrange(1000)}"
        for name in ("client_client", "companies_company"):
            key = str(chance.choice(crm.records[name])["id"])
            field = "first_name" if name == "client_client" else "name"
            crm.update(name, key, **{field: f"Changed {chance.randrange(1000)}"})

    @contextmanager
    def trouble(self, what: str) -> Iterator[dict[str, str]]:
        """Let something go wrong for a night; yield the settings that differ."""
        faults, more = self.server.faults, {}
        with ExitStack() as stack:
            stack.callback(faults.clear)
            stack.callback(self.hook.codes.clear)
            for fault in FAULTS.get(what, ()):
                faults.add(fault)
            if what == "a wrong key of Kananas":
                more["TAP_KANANAS_SECRET_KEY"] = "not-the-right-one"
            self._change_files(what, stack)
            if what == "no name is found":
                more |= NO_NAMES
            if seconds := CLOCKS.get(what):
                more |= {"LD_PRELOAD": str(self.clock), "CLOCK_SECONDS": str(seconds)}
            if what == JUMP:
                more["CLOCK_AFTER"] = str(self.checkout.path / "jump")
                stack.callback((self.checkout.path / "jump").unlink, missing_ok=True)
            if what in {JUMP, BROKEN}:
                # Two requests, so that there is something between.
                more["TAP_KANANAS_DISCOVERY_FOLDER"] = ""
            if what == BROKEN:
                assert self.disk is not None
                stack.callback(self.disk.mend)
            if what == "nobody hears, and Kananas is down":
                self.hook.codes += [500] * TRIES * 2  # of a recovery and of a failure
            yield more

    def _change_files(self, what: str, stack: ExitStack) -> None:
        """Let something go wrong with the files; the stack makes it right again."""
        if what == "the file is held":
            stack.enter_context(self._held())
        if what == "an older file":
            shutil.copyfile(self.older, self.database)
        if what == "the file is deleted":
            self.database.unlink()
        if what == "the disk is full":
            stack.callback(fill(self.folder, 0).unlink)
        if what == "a wrong line in config/vars.yml":
            stack.enter_context(_wrong_line(self.checkout.path / "config" / "vars.yml"))
        if what == "no copy can be written":
            stack.enter_context(_in_the_way(self.folder / "published"))

    @contextmanager
    def _held(self) -> Iterator[None]:
        command = [sys.executable, "-c", HOLD, str(self.database)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            try:
                yield
            finally:
                holder.communicate()

    def night(self, what: str, fails: set[str]) -> str:
        """Run one night; return its last line.

        Raises:
            RuntimeError: The exit code is not that of such a night.
        """
        if self.load_only:
            fails = fails - OF_BUILDS
        if self.was_killed:
            # The run after says so at its start, and at its end that it is over.
            self._expect("failure", {"run"})
        with self.trouble(what) as more:
            settings = {
                **self.settings(self.folder), **more, "REFRESH_WEBHOOK_URL": self.hook.url
            }  # fmt: skip
            if what in KILLED:
                self._kill(settings, what)
                self.was_killed = True
                self.failed_nights += 1
                return "killed"
            options = ["--load-only"] if self.load_only else []
            ended = self._run(what, options, settings)
        last = ended.said.splitlines()[-1]
        if what == "the disk is full" and "record, cannot write" not in last:
            # There was room in the last blocks of the files.
            fails = fails - {"record"}
        if ended.code != (2 if "settings" in fails else 1 if fails else 0):
            raise RuntimeError(ended.said)
        self.failed_nights += bool(fails)
        if what == BROKEN:
            # What was told cannot be kept; nor that the run came to its end.
            self._expect("failure", fails)
            self.was_killed = True
            return last
        if what.startswith("nobody hears"):
            self.owed |= fails - self.known
        else:
            # What nobody heard is in the news that it works again.
            over = (self.known | self.owed) - fails
            self._expect("recovery", over | ({"run"} if self.was_killed else set()))
            self._expect("failure", fails - self.known)
            self.known, self.owed = fails, set()
        self.was_killed = False
        return last

    def not_in_force(self) -> list[str]:
        """Return what of the account's own files does not count."""
        rows = self.checkout.rows(self.database, NOT_AS_MAPPED)
        schedules = self.checkout.run(*self.checkout.meltano("schedule", "list")).said
        checked = self.checkout.run(*self.command, "check", **settings_for(self.server))
        return [
            *(["the stream map"] if rows != [(0,)] else []),
            *(["the schedule"] if "nightly" not in schedules else []),
            *([checked.said] if checked.code else []),
        ]

    def _expect(self, event: str, steps: set[str]) -> None:
        if steps:
            self.expected.append((event, frozenset(steps)))

    def _run(self, what: str, options: list[str], settings: dict[str, str]) -> Ended:
        """Run a night to its end, and let happen what happens within one.

        Raises:
            RuntimeError: Two runs went on at once, or none.
        """
        if what not in {AT_ONCE, JUMP, BROKEN}:
            return self.checkout.run(*self.command, *options, **settings)
        before = len(self.server.requests)
        if what != AT_ONCE:
            self.server.faults.add(Fault(path="/action_manager.php", skip=1, times=1, delay=2))
        with ExitStack() as stack:
            runs = [
                stack.enter_context(self.checkout.start(*self.command, *options, **settings))
                for _ in range(1 + (what == AT_ONCE))
            ]
            if what != AT_ONCE:
                wait_until(lambda: len(self.server.requests) >= before + 2)
            if what == JUMP:
                (self.checkout.path / "jump").touch()
            if what == BROKEN:
                assert self.disk is not None
                self.disk.break_down()
            ended = [Ended(said=run.communicate()[0], code=run.wait()) for run in runs]
        ended.sort(key=lambda each: each.code)
        if [each.code for each in ended[1:]] != [75] * (what == AT_ONCE):
            raise RuntimeError(str(ended))
        return ended[0]

    def _kill(self, settings: dict[str, str], what: str) -> None:
        """Kill a run, and all that it started, while it reads, or while dbt builds.

        Where the run alone is killed, what it started hangs on.
        """
        before, is_built = len(self.server.requests), what == BUILD_KILLED and not self.load_only
        if not is_built:
            self.server.faults.add(Fault(path="/action_manager.php", skip=1, times=1, delay=60))
        settings = {**settings, "TAP_KANANAS_DISCOVERY_FOLDER": ""}
        with self.checkout.start(*self.command, **settings) as run:
            started = psutil.Process(run.pid)
            if is_built:
                wait_until(lambda: any(map(_is_build, started.children(recursive=True))))
            else:
                wait_until(lambda: len(self.server.requests) >= before + 2)
            children = [] if what == ALONE_KILLED else started.children(recursive=True)
            os.kill(run.pid, signal.SIGKILL)
            for child in children:
                child.kill()
            psutil.wait_procs(children)


def _is_build(process: psutil.Process) -> bool:
    """Return whether a process is dbt that builds."""
    try:
        command = process.cmdline()
    except psutil.NoSuchProcess:
        return False
    return "refresh.dbt_program" in command and "build" in command


@contextmanager
def _wrong_line(path: Path) -> Iterator[None]:
    """Let a file of variables have a line that is wrong."""
    before = path.read_text(encoding="utf-8") if path.exists() else None
    path.write_text(f"{before or ''}freshness_warn_hour: 3\n", encoding="utf-8")
    try:
        yield
    finally:
        path.unlink()
        if before is not None:
            path.write_text(before, encoding="utf-8")


@contextmanager
def _in_the_way(folder: Path) -> Iterator[None]:
    """Let a file stand in the place of a folder."""
    aside = folder.with_name("aside")
    if folder.exists():
        folder.rename(aside)
    folder.touch()
    try:
        yield
    finally:
        folder.unlink()
        if aside.exists():
            aside.rename(folder)


def differences(one: Path, other: Path) -> tuple[int, int, list[str]]:
    """Compare the rows of two warehouses; return tables, rows, and the tables that differ."""
    wrong, rows = [], 0
    with duckdb.connect() as connection:
        tables = _copied(connection, one, "one")
        for schema, table in _copied(connection, other, "other"):
            halves = [f'select * from {each}."{schema}.{table}"' for each in ("one", "other")]
            (count,) = connection.execute(f"select count(*) from ({halves[1]})").fetchall()[0]
            (differ,) = connection.execute(
                f"select count(*) from (({halves[0]} except all {halves[1]}) union all "
                f"({halves[1]} except all {halves[0]}))"
            ).fetchall()[0]
            rows += count
            if differ:
                wrong.append(f"{schema}.{table}: {differ} rows differ")
    return len(tables), rows, wrong


def _copied(
    connection: duckdb.DuckDBPyConnection, file: Path, schema: str
) -> list[tuple[str, str]]:
    """Copy what is compared into a schema; return its tables.

    Views name the database by the name of its file, so it is attached by that.
    """
    copy = file.with_name(f"{schema}_copy.duckdb")
    shutil.copyfile(file, copy)
    connection.execute(f"attach '{copy}' as {file.stem} (read_only)")
    connection.execute(f"create schema {schema}")
    listed: list[tuple[str, str, list[str]]] = connection.execute(
        """
        select schema_name, table_name, list(column_name order by column_index)
        from duckdb_columns()
        where database_name = ? and schema_name in ('kananas', 'kizen', 'marts')
            and table_name not in
                ('run_steps', 'run_streams', 'freshness', 'link_changes', 'person_link_changes')
            and not starts_with(column_name, '_sdc_')
        group by all order by all
        """,
        [file.stem],
    ).fetchall()
    for of, table, columns in listed:
        names = ", ".join(f'"{column}"' for column in columns)
        live = "where _sdc_deleted_at is null" if of in {"kananas", "kizen"} else ""
        connection.execute(
            f'create table {schema}."{of}.{table}" as select {names} '
            f'from {file.stem}."{of}"."{table}" {live}'
        )
    connection.execute(f"detach {file.stem}")
    return [(of, table) for of, table, _ in listed]


class Disk:
    """A file system in a file, which becomes read-only at an error, as most do."""

    def __init__(self, folder: Path, room: int) -> None:
        """Make it in a folder.

        Raises:
            OSError: A program for it is not here.
            CalledProcessError: This process may not.
        """
        self.path, self._image = folder / "disk", folder / "disk.img"
        self.path.mkdir()
        with self._image.open("wb") as file:
            file.truncate(room)
        self._do("mkfs.ext4", "-q", "-F", "-m", "0", self._image)
        self._mount()
        try:
            self._error()
        except (OSError, subprocess.CalledProcessError):
            self.unmount()
            raise

    def break_down(self) -> None:
        """Let it become read-only for all."""
        self._error().write_text("1", encoding="ascii")

    def mend(self) -> None:
        """Do what a restart does."""
        self.unmount()
        # It ends with 1 where it has mended something.
        with suppress(subprocess.CalledProcessError):
            self._do("e2fsck", "-fy", self._image)
        self._mount()

    def unmount(self) -> None:
        """Take it out, once nobody uses it any more."""

        def is_unmounted() -> bool:
            with suppress(subprocess.CalledProcessError):
                self._do("umount", self.path)
                return True
            return False

        wait_until(is_unmounted)

    def _mount(self) -> None:
        self._do("mount", "-o", "loop,errors=remount-ro", self._image, self.path)

    def _error(self) -> Path:
        device = self._do("findmnt", "--noheadings", "--output=SOURCE", self.path).strip()
        return Path("/sys/fs/ext4", Path(device).name, "trigger_fs_error").resolve(strict=True)

    @staticmethod
    def _do(*command: str | Path) -> str:
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return done.stdout


@contextmanager
def _own_disk(folder: Path) -> Iterator[Disk | None]:
    """A disk of `ROOM` bytes; None where this process may not have one."""
    try:
        disk = Disk(folder, ROOM)
    except (OSError, subprocess.CalledProcessError):
        yield None
        return
    try:
        yield disk
    finally:
        disk.unmount()


def _moved_clock(folder: Path) -> Path | None:
    """Make the library that moves the clock; None where there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    source, library = folder / "clock.c", folder / "clock.so"
    source.write_text(CLOCK, encoding="utf-8")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


def _plan(*, with_disk: bool, with_clock: bool) -> list[tuple[str, set[str]]]:
    """Return what goes wrong, without what cannot be tried here, which it names."""
    left_out = {
        **dict.fromkeys(("the disk is full", BROKEN), with_disk),
        **dict.fromkeys(CLOCKS, with_clock),
    }
    for what, is_there in left_out.items():
        if not is_there:
            print(f"left out, since this machine does not allow it: {what}", flush=True)
    return [night for night in PLAN if left_out.get(night[0], True)]


def _setup(checkout: Checkout) -> None:
    """Install the programs.

    Raises:
        RuntimeError: They cannot be installed.
    """
    ended = checkout.run(*checkout.make("setup"))
    if ended.code:
        raise RuntimeError(ended.said)


def _upgraded(folder: Path, old: str, first: Callable[[Checkout], Any]) -> Checkout:
    """Return the programs of the newest commit in a checkout that was customised at an old one.

    Args:
        folder: Where it goes.
        old: The old commit.
        first: What is done there before the upgrade.

    Raises:
        RuntimeError: The programs cannot be installed.
        CalledProcessError: The newest commit cannot be pulled.
    """
    checkout = Checkout.__new__(Checkout)
    checkout.path = folder / "checkout"
    git = ["git", "-C", str(checkout.path)]
    subprocess.run(["git", "clone", "--quiet", ROOT, checkout.path], check=True)  # noqa: S607
    subprocess.run([*git, "reset", "--quiet", "--hard", old], check=True)
    for name, text in OWN_FILES.items():
        (checkout.path / name).parent.mkdir(exist_ok=True)
        (checkout.path / name).write_text(text, encoding="utf-8")
        (checkout.path / name).chmod(0o600)
    _setup(checkout)
    first(checkout)
    subprocess.run([*git, "pull", "--quiet", "--ff-only", ROOT, "HEAD"], check=True)
    for name, text in OWN_FILES.items():
        assert (checkout.path / name).read_text(encoding="utf-8") == text
    _setup(checkout)
    return checkout


def main() -> int:
    """Simulate; return 1 where something was told wrongly, or a table differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.nights", description=__doc__)
    parser.add_argument("--nights", type=int, default=len(PLAN) + 1)
    parser.add_argument("--first", type=int, default=1, help="the night of the plan to begin with")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--load-only", action="store_true", help="build nothing but on the last night"
    )
    parser.add_argument("--old", help="the commit of the first night")
    options = parser.parse_args()
    started, chance = monotonic(), random.Random(options.seed)  # noqa: S311 - to be repeated
    small = Options(contacts=120, companies=45, rate_limit=0, seed=options.seed)
    with (
        tempfile.TemporaryDirectory(prefix="nights-") as name,
        running(small) as server,
        http() as hook,
        _own_disk(Path(name)) as disk,
    ):
        folder = Path(name)
        data = disk.path if disk else folder / "data"

        def first(checkout: Checkout) -> None:
            own = Nights(server, checkout, data, hook)
            command = checkout.meltano("run", "elt")
            ended = checkout.run(*command, **own.settings(data))
            if ended.code:
                raise RuntimeError(ended.said)
            print(f"{monotonic() - started:6.0f} s  a night of {options.old}: done", flush=True)

        if options.old is None:
            checkout = Checkout(folder / "checkout")
            _setup(checkout)
        else:
            checkout = _upgraded(folder, options.old, first)
        nights = Nights(server, checkout, data, hook)
        nights.clock, nights.disk = _moved_clock(folder), disk
        plan = _plan(with_disk=disk is not None, with_clock=nights.clock is not None)
        for number in range(options.nights):
            what, fails = plan[(options.first - 1 + number) % len(plan)]
            nights.load_only = options.load_only and number + 1 < options.nights
            if number + 1 == options.nights:
                what, fails = "nothing", set()
            nights.change(chance)
            if what == "nothing" and nights.database.exists():
                shutil.copyfile(nights.database, nights.older)
            last = nights.night(what, fails)
            print(f"{monotonic() - started:6.0f} s  {number + 1:2} {what}: {last}", flush=True)
        clean = checkout.run(*nights.command, **nights.settings(folder / "clean"))
        if clean.code:
            raise RuntimeError(clean.said)
        tables, rows, wrong = differences(nights.database, folder / "clean" / "warehouse.duckdb")
        if options.old is not None:
            wrong += nights.not_in_force()
        told = nights.told()
        print(
            f"{options.nights} nights, {nights.failed_nights} of them failed; "
            f"{len(told)} messages told, {len(nights.expected)} expected; {tables} tables with "
            f"{rows:,} rows compared with a clean load, {len(wrong)} differ; "
            f"{monotonic() - started:.0f} s"
        )
        if told != nights.expected:
            print(f"told:     {told}\nexpected: {nights.expected}")
        print("\n".join(wrong))
        return int(told != nights.expected or bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
