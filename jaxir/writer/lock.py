"""One run at a time: the lock of a corpus folder, and who holds it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from pathlib import Path

import filelock

from jaxir import files
from jaxir.errors import UserError


def take(out: Path, state: Path) -> filelock.BaseFileLock:
    """Lock a corpus for this process; the system releases the lock when the process ends, however it ends.

    Args:
        out: the corpus, for the message.
        state: its `.jaxir` folder; it exists.

    Raises:
        UserError: another run is going on; the line names its process and host.
        OSError: the disk refuses.
    """
    lock = filelock.FileLock(state / "lock", timeout=0)
    owner = state / "owner.json"
    try:
        lock.acquire()
    except filelock.Timeout:
        raise UserError(
            f"{out}: another run is writing here{_name(owner)}; wait for it, stop it, or choose another --out"
        ) from None
    try:
        files.write_atomic(owner, files.pretty_json({"host": socket.gethostname(), "pid": os.getpid()}))
    except BaseException:
        lock.release()
        raise
    return lock


def _name(owner: Path) -> str:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        entry = json.loads(owner.read_text())
        return f" (process {entry['pid']} on {entry['host']})"
    return ""
