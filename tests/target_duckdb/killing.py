"""Starts loads and kills them: a program of its own, so that each load is a fork of a warm process.

Nothing here opens a database before it forks. Arguments: MESSAGES CONFIG PLANS, where
PLANS is a JSON list of `{"directory", "kind", "point"}`. In each directory lies the database of
before the load; a copy of what the kill left is put into `killed/`, the states that came out into
`killed/states`, then the load runs again undisturbed.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from target_duckdb.target import TargetDuckDB

DATABASE = "test.duckdb"
AFTER_BYTES = "after so many bytes of input"
AFTER_STATES = "after so many states came out"
IN_COMMIT = "while the log of a commit exists, looked at so many times"


def _child(config: dict[str, Any], stdin: int, stdout: int) -> None:
    os.dup2(stdin, 0)
    os.dup2(stdout, 1)
    os.closerange(3, 256)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    TargetDuckDB(config=config).listen()


class Load:
    """A target in a process of its own, fed from here."""

    def __init__(self, directory: Path, config: dict[str, Any]) -> None:
        """Start it."""
        read_end, self._input = os.pipe()
        self._output, write_end = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                os.close(self._input)
                os.close(self._output)
                _child({**config, "path": str(directory / DATABASE)}, read_end, write_end)
                code = 0
            finally:
                os._exit(code)
        os.close(read_end)
        os.close(write_end)
        self.states = b""

    def feed(self, data: bytes) -> None:
        """Write all of the data, as far as somebody reads it."""
        try:
            while data:
                data = data[os.write(self._input, data) :]
        except BrokenPipeError:
            return

    def end(self) -> None:
        """Tell that the input is over."""
        os.close(self._input)

    def read(self, *, wait: bool) -> bool:
        """Take in what came out; False at the end."""
        if not wait and not select.select([self._output], [], [], 0)[0]:
            return True
        data = os.read(self._output, 65536)
        self.states += data
        return bool(data)

    def finish(self) -> int:
        """Read to the end, return the exit code."""
        while self.read(wait=True):
            pass
        os.close(self._output)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def kill(directory: Path, config: dict[str, Any], data: bytes, kind: str, point: int) -> int:
    """Start a load and kill it at a point; return how it ended."""
    load = Load(directory, config)
    cut = point if kind == AFTER_BYTES else len(data)

    def write() -> None:
        load.feed(data[:cut])
        if kind != AFTER_BYTES:
            load.end()

    writer = threading.Thread(target=write)
    writer.start()
    if kind == AFTER_BYTES:
        writer.join()
    elif kind == AFTER_STATES:
        while load.states.count(b"\n") < point and load.read(wait=True):
            pass
    else:
        log = directory / f"{DATABASE}.wal"
        looks = 0
        while looks < point and load.read(wait=False) and _alive(load.pid):
            looks += log.exists()
    os.kill(load.pid, signal.SIGKILL)
    writer.join()
    if kind == AFTER_BYTES:
        load.end()
    code = load.finish()
    left = directory / "killed"
    left.mkdir()
    for path in directory.glob(f"{DATABASE}*"):
        shutil.copy(path, left)
    (left / "states").write_bytes(load.states)
    return code


def _alive(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def main() -> None:
    """Carry out the plans; print how each killed load ended."""
    data = Path(sys.argv[1]).read_bytes()
    config = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    codes = []
    for plan in json.loads(Path(sys.argv[3]).read_text(encoding="utf-8")):
        directory = Path(plan["directory"])
        codes.append(kill(directory, config, data, plan["kind"], plan["point"]))
        again = Load(directory, config)
        writer = threading.Thread(target=lambda load=again: (load.feed(data), load.end()))
        writer.start()
        code = again.finish()
        writer.join()
        if code != 0:
            message = f"the second run in {directory} ended with {code}"
            raise SystemExit(message)
    sys.stdout.write(json.dumps(codes))


if __name__ == "__main__":
    main()
