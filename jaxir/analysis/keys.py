"""Sets of millions of texts in little memory: 16 bytes a row, sorted once at the end."""

from __future__ import annotations

import dataclasses
import hashlib
from array import array
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

_WIDTH = 16


@dataclasses.dataclass(frozen=True)
class Shares:
    """What a finished `KeyColumn` says.

    Attributes:
        rows: rows that have a key.
        distinct: distinct keys.
        counts: rows of each distinct key, most first (ties in order of the first row).
        first_rows: number of the first row of each distinct key, in the order of `counts`.
        shared: (group, group) -> keys that occur in both, for every two groups that occur.
    """

    rows: int
    distinct: int
    counts: NDArray[np.int64]
    first_rows: NDArray[np.int64]
    shared: dict[tuple[int, int], int]


class KeyColumn:
    """One key a row, with a small group number (the split) for each; `finish` counts them.

    Memory is 16 + 1 + 8 bytes a row while it grows and about four times as much for a moment in `finish`.
    """

    def __init__(self) -> None:
        self._digests = bytearray()
        self._groups = bytearray()
        self._rows = array("q")

    def add(self, row: int, key: str, group: int) -> None:
        """Note the key of a row; an empty key is no key. Groups run from 0 to 63."""
        if key:
            self._digests += hashlib.blake2b(key.encode(), digest_size=_WIDTH).digest()
            self._groups.append(group)
            self._rows.append(row)

    def __len__(self) -> int:
        return len(self._groups)

    def finish(self) -> Shares:
        if not self._groups:
            return Shares(0, 0, np.zeros(0, np.int64), np.zeros(0, np.int64), {})
        # S16 compares like the bytes themselves: all keys are 16 long, so padding cannot make two of them equal.
        digests = np.frombuffer(bytes(self._digests), dtype=f"S{_WIDTH}")
        groups = np.frombuffer(bytes(self._groups), dtype=np.uint8)
        _, first, inverse, counts = np.unique(digests, return_index=True, return_inverse=True, return_counts=True)
        order = np.lexsort((first, -counts))
        seen = np.zeros(len(counts), dtype=np.uint64)
        present = sorted(set(groups.tolist()))
        for group in present:
            seen[inverse[groups == group]] |= np.uint64(1 << group)
        shared = {
            (a, b): int(np.count_nonzero((seen & np.uint64(1 << a) != 0) & (seen & np.uint64(1 << b) != 0)))
            for a, b in combinations(present, 2)
        }
        rows = np.frombuffer(self._rows, dtype=np.int64)
        return Shares(len(digests), len(counts), counts[order].astype(np.int64), rows[first[order]], shared)
