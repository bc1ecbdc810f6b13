"""Runs a program, and prints what it took: status, processor seconds and most memory, as JSON.

Usage: python -I -S measured.py PROGRAM ARGUMENT…; what the program prints goes to standard error.

On Linux the peak that the system keeps for a process begins with the peak of whoever started it.
This one imports next to nothing, so that next to nothing of it is in what it measures.
"""

import os
import signal
import sys

CANNOT_START = 2
_BYTES_PER_UNIT = 1 if sys.platform == "darwin" else 1024


def main(arguments: list[str]) -> int:
    """Run the program to its end, or until this process is terminated: then it is killed."""
    # Whoever interrupts from the keyboard interrupts the program, too, and it may want to clean up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Waited for and not handled: what comes just before a wait would not end it.
    signal.signal(signal.SIGCHLD, lambda *_: None)
    awaited = [signal.SIGTERM, signal.SIGCHLD]
    signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    try:
        program = os.posix_spawnp(
            arguments[0],
            arguments,
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, 2, 1)],
            setsigmask=[],
            setsigdef=[signal.SIGINT],
        )
    except OSError as error:
        sys.stderr.write(f"{arguments[0]} cannot be started: {error.strerror}\n")
        return CANNOT_START
    ended, status, used = os.wait4(program, os.WNOHANG)
    while not ended:
        if signal.sigwait(awaited) == signal.SIGTERM:
            os.kill(program, signal.SIGKILL)
        ended, status, used = os.wait4(program, os.WNOHANG)
    seconds, peak = used.ru_utime + used.ru_stime, used.ru_maxrss * _BYTES_PER_UNIT
    sys.stdout.write(f"[{os.waitstatus_to_exitcode(status)}, {seconds}, {peak}]")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
