"""Durable files: what is written is whole and on the disk, or it is not there.

A file appears by the steps temporary name, fsync, `os.replace`, fsync of the folder. Kill tests cannot show a missing
fsync (the page cache survives a dead process), so the order of the calls is tested by itself.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jaxir.errors import UserError

#: Suffix of a file that is not finished; such files are removed when a corpus is opened.
TEMPORARY = ".tmp"

#: There is no room: on the disk, for the user, or in one file.
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn an `OSError` of the body into a one-line `UserError` with the path, the reason and what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            advice = "make room and run the same command again; committed rows are kept"
        elif error.errno in _CLOSED:
            advice = "make it writable or choose another --out"
        else:
            advice = "check the path and the disk, then run the same command again; committed rows are kept"
        raise UserError(f"{error.filename or path}: {error.strerror or error}; {advice}") from error


def sync_folder(folder: Path) -> None:
    """Put the names in `folder` on the disk."""
    if os.name == "nt":  # Windows has no fsync of a folder; its renames are journalled
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_synced(path: Path, data: bytes) -> None:
    """Write a file and put its content on the disk; its name is on the disk once its folder is synced."""
    try:
        with open(path, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error  # write(2) errors carry no file name


def write_atomic(path: Path, data: bytes) -> None:
    """Make or replace a file in one step: readers, and a later run, see the old bytes or the new ones.

    The caller holds the folder's lock, so one fixed temporary name is enough.
    """
    temporary = path.with_name(path.name + TEMPORARY)
    write_synced(temporary, data)
    os.replace(temporary, path)
    sync_folder(path.parent)


def move(draft: Path, path: Path) -> None:
    """Put a finished file that was not synced yet in its place, in one step; both are on one file system."""
    with open(draft, "rb") as file:
        os.fsync(file.fileno())
    os.replace(draft, path)
    sync_folder(path.parent)


def make_folder(path: Path) -> None:
    """Make a folder and its parents, and put their names on the disk."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        sync_folder(folder.parent)


def remove(path: Path) -> None:
    """Remove a file or a whole folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sha256_bytes(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str | None:
    """SHA-256 of a file in hexadecimal; None if it is not there or is no file."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def canonical_json(value: Any) -> str:
    """JSON text that is equal for equal values; `ValueError` for NaN and infinities, `TypeError` for other types."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def pretty_json(value: Any) -> bytes:
    """JSON for people: indented, in the given order, with a final newline; `ValueError` for NaN and infinities."""
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def seal(body: Any, root: str = "") -> str:
    """Checksum of a JSON value that also depends on `root`, the seal of what came before it."""
    return sha256_bytes(f"{root}\n{canonical_json(body)}".encode())


def write_sealed(path: Path, body: Any, root: str = "", **beside: Any) -> str:
    """Write a JSON value with its seal atomically, and values `beside` it that the seal does not cover.

    Returns:
        The seal.
    """
    mark = seal(body, root)
    text = json.dumps({**beside, "body": body, "seal": mark}, sort_keys=True, indent=1, allow_nan=False)
    write_atomic(path, (text + "\n").encode())
    return mark


def read_sealed(path: Path, root: str = "") -> tuple[Any, str] | None:
    """The JSON value and seal that `write_sealed` wrote under the same `root`; None if missing, torn or altered."""
    try:
        document = json.loads(path.read_bytes())
        body, mark = document["body"], document["seal"]
        whole: bool = mark == seal(body, root)
    except (FileNotFoundError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return (body, mark) if whole else None
