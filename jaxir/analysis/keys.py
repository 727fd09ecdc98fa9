"""Count distinct texts among any number of rows in bounded memory: 16-byte digests, spilled to disk by their prefix."""

from __future__ import annotations

import dataclasses
import hashlib
import tempfile
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_WIDTH: Final = 16
#: One row: digest of the key, row number, the caller's label, group.
_RECORD: Final = np.dtype([("digest", f"S{_WIDTH}"), ("row", "<i8"), ("label", "<i4"), ("group", "u1")])
#: Rows that are kept in memory before they are spilled.
BUFFER: Final = 1 << 16
#: Files that a column is spilled to, by the first byte of the digest; each is counted alone.
_PARTS: Final = 64
#: Keys that `Shares.top` names.
TOP: Final = 10


@dataclasses.dataclass(frozen=True)
class Shares:
    """What a finished `KeyColumn` says.

    Attributes:
        rows: rows that have a key.
        distinct: distinct keys.
        sizes: number of rows that share a key -> number of such keys.
        top: (rows, label of the first row) of the `TOP` most frequent keys, ties in order of the first row.
        shared: (group, group) -> keys that occur in both, for every two groups that occur.
    """

    rows: int
    distinct: int
    sizes: dict[int, int]
    top: list[tuple[int, int]]
    shared: dict[tuple[int, int], int]


class KeyColumn:
    """One key a row, with a label and a small group number (the split) for each; `finish` counts them.

    Memory is at most `BUFFER` rows of 29 bytes while it grows, and in `finish` a 64th of all rows, some 60 bytes each.
    """

    def __init__(self) -> None:
        self._rows = 0
        self._buffer = np.empty(BUFFER, dtype=_RECORD)
        self._filled = 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def add(self, row: int, key: bytes, group: int, label: int = 0) -> None:
        """Note the `digest` of a row's key, b"" if it has none. Groups run from 0 to 63, labels are 32-bit."""
        if not key:
            return
        if self._filled == BUFFER:
            self._spill()
        self._buffer[self._filled] = (key, row, label, group)
        self._filled += 1
        self._rows += 1

    def __len__(self) -> int:
        return self._rows

    def _spill(self) -> None:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="jaxir-keys-")
        filled = self._buffer[: self._filled]
        parts = filled.view("u1").reshape(len(filled), _RECORD.itemsize)[:, 0] % _PARTS
        for part in np.unique(parts):
            with Path(self._folder.name, str(part)).open("ab") as file:
                file.write(filled[parts == part].tobytes())
        self._filled = 0

    def finish(self) -> Shares:
        """Count; the column is empty afterwards."""
        shares = _Counting()
        if self._folder is None:
            shares.add(self._buffer[: self._filled])
        else:
            self._spill()
            for path in sorted(Path(self._folder.name).iterdir()):
                shares.add(np.fromfile(path, dtype=_RECORD))
            self._folder.cleanup()
            self._folder = None
        self._rows = self._filled = 0
        return shares.finish()


def digest(key: str) -> bytes:
    """What stands for a key in a `KeyColumn`: 16 bytes, none for an empty one."""
    return hashlib.blake2b(key.encode(), digest_size=_WIDTH).digest() if key else b""


class _Counting:
    """Adds up parts that have no key in common."""

    def __init__(self) -> None:
        self._rows = 0
        self._sizes: Counter[int] = Counter()
        self._top: list[tuple[int, int, int]] = []  #: (-rows, first row, label)
        self._shared: Counter[tuple[int, int]] = Counter()
        self._groups: set[int] = set()

    def add(self, part: NDArray[Any]) -> None:
        if not len(part):
            return
        # S16 compares like the bytes themselves: all keys are 16 long, so padding cannot make two of them equal.
        _, first, inverse, counts = np.unique(
            part["digest"], return_index=True, return_inverse=True, return_counts=True
        )
        self._rows += len(part)
        self._sizes.update(counts.tolist())
        order = np.lexsort((part["row"][first], -counts))[:TOP]
        rows, labels = part["row"][first[order]].tolist(), part["label"][first[order]].tolist()
        self._top = sorted([*self._top, *zip((-counts[order]).tolist(), rows, labels, strict=True)])[:TOP]
        seen = np.zeros(len(counts), dtype=np.uint64)
        groups = sorted(set(part["group"].tolist()))
        for group in groups:
            seen[inverse[part["group"] == group]] |= np.uint64(1 << group)
        self._groups |= set(groups)
        for a, b in combinations(groups, 2):
            both = np.uint64(1 << a | 1 << b)
            self._shared[a, b] += int(np.count_nonzero(seen & both == both))

    def finish(self) -> Shares:
        return Shares(
            rows=self._rows,
            distinct=self._sizes.total(),
            sizes=dict(sorted(self._sizes.items())),
            top=[(-count, label) for count, _, label in self._top],
            shared={pair: self._shared[pair] for pair in combinations(sorted(self._groups), 2)},
        )
