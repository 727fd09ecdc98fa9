"""Read what `jaxir bench` wrote: `OUT/timing/cpu-00000.parquet` and further parts, for each platform."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from jaxir.errors import UserError
from jaxir.executor.timing.bench import FOLDER, SCHEMA

_PART: Final = re.compile(r"([a-z]+)-\d{5,}\.parquet")


def platforms(folder: Path) -> dict[str, list[Path]]:
    """Platform -> the parts of its table in a corpus folder, {} where there is none."""
    found: dict[str, list[Path]] = {}
    parts = folder / FOLDER
    for path in sorted(parts.iterdir()) if parts.is_dir() else ():
        match = _PART.fullmatch(path.name)
        if match:
            found.setdefault(match[1], []).append(path)
    return found


def read(paths: list[Path]) -> pa.Table:
    """The parts of a table as one.

    Raises:
        UserError: a part is missing or damaged.
    """
    tables = []
    for path in paths:
        try:
            tables.append(pq.read_table(path).select(SCHEMA.names).cast(SCHEMA))
        except (pa.ArrowException, OSError, KeyError, ValueError) as error:
            reason = str(error).strip().partition("\n")[0][:200]
            raise UserError(f"{path}: no part of a timing table ({reason}); make it with `jaxir bench`") from None
    return pa.concat_tables(tables)


def baseline(folder: Path, platform: str) -> pa.Table:
    """The table of a platform in a corpus folder that a user named.

    Raises:
        UserError: there is none.
    """
    found = platforms(folder)
    if platform not in found:
        has = f"it has {', '.join(found)}" if found else f"expected {FOLDER}/{platform}-00000.parquet in it"
        raise UserError(f"{folder}: no times on {platform} here, {has}; make them with `jaxir bench --out {folder}`")
    return read(found[platform])
