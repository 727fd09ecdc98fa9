"""The ledger: which blocks of rows are committed.

One small sealed file a block, `ledger/000000.json`, `000001.json`, ...: written by temporary name, fsync, rename and
fsync of the folder, like the block itself. A commit then costs the same however long the run is (one growing file
would be written again each time), and no commit ever touches an earlier one (an appended file can be torn at its end).
Each seal covers the seal before it and the first covers the run's identity, so a record that is altered, missing or
from another run ends the list there.
"""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path
from typing import Any

from jaxir.writer import files

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Record:
    """One committed block."""

    number: int  #: 0, 1, 2, ...; also names the segment file
    sha256: str  #: of the segment file
    rows: int
    first: int | None  #: lowest index; None in a block without rows
    last: int | None  #: highest index
    groups: tuple[tuple[str, str, int], ...]  #: (split, category, rows) of each row group of the segment, in order
    rejections: tuple[tuple[str, str, int], ...]  #: (stage, reason, count) within this block
    extra: dict[str, Any]  #: whatever the caller handed over with the block

    @property
    def segment(self) -> str:
        """File name of the segment."""
        return f"{self.number:06d}.parquet"

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> Record:
        groups = tuple((split, category, rows) for split, category, rows in body["groups"])
        rejections = tuple((stage, reason, count) for stage, reason, count in body["rejections"])
        return cls(**{**body, "groups": groups, "rejections": rejections})


class Ledger:
    """The committed blocks in order; `records` is what the files say.

    Args:
        folder: where the record files are; it exists.
        root: seal of the run's identity, which the first record's seal covers.
    """

    def __init__(self, folder: Path, root: str) -> None:
        self._folder = folder
        self._seals = [root]
        self.records: list[Record] = []
        found = sorted(path for path in folder.iterdir())
        for path in found:
            entry = files.read_sealed(path, self._seals[-1]) if path == self._path(len(self.records)) else None
            if entry is None:
                log.warning("%s: damaged or out of order; it and the blocks after it are made again", path)
                break
            self.records.append(Record.from_json(entry[0]))
            self._seals.append(entry[1])
        for path in reversed(found[len(self.records) :]):
            files.remove(path)

    def append(self, record: Record) -> None:
        """Commit a block whose segment is already on the disk."""
        assert record.number == len(self.records)
        self._seals.append(files.write_sealed(self._path(record.number), record.to_json(), self._seals[-1]))
        self.records.append(record)

    def truncate(self, length: int) -> None:
        """Forget the blocks from number `length` on; from the last one, so that a kill leaves a whole list."""
        while len(self.records) > length:
            files.remove(self._path(len(self.records) - 1))
            self.records.pop()
            self._seals.pop()

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:06d}.json"
