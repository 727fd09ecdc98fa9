"""A run of the writer in a process of its own, which a test may kill at any system call that changes the disk."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import resource
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rows import IDENTITY, make_samples

from jaxir.errors import UserError
from jaxir.sample import Sample
from jaxir.writer.folder import Folder

BLOCK = 20
SETTINGS: dict[str, Any] = {"formats": ("parquet", "jsonl"), "layout": "legacy", "shard_size": 30}
#: Every way in which the writer changes names on the disk or makes content durable.
CALLS = ("fsync", "mkdir", "replace", "rmdir", "unlink")


def some_rows(start: int, stop: int, **options: Any) -> list[Sample]:
    """Rows of few splits and categories, so that a run has few files and few moments to be killed at."""
    rows = make_samples(start, stop, **options)
    return [dataclasses.replace(row, category="math", split="test" if row.index % 8 == 3 else "train") for row in rows]


def tree(out: Path) -> dict[str, bytes]:
    """Every published file by its path."""
    found = sorted(path for path in out.rglob("*") if path.is_file() and ".jaxir" not in path.parts)
    return {str(path.relative_to(out)): path.read_bytes() for path in found}


def nothing(rows: int) -> None:
    """Ignore what is acknowledged."""


def write(out: Path, target: int, *, acknowledge: Callable[[int], None] = nothing, **open_options: Any) -> None:
    """What the pipeline does: make lost blocks again, go on after the last committed row, and publish.

    `acknowledge` is called with the rows that are safe: after each commit, and with one more after the publish.
    """
    with Folder.open(out, IDENTITY, mend=True, **open_options) as folder:
        folder.check_target(target)
        for record in folder.lost:
            assert folder.commit(some_rows(record.first, record.last + 1))
        for start in range(folder.extra.get("next", 0), target, BLOCK):
            stop = min(start + BLOCK, target)
            folder.commit(some_rows(start, stop), {("run", "not finite"): start // BLOCK}, {"next": stop})
            acknowledge(stop)
        if not folder.is_published(target, **SETTINGS):
            folder.publish(target, stats={"rows": target}, command=f"jaxir generate --target {target}", **SETTINGS)
        acknowledge(target + 1)


def count_calls(action: Callable[[int], None]) -> None:
    """Call `action` with 1, 2, ... before each call of `CALLS` in this process."""
    number = 0

    def wrap(real: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*args: Any, **options: Any) -> Any:
            nonlocal number
            number += 1
            action(number)
            return real(*args, **options)

        return wrapper

    for name in CALLS:
        setattr(os, name, wrap(getattr(os, name)))


def write_and_die(out: Path, target: int, call: int, options: Mapping[str, Any] = MappingProxyType({})) -> None:
    """In a child: `write`, with SIGKILL before the system call number `call`."""
    count_calls(lambda number: os.kill(os.getpid(), signal.SIGKILL) if number == call else None)
    write(out, target, **options)


def write_and_tell(out: Path, target: int, answer: Any) -> None:
    """In a child: `write`, telling after each commit how many rows are safe."""
    write(out, target, acknowledge=answer.send)


def write_and_fail(out: Path, target: int, call: int, number: int, answer: Any) -> None:
    """In a child: `write`, where the system call number `call` and all later ones fail with `number` (an errno).

    Sends the `UserError` or "done", and the rows that were acknowledged.
    """
    rows = [0]

    def fail(counted: int) -> None:
        if counted >= call:
            raise OSError(number, os.strerror(number))

    count_calls(fail)
    try:
        write(out, target, acknowledge=rows.append)
    except UserError as error:
        answer.send((str(error), rows[-1]))
    else:
        answer.send(("done", rows[-1]))


def write_limited(out: Path, target: int, most_bytes: int, answer: Any) -> None:
    """In a child: `write` where no file may grow over `most_bytes` (0: no limit); sends the `UserError` or 'done'."""
    if most_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
    try:
        write(out, target)
    except UserError as error:
        answer.send(str(error))
    else:
        answer.send("done")


def write_as_nobody(out: Path, target: int, answer: Any) -> None:
    """In a child: `write_limited` without the rights of root, which no mode of a file stops."""
    if os.getuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    write_limited(out, target, 0, answer)


def hold(out: Path, answer: Any) -> None:
    """In a child: hold the folder until the pipe closes."""
    with Folder.open(out, IDENTITY):
        answer.send(os.getpid())
        with contextlib.suppress(EOFError):
            answer.recv()


def write_and_lose_permission(out: Path, target: int, rows: int, answer: Any) -> None:
    """In a child without the rights of root: `write`, where nobody may write in the run's folders after `rows` rows."""

    def close(safe: int) -> None:
        if safe == rows:
            for folder in (out / ".jaxir" / "segments", out / ".jaxir"):
                folder.chmod(0o500)

    if os.getuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    try:
        write(out, target, acknowledge=close)
    except UserError as error:
        answer.send(str(error))
    else:
        answer.send("done")
