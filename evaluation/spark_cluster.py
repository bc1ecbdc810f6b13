"""A standalone cluster of Spark on this machine, for as long as it is needed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from contextlib import ExitStack, contextmanager
from time import monotonic, sleep
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

from evaluation.processes import ProgramError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

HOST = "127.0.0.1"
SECONDS = 120
STOP_SECONDS = 20


@contextmanager
def cluster(
    environment: Path, folder: Path, java_home: str, workers: int = 2, memory: str = "3g"
) -> Iterator[str]:
    """Start a master and workers of one core each, and stop them at the end.

    Args:
        environment: The virtual environment that PySpark is installed in.
        folder: What they write into: logs and what they are working on.
        java_home: The Java they run on.
        workers: How many.
        memory: What each worker may hand out to executors.

    Yields:
        The address of the master, for SPARK_MASTER.

    Raises:
        ProgramError: One of them ended, or the workers were not there within two minutes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port, page = _free_port(), _free_port()
    address = f"spark://{HOST}:{port}"
    (home,) = environment.glob("lib/python*/site-packages/pyspark")
    variables = {
        **os.environ,
        "SPARK_HOME": str(home),
        "JAVA_HOME": java_home,
        "SPARK_LOCAL_IP": HOST,
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_DAEMON_MEMORY": "512m",
    }
    master = ["master.Master", "--host", HOST, "--port", str(port), "--webui-port", str(page)]
    worker = [
        "worker.Worker", "--host", HOST, "--webui-port", "0", "--cores", "1", "--memory", memory,
        "--work-dir", str(folder / "work"), address,
    ]  # fmt: skip
    with ExitStack() as started:
        processes = {}
        for name, arguments in [
            ("master", master),
            *((f"worker-{number}", worker) for number in range(1, workers + 1)),
        ]:
            log = folder / f"{name}.log"
            processes[name] = started.enter_context(
                _running([home / "bin" / "spark-class", *arguments], log, variables)
            )
        _wait_for_workers(f"http://{HOST}:{page}/json/", workers, processes, folder)
        yield address


@contextmanager
def _running(
    arguments: list[Path | str], log: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    program, name, *rest = map(str, arguments)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, f"org.apache.spark.deploy.{name}", *rest],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=dict(environment),
        )  # fmt: skip
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for_workers(
    page: str, workers: int, processes: Mapping[str, subprocess.Popen[bytes]], folder: Path
) -> None:
    latest = monotonic() + SECONDS
    alive = 0
    while alive < workers:
        for name, process in processes.items():
            if process.poll() is not None:
                log = (folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")
                msg = f"Spark's {name} ended with {process.returncode}:\n{log[-2000:]}"
                raise ProgramError(msg)
        if monotonic() > latest:
            msg = f"{alive} of {workers} of Spark's workers are there after {SECONDS} s: {folder}"
            raise ProgramError(msg)
        sleep(0.2)
        alive = _alive(page)


def _alive(page: str) -> int:
    """Return how many workers the master knows; none where it does not answer yet."""
    try:
        with urlopen(page, timeout=5) as response:  # noqa: S310 - its address is made here
            return int(json.load(response)["aliveworkers"])
    except (URLError, ConnectionError, TimeoutError):
        return 0


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])
