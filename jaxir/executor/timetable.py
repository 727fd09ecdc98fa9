"""Timing tables as files: `OUT/timing/cpu-00000.parquet`, a run on a device each, numbered by device."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from jaxir.errors import UserError
from jaxir.executor.bench import SCHEMA
from jaxir.writer.files import disk_errors, make_folder, write_atomic

FOLDER: Final = "timing"
_NAME: Final = re.compile(r"(?P<platform>[a-z]+)-(?P<number>\d{5,})\.parquet")


def _runs(folder: Path) -> list[tuple[str, int, Path]]:
    """(platform, number, file) of the runs in a folder, in order."""
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        match = _NAME.fullmatch(path.name)
        if match:
            found.append((match["platform"], int(match["number"]), path))
    return sorted(found)


def write(table: pa.Table, out: Path) -> Path:
    """Write a run to `out/timing` under the next number of its platform; returns the file.

    Raises:
        UserError: the file cannot be written.
    """
    platform = table.column("device_used")[0].as_py()
    folder = out / FOLDER
    numbers = [number for name, number, _ in _runs(folder) if name == platform]
    path = folder / f"{platform}-{max(numbers, default=-1) + 1:05d}.parquet"
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    with disk_errors(path):
        make_folder(folder)
        write_atomic(path, buffer.getvalue())
    return path


def read(path: Path) -> pa.Table:
    """A timing table.

    Raises:
        UserError: the file is missing or no timing table.
    """
    try:
        table = pq.read_table(path)
        return table.select(SCHEMA.names).cast(SCHEMA)
    except (pa.ArrowException, OSError, KeyError) as error:
        reason = str(error).strip().split("\n", 1)[0][:200]
        raise UserError(f"{path}: no timing table ({reason}); make one with `jaxir bench`") from None


def latest(folder: Path) -> list[Path]:
    """The last run of each platform in a corpus folder, [] where there is none."""
    last = {platform: path for platform, _, path in _runs(folder / FOLDER)}
    return [last[platform] for platform in sorted(last)]


def find(path: Path, platform: str) -> Path:
    """The file that a user means by a baseline: itself, or the last run on a platform in a corpus folder.

    Raises:
        UserError: there is none.
    """
    if path.is_file():
        return path
    for file in reversed([file for name, _, file in _runs(path / FOLDER) if name == platform]):
        return file
    raise UserError(f"{path}: no timing of {platform} here; make one with `jaxir bench {path}`, or name a file")
