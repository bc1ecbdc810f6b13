"""Who is told what: each streak of failures of a step once, and its end once, by each channel.

What was told is kept in a file beside the file of runs. What a channel did not take stays owed to
it, and is tried again with the next run; where the step works again by then, the news of that says
since when it had failed.
"""

from __future__ import annotations

import errno
import json
import os
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from refresh import channels
from refresh.channels import ChannelError

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from refresh.settings import Settings

FAILURE, RECOVERY = "failure", "recovery"
#: The file is never smaller, so that it can be written anew where the disk has no more room.
_RESERVED_BYTES = 16_384

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

Memory = dict[str, Any]


@dataclass(frozen=True)
class Notifier:
    """Where news of a run go.

    Attributes:
        settings: Which channels there are.
        run_id: The run that they are of.
        warn: Takes a line where a channel does not take a message.
    """

    settings: Settings
    run_id: str
    warn: Callable[[str], None]


@dataclass
class Alerts:
    """What fails since when, and what of it each channel has been told.

    Attributes:
        failing: Per step since when it fails, and the first useful line.
        told: Per channel and step the time since when it was said to fail.
        owed: Per channel and step the same, where the channel did not take it.
        ended: The last run of which the file of runs has the beginning, once it came to its end.
    """

    path: Path
    failing: dict[str, dict[str, str]] = field(default_factory=dict)
    told: dict[str, dict[str, str]] = field(default_factory=dict)
    owed: dict[str, dict[str, str]] = field(default_factory=dict)
    ended: str = ""

    @classmethod
    def read(cls, path: Path) -> Alerts:
        """Return what the file says; nothing where there is none that can be read."""
        try:
            value: Memory = json.loads(path.read_text(encoding="utf-8"))
            failing, told, owed = (_of_texts(value[name]) for name in ("failing", "told", "owed"))
            if not all({"since", "error"} <= fact.keys() for fact in failing.values()):
                return cls(path)
            return cls(path, failing, told, owed, str(value.get("ended", "")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls(path)

    def write(self) -> None:
        """Replace the file in one step; on a full disk, write into the room that it has.

        Raises:
            OSError: It cannot be written.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        memory = {
            "failing": self.failing, "told": self.told, "owed": self.owed, "ended": self.ended
        }  # fmt: skip
        content = json.dumps(memory).encode().ljust(_RESERVED_BYTES)
        temporary = self.path.with_name(f".{self.path.name}.writing")
        try:
            _write(temporary, os.O_CREAT | os.O_TRUNC, content)
            self._stay_with_owner(temporary)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            if error.errno not in _NO_ROOM or not self._has_room_for(content):
                raise
            _write(self.path, 0, content)
        else:
            temporary.replace(self.path)

    def _stay_with_owner(self, temporary: Path) -> None:
        """After a run by root, the owner's next run still knows what was told."""
        kept = (self.path if self.path.is_file() else self.path.parent).stat()
        if os.geteuid() == 0 and kept.st_uid != 0:
            # Some file systems give nothing away: what was told is worth more than whose it is.
            with suppress(PermissionError):
                os.chown(temporary, kept.st_uid, kept.st_gid)

    def _has_room_for(self, content: bytes) -> bool:
        return self.path.is_file() and self.path.stat().st_size >= len(content)

    def note(self, step: str, started_at: str, error: str | None) -> None:
        """Take in how a step ended.

        Args:
            step: Its name.
            started_at: When it began.
            error: The first useful line, cleaned; None where it worked.
        """
        if error is None:
            self.failing.pop(step, None)
        else:
            since = self.failing.get(step, {}).get("since", started_at)
            self.failing[step] = {"since": since, "error": error}

    def keep(self, steps: AbstractSet[str]) -> None:
        """Forget what is of other steps, which no run does any more."""
        gone = self.failing.keys() - steps
        for memory in (*self.told.values(), *self.owed.values()):
            gone |= memory.keys() - steps
        for step in gone:
            self.failing.pop(step, None)
            for memory in (*self.told.values(), *self.owed.values()):
                memory.pop(step, None)

    def tell(self, notifier: Notifier) -> int:
        """Tell each channel what it does not know yet.

        Args:
            notifier: Where they go.

        Returns:
            How many messages were taken.
        """
        taken, settings = 0, notifier.settings
        self._keep(notifier)
        for channel in dict.fromkeys((*settings.on_failure, *settings.on_recovery)):
            told = self.told.setdefault(channel, {})
            owed = self.owed.setdefault(channel, {})
            # A step that failed, worked, and fails again has news of both.
            before = {**owed, **told}
            over = {
                step: since
                for step, since in before.items()
                if self.failing.get(step, {}).get("since") != since
            }
            new = {
                step: fact["since"]
                for step, fact in self.failing.items()
                if told.get(step) != fact["since"]
            }
            # Who is told of failures only hears of those that it missed, too.
            news = over if channel in settings.on_recovery else _common(over, owed)
            _forget({step: over[step] for step in over if step not in news}, told, owed)
            if news and self._told(channel, notifier, RECOVERY, news):
                _forget(news, told, owed)
                taken += 1
            self._keep(notifier)
            if new and channel in settings.on_failure:
                if self._told(channel, notifier, FAILURE, new):
                    told.update(new)
                    for step in new:
                        owed.pop(step, None)
                    taken += 1
                else:
                    owed.update(new)
                self._keep(notifier)
        return taken

    def _keep(self, notifier: Notifier) -> None:
        """Write the file; where that fails, the news is told again rather than not at all."""
        try:
            self.write()
        except OSError as error:
            notifier.warn(f"what was told cannot be kept in {self.path}: {error.strerror}")

    def _told(self, channel: str, notifier: Notifier, event: str, steps: dict[str, str]) -> bool:
        message = self.message(notifier.settings, event, steps, notifier.run_id)
        try:
            missed = channels.tell(channel, notifier.settings, message)
        except ChannelError as error:
            notifier.warn(
                f"{channel} was not told of the {event}: {error}; the next run tries again"
            )
            return False
        if missed:
            notifier.warn(f"{channel} was told of the {event}, but {missed}")
        return True

    def message(
        self, settings: Settings, event: str, steps: dict[str, str], run_id: str
    ) -> dict[str, Any]:
        """Return what is told.

        Args:
            settings: The environment.
            event: `failure` or `recovery`.
            steps: Which steps it is about, and since when each fails or failed.
            run_id: The run that they are of.
        """
        listed = [
            {"step": step, "since": since}
            | ({"error": self.failing[step]["error"]} if event == FAILURE else {})
            for step, since in steps.items()
        ]
        names = ", ".join(steps)
        if event == FAILURE:
            subject = f"Refresh of {settings.environment}: {names} failed"
            lines = [f"{each['step']}, since {each['since']}: {each['error']}" for each in listed]
        else:
            subject = f"Refresh of {settings.environment}: {names} works again"
            lines = [f"{each['step']} had failed since {each['since']}" for each in listed]
            lines += [f"{step} still fails, since {_['since']}" for step, _ in self.failing.items()]
        return {
            "event": event,
            "environment": settings.environment,
            "host": socket.gethostname(),
            "run_id": run_id,
            "subject": subject,
            "text": "\n".join(lines),
            "steps": listed,
        }


def _of_texts(value: Memory) -> dict[str, dict[str, str]]:
    return {
        name: {str(key): str(text) for key, text in inner.items()} for name, inner in value.items()
    }


def _write(path: Path, flags: int, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | flags, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        file.truncate()


def _common(steps: dict[str, str], memory: dict[str, str]) -> dict[str, str]:
    return {step: since for step, since in steps.items() if memory.get(step) == since}


def _forget(steps: dict[str, str], *memories: dict[str, str]) -> None:
    for memory in memories:
        for step, since in steps.items():
            if memory.get(step) == since:
                del memory[step]
