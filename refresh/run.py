"""A run: every source by itself, then the models, the published copy and the report.

A step that fails stops no other, but for those that need it. What happened is recorded as it
happens, and told at the end.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
import uuid
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from refresh import channels, steps, warehouse
from refresh.alerts import Alerts, Notifier
from refresh.channels import ChannelError
from refresh.cleaning import cleaned, secrets_of
from refresh.history import (
    DONE,
    FAILED,
    INTERRUPTED,
    SKIPPED,
    History,
    last_of_step,
    now,
    told_changes,
    was_killed,
)
from refresh.history import Run as PastRun
from refresh.lock import held
from refresh.steps import Interrupted, Step
from target_duckdb.extensions import MissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from io import TextIOWrapper
    from types import FrameType

    from refresh.meltano_log import OutputParser
    from refresh.settings import Settings

ALERTS, LOG = "alerts.json", "refresh.log"
#: The name of a failure of the run itself: it was killed.
WHOLE = "run"
#: The name of a failure before anything is started: a setting is wrong.
SETTINGS = "settings"
#: The name of a failure to write down what happens, as on a full disk.
RECORD = "record"

_LOG_BYTES, _LOGS_KEPT = 5_000_000, 3
_BUSY_PAUSE = 10.0
_UNKNOWN = "it said nothing; the log has the rest"


@dataclass
class Outcome:
    """How a step ended."""

    result: str = DONE
    error: str | None = None
    started_at: str = field(default_factory=now)
    seconds: float = 0.0
    program: steps.ProgramResult | None = None
    why_whole: str | None = None
    """Why the source is read whole; None where only what changed is read."""


class Runner:
    """Runs the steps."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        """Take the settings, and what takes the lines for whoever watches."""
        self._settings = settings
        self._say = say
        self._history = History(settings.runs_path)
        self._alerts = Alerts(settings.folder / ALERTS)
        self._run_id = str(uuid.uuid4())
        self._secrets = secrets_of(settings.variables)
        self._past: list[PastRun] = []
        self._is_recorded = False
        self._results: dict[str, str] = {}
        self._errors: dict[str, str] = {}
        self._warned: set[str] = set()
        self._log = logging.Logger("refresh")  # noqa: LOG001 - of this run alone

    def run(
        self, *, full_refresh: bool = False, load_only: bool = False, rebuild: bool = False
    ) -> int:
        """Do all steps.

        Args:
            full_refresh: Whether the sources are read whole.
            load_only: Whether nothing is built of them.
            rebuild: Whether everything is built, not only what has changed.

        Returns:
            0 where every step worked, else 1.

        Raises:
            BusyError: Another run is going on.
            OSError: There can be no lock or log.
        """
        settings = self._settings

        def do_all(lock: int) -> None:
            self._alerts.note(SETTINGS, "", None)
            usual = steps.of_sources(
                (*settings.usual_sources, *settings.sources),
                is_parquet_published=settings.is_parquet_published,
            )
            self._alerts.keep({WHOLE, RECORD, SETTINGS, *(step.name for step in usual)})
            for step in steps.of_sources(
                settings.sources,
                load_only=load_only,
                rebuild=rebuild,
                is_parquet_published=settings.is_parquet_published,
            ):
                self._do(step, lock, full_refresh=full_refresh)

        return self._recorded(do_all)

    def refuse(self, reason: str) -> None:
        """Start nothing, since a setting is wrong; write that down, and tell of it.

        Raises:
            BusyError: Another run is going on.
            OSError: There can be no lock or log.
        """

        def fail(_lock: int) -> None:
            self._errors[SETTINGS] = cleaned(reason, self._secrets)
            self._alerts.note(SETTINGS, now(), self._errors[SETTINGS])

        self._recorded(fail)

    def _recorded(self, do: Callable[[int], None]) -> int:
        """Do what a run does, given the descriptor of its lock; return its exit code."""
        settings = self._settings
        with ExitStack() as stack:
            try:
                settings.folder.mkdir(parents=True, exist_ok=True)
                lock, left_behind = stack.enter_context(held(settings.folder))
                stack.enter_context(self._logged())
            except OSError as error:
                self._tell_without_lock(error)
                raise
            self._alerts = Alerts.read(settings.folder / ALERTS)
            try:
                self._history.rotate()
                self._past = self._history.runs()
            except OSError as error:
                self._cannot_write(settings.runs_path, error)
            started_at, started = now(), time.monotonic()
            for process in left_behind:
                self._say(f"Before: process {process}, left behind by a killed run, was ended")
            self._note_killed()
            self._is_recorded = self._write(
                "start", run_id=self._run_id, started_at=started_at, pid=os.getpid()
            )
            self._say(f"Run {self._run_id} of {settings.environment}, started {started_at}")
            self._ping("/start")
            ended_by = None
            try:
                with _signals():
                    do(lock)
            except Interrupted as end:
                ended_by = str(end)
            return self._finish(started, ended_by)

    def _tell_without_lock(self, error: OSError) -> None:
        """Tell that nothing was started; each time, where that cannot be kept either."""
        self._alerts = Alerts.read(self._settings.folder / ALERTS)
        self._cannot_write(Path(error.filename or self._settings.folder), error)
        self._tell()
        self._ping("/fail")

    def _note_killed(self) -> None:
        """Tell of a run that was killed, and write down how it ended."""
        last = self._past[-1] if self._past else None
        if last is None or last.end is not None or last.run_id == self._alerts.ended:
            if WHOLE in self._alerts.failing:
                self._alerts.note(WHOLE, "", None)
            return
        between = "its end" if last.steps else "its beginning"
        step = last.open_step["step"] if last.open_step else between
        error = f"the run of {last.started_at} was killed at {step}"
        if last.open_step:
            self._write(**{**last.open_step, "kind": "step", "result": INTERRUPTED, "error": error})
        self._write("end", run_id=last.run_id, result=INTERRUPTED, error=error)
        self._say(f"Before: {error}")
        self._alerts.note(WHOLE, last.started_at, error)
        self._tell()
        self._alerts.note(WHOLE, "", None)
        self._past = self._history.runs()

    def _write(self, kind: str, **fields: object) -> bool:
        """Add to the file of runs; where that fails, the run goes on, and this is told.

        Returns:
            Whether it was written.
        """
        try:
            self._history.append(kind, **fields)
        except OSError as error:
            self._cannot_write(self._settings.runs_path, error)
            return False
        return True

    def _cannot_write(self, path: Path, error: OSError) -> None:
        if RECORD not in self._errors:
            self._errors[RECORD] = f"cannot write {path}: {error.strerror}"
            self._alerts.note(RECORD, now(), self._errors[RECORD])
            self._say(f"{RECORD}: failed: {self._errors[RECORD]}")

    # A step

    def _do(self, step: Step, lock: int, *, full_refresh: bool) -> None:
        if step.after is not None and self._results.get(step.after) != DONE:
            self._record(step, Outcome(SKIPPED, f"{step.after} did not work"))
            return
        why_whole = "asked for" if full_refresh else self._reason_to_read_whole(step)
        outcome, started = Outcome(why_whole=why_whole), time.monotonic()
        self._write(
            "step_start",
            run_id=self._run_id,
            step=step.name,
            started_at=outcome.started_at,
            is_whole=why_whole is not None,
        )
        try:
            outcome.program = self._start(step, self._flags(step, outcome), lock, started)
            if outcome.program.exit_code != 0:
                outcome.result = INTERRUPTED if outcome.program.is_timeout else FAILED
                outcome.error = self._error(outcome.program)
        except Interrupted as end:
            outcome.result, outcome.error = INTERRUPTED, f"ended by {end}"
            raise
        except OSError as error:
            outcome.result, outcome.error = FAILED, f"cannot be started: {error.strerror}"
        finally:
            outcome.seconds = time.monotonic() - started
            self._record(step, outcome)

    def _flags(self, step: Step, outcome: Outcome) -> list[str]:
        """Return what `meltano run` is told beside the step."""
        if not step.is_source or outcome.why_whole is None:
            return []
        self._say(f"{step.name}: is read whole: {outcome.why_whole}")
        return ["--full-refresh"]

    def _error(self, program: steps.ProgramResult) -> str:
        if program.is_timeout:
            return f"ended after {self._settings.step_timeout:g} s (REFRESH_STEP_TIMEOUT)"
        return cleaned(program.output.error() or _UNKNOWN, self._secrets)

    def _start(
        self, step: Step, flags: list[str], lock: int, started: float
    ) -> steps.ProgramResult:
        """Run the step's program; again while another run reads the same source."""
        settings = self._settings
        meltano = [steps.meltano(), "--log-format=json", f"--environment={settings.environment}"]

        def program(*more: str) -> steps.Program:
            return steps.Program(
                [*meltano, "run", *more, *flags, step.block],
                settings.project,
                {**os.environ, "DUCKDB_RUNS_PATH": str(settings.runs_path), "NO_COLOR": "1"},
                settings.step_timeout,
                keep_open=lock,
            )

        told: set[str] = set()

        def listen(line: str, output: OutputParser) -> None:
            self._log.info("%s", line)
            for words in (output.waits, output.built):
                if words and words not in told:
                    told.add(words)
                    self._say(f"{step.name}: {cleaned(words, self._secrets)}")

        result = steps.run(program(), listen)
        while result.output.is_busy:
            if was_killed(self._past, step.name, result.output.busy_since):
                # Meltano takes it for running for five minutes; the lock says that it has ended.
                return steps.run(program("--force"), listen)
            waited = time.monotonic() - started
            if waited + _BUSY_PAUSE > settings.busy_timeout:
                break
            self._say(
                f"{step.name}: another run reads it, waited {waited:.0f} of "
                f"{settings.busy_timeout:g} s"
            )
            time.sleep(_BUSY_PAUSE)
            result = steps.run(program(), listen)
        return result

    def _reason_to_read_whole(self, step: Step) -> str | None:
        """Return why only what changed would not do: the file is not the one that was loaded."""
        if not step.is_source:
            return None
        before = last_of_step(self._past, step.name)
        if before is not None and before.get("is_whole") and before.get("result") != DONE:
            return "it was to be, and did not come to its end"
        database = self._settings.database
        found = self._source(step)
        if found is None:
            return None
        if not found.tables:
            return f"{database} has nothing of it"
        lines = [line for run in self._past for line in run.steps if line.get("step") == step.name]
        return _unlike(found, database, lines)

    def _source(self, step: Step) -> warehouse.Source | None:
        """Return what the warehouse has of a source; None where it cannot be read now."""
        settings = self._settings
        try:
            return warehouse.source(settings.database, step.name, settings.variables)
        except MissingError as error:
            self._warn(f"nobody looks whether this is the lake that was loaded last: {error}")
            return None

    def _record(self, step: Step, outcome: Outcome) -> None:
        self._results[step.name] = outcome.result
        facts: dict[str, object] = {"is_whole": outcome.why_whole is not None}
        rows: int | None = None
        changes: dict[str, int] = {}
        if step.is_source and outcome.program is not None:
            output = outcome.program.output
            rows = sum(output.rows.values())
            changes = {name: sum(of.values()) for name, of in output.changes.items()}
            found = self._source(step) or warehouse.Source([])
            live = {table.name: table.rows for table in found.tables}
            facts |= {"rows_loaded": rows, **changes, "loaded_at": _newest(found)}
            if found.identity:
                facts["lake"] = found.identity
            for stream in output.streams():
                self._write(
                    "stream",
                    run_id=self._run_id,
                    step=step.name,
                    stream=stream,
                    rows_loaded=output.rows[stream],
                    **{name: of[stream] for name, of in output.changes.items()},
                    rows_in_table=live.get(stream),
                )
        built = outcome.program.output.built if outcome.program is not None else ""
        if built:
            facts["built"] = built
        error = outcome.error
        self._write(
            "step",
            run_id=self._run_id,
            step=step.name,
            started_at=outcome.started_at,
            seconds=round(outcome.seconds, 1),
            result=outcome.result,
            error=error,
            **facts,
        )
        if outcome.result != SKIPPED:
            self._alerts.note(step.name, outcome.started_at, error)
            if error:
                self._errors[step.name] = error
        told = told_changes(changes)
        loaded_rows = f", {rows:,} rows{f' ({told})' if told else ''}" if rows is not None else ""
        why = f": {error}" if error else ""
        self._say(f"{step.name}: {outcome.result}, {outcome.seconds:.1f} s{loaded_rows}{why}")

    # The end

    def _finish(self, started: float, ended_by: str | None) -> int:
        seconds = round(time.monotonic() - started, 1)
        if ended_by and INTERRUPTED not in self._results.values():
            self._errors[WHOLE] = f"ended by {ended_by}"
            self._alerts.note(WHOLE, now(), self._errors[WHOLE])
        result, words = self._result(ended_by)
        self._write(
            "end",
            run_id=self._run_id,
            result=result,
            seconds=seconds,
            error=words or None,
        )
        # It may be the first that cannot be written.
        result, words = self._result(ended_by)
        if RECORD not in self._errors:
            self._alerts.note(RECORD, "", None)
        if self._is_recorded:
            self._alerts.ended = self._run_id
        self._tell()
        self._ping("" if result == DONE else "/fail")
        self._say("done" if result == DONE else f"failed: {words}")
        return 0 if result == DONE else 1

    def _result(self, ended_by: str | None) -> tuple[str, str]:
        """Return how the run has ended so far, and what went wrong."""
        result = INTERRUPTED if ended_by else FAILED if self._errors else DONE
        return result, "; ".join(f"{step}, {error}" for step, error in self._errors.items())

    def _tell(self) -> None:
        self._alerts.tell(Notifier(self._settings, self._run_id, self._warn))

    def _ping(self, ending: str) -> None:
        if self._settings.ping_url:
            try:
                channels.ping(self._settings.ping_url, ending)
            except ChannelError as error:
                self._warn(f"REFRESH_PING_URL: {error}")

    def _warn(self, line: str) -> None:
        if line not in self._warned:
            self._warned.add(line)
            self._say(f"warning: {line}")

    @contextmanager
    def _logged(self) -> Iterator[None]:
        """Keep all that is said in a file for its owner alone, which grows only so far."""
        path = self._settings.folder / LOG
        handler = _Log(path, self._cannot_write)
        path.touch(mode=0o600)
        path.chmod(0o600)
        self._log.addHandler(handler)
        say = self._say

        def said_and_logged(line: str) -> None:
            self._log.info("%s [refresh] %s", now(), line)
            say(line)

        self._say = said_and_logged
        try:
            yield
        finally:
            self._say = say
            handler.close()


class _Log(RotatingFileHandler):
    """The log, of which the last files are kept."""

    def __init__(self, path: Path, failed: Callable[[Path, OSError], None]) -> None:
        """Take the path, and who is told that it cannot be written."""
        super().__init__(path, "a", _LOG_BYTES, _LOGS_KEPT, "utf-8", delay=True)
        self._path, self._failed = path, failed

    def _open(self) -> TextIOWrapper:
        """Open the file, also the next one of a long run, for its owner alone."""

        def opener(path: str, flags: int) -> int:
            return os.open(path, flags, 0o600)

        return open(self.baseFilename, "a", encoding="utf-8", opener=opener)

    def close(self) -> None:
        """Close the file; what of it could not be written was said then."""
        with suppress(OSError):
            super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - of the class
        """Say once that nothing can be written."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        else:
            self._failed(self._path, error)


def _unlike(
    found: warehouse.Source, database: str, lines: Sequence[Mapping[str, Any]]
) -> str | None:
    """Return why what the warehouse has is not what was loaded last; None where it may be.

    Args:
        found: What it has of the source.
        database: Its path.
        lines: What was written down of the source's steps.
    """
    lakes = [line["lake"] for line in lines if line.get("lake")]
    if lakes and found.identity and found.identity != lakes[-1]:
        return f"{database} is another lake than the one that was loaded last"
    recorded = [line["loaded_at"] for line in lines if isinstance(line.get("loaded_at"), int)]
    newest = _newest(found)
    if recorded and newest is not None and newest < recorded[-1]:
        file = "" if found.identity else ", or another file"
        return f"{database} is older than what was loaded last{file}"
    return None


def _newest(source: warehouse.Source) -> int | None:
    loaded = [table.loaded_at for table in source.tables if table.loaded_at is not None]
    return max(loaded, default=None)


@contextmanager
def _signals() -> Iterator[None]:
    """Take SIGTERM, SIGINT and SIGHUP for the end of the run; not those that `nohup` has off."""

    def end(number: int, _frame: FrameType | None) -> NoReturn:
        for each in kinds:
            signal.signal(each, signal.SIG_IGN)
        raise Interrupted(signal.Signals(number).name)

    kinds = [
        each
        for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        if signal.getsignal(each) != signal.SIG_IGN
    ]
    before = {each: signal.signal(each, end) for each in kinds}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
