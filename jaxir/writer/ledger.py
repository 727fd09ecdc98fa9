"""The ledger: which blocks of rows are committed.

One small sealed file a block, `ledger/000000.json`, `000001.json`, ...: written by temporary name, fsync, rename and
fsync of the folder, like the block itself. A commit then costs the same however long the run is (one growing file
would be written again each time), and no commit ever touches an earlier one (an appended file can be torn at its end).
Each seal covers the seal before it and the first covers the run's identity, so a record that is altered, missing or
from another run is not believed. Each file also holds the record before its own: one damaged file is written again from
the next, whose seal proves it, and the last one of a publish from `published.json`. The list ends where two in a row
are damaged, or the last since the publish; where rows cannot be made again, that is an error.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from pathlib import Path
from typing import Any

from jaxir import files
from jaxir.errors import UserError

log = logging.getLogger(__name__)

#: What to do about damage to rows that nobody makes again.
KEPT = "its rows cannot be made again, so nothing was changed; restore the file from a copy, or choose another --out"


@dataclasses.dataclass(frozen=True)
class Record:
    """One committed block."""

    number: int  #: 0, 1, 2, ...; also names the segment file
    sha256: str  #: of the segment file
    rows: int
    first: int | None  #: lowest index; None in a block without rows
    last: int | None  #: highest index
    groups: tuple[tuple[str, str, int], ...]  #: (split, category, rows) in the order of the segment
    rejections: tuple[tuple[str, str, int], ...]  #: (stage, reason, count) within this block
    extra: dict[str, Any]  #: whatever the caller handed over with the block

    @property
    def segment(self) -> str:
        """File name of the segment."""
        return f"{self.number:06d}.arrow"

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> Record:
        groups = tuple((split, category, rows) for split, category, rows in body["groups"])
        rejections = tuple((stage, reason, count) for stage, reason, count in body["rejections"])
        return cls(**{**body, "groups": groups, "rejections": rejections})


class Totals:
    """Sums over the committed blocks, kept up to date, so that asking for them costs the same in a long run."""

    def __init__(self) -> None:
        self.rows = 0
        self.last: int | None = None  #: highest index
        self.counts: dict[tuple[str, str], int] = {}  #: rows by (split, category)
        self.rejections: dict[tuple[str, str], int] = {}  #: by (stage, reason)

    def add(self, record: Record) -> None:
        self.rows += record.rows
        self.last = self.last if record.last is None else record.last
        for split, category, rows in record.groups:
            self.counts[split, category] = self.counts.get((split, category), 0) + rows
        for stage, reason, count in record.rejections:
            self.rejections[stage, reason] = self.rejections.get((stage, reason), 0) + count


class Ledger:
    """The committed blocks in order; `records` is what the files say, `totals` are sums over it.

    Args:
        folder: where the record files are; it exists.
        root: seal of the run's identity, which the first record's seal covers.
        copy: body of a record that was the last one once, and its seal, for when its file is damaged.
        keep: damaged records that nothing mends are a `UserError`, instead of being removed with all after them.
    """

    def __init__(
        self, folder: Path, root: str, copy: tuple[dict[str, Any], str] | None = None, *, keep: bool = False
    ) -> None:
        self._folder = folder
        self._seals = [root]
        self._copy = copy
        self.records: list[Record] = []
        self.totals = Totals()
        # A record that was being written when the run stopped was not committed.
        found = sorted(path for path in folder.iterdir() if path.suffix != files.TEMPORARY)
        while entry := files.read_sealed(self._path(len(self.records)), self.seal) or self._rebuilt():
            self._add(Record.from_json(entry[0]), entry[1])
        known = {self._path(record.number) for record in self.records}
        doubtful = [path for path in found if path not in known]
        if doubtful:
            if keep:
                raise UserError(f"{doubtful[0]}: damaged or out of order; {KEPT}")
            log.warning("%s: damaged or out of order; it and the blocks after it are made again", doubtful[0])
        for path in reversed(doubtful):
            files.remove(path)

    @property
    def seal(self) -> str:
        """Seal of the last record, which covers all records and the run's identity."""
        return self._seals[-1]

    def has(self, seal: str) -> bool:
        """Whether the list begins with the one that has this seal."""
        return seal in self._seals

    def append(self, record: Record) -> None:
        """Commit a block whose segment is already on the disk."""
        assert record.number == len(self.records)
        self._add(record, self._write(record.to_json()))

    def truncate(self, length: int) -> None:
        """Forget the blocks from number `length` on; from the last one, so that a kill leaves a whole list."""
        while len(self.records) > length:
            files.remove(self._path(len(self.records) - 1))
            self.records.pop()
            self._seals.pop()
        self.totals = Totals()
        for record in self.records:
            self.totals.add(record)

    def _add(self, record: Record, mark: str) -> None:
        self.records.append(record)
        self.totals.add(record)
        self._seals.append(mark)

    def _write(self, body: dict[str, Any]) -> str:
        """Write the next record's file; returns its seal."""
        before = self.records[-1].to_json() if self.records else None
        return files.write_sealed(self._path(len(self.records)), body, self.seal, before=before)

    def _rebuilt(self) -> tuple[dict[str, Any], str] | None:
        """The next record, whose file is damaged or missing, as the file after it or the copy has it; else None."""
        path, after = self._path(len(self.records)), self._path(len(self.records) + 1)
        if self._copy is not None and files.seal(self._copy[0], self.seal) == self._copy[1]:
            log.warning("%s: damaged or missing; it is written again from the record of the publish", path)
            return self._copy[0], self._write(self._copy[0])
        try:
            body = json.loads(after.read_bytes())["before"]
            mark = files.seal(body, self.seal)
        except (FileNotFoundError, ValueError, KeyError, TypeError, RecursionError):
            return None
        if files.read_sealed(after, mark) is None:
            return None
        log.warning("%s: damaged or missing; it is written again from %s", path, after.name)
        return body, self._write(body)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:06d}.json"
