"""What a corpus remembers of its rows: whether another may come in, and the counts of `stats.json`."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from jaxir.sample import CATEGORIES, SPLITS


class Admission:
    """Admission rule 6, and splits that do not leak.

    A row's IR must be new up to names, and its skeleton must have room. The split follows from the skeleton; one source
    text may be lowered for several input types, and two programs may compute the same, so a row is also refused if its
    source or its behaviour is in another split already.
    """

    #: What is remembered of a row.
    COLUMNS = ("canonical_hash", "skeleton_hash", "behavior_hash", "python_source", "split")

    def __init__(self, rows_per_skeleton: int) -> None:
        self.rows_per_skeleton = rows_per_skeleton
        self.canonical: set[bytes] = set()
        self.skeletons: Counter[bytes] = Counter()
        self.split_of_source: dict[bytes, int] = {}
        self.split_of_behavior: dict[bytes, int] = {}

    def refuse(self, row: Mapping[str, Any]) -> str:
        """Why the row may not come in, or "" after it was let in."""
        canonical, skeleton, behavior, source, split = self._keys(row)
        if canonical in self.canonical:
            return "duplicate IR"
        if self.skeletons[skeleton] >= self.rows_per_skeleton:
            return "skeleton is full"
        if self.split_of_source.get(source, split) != split:
            return "source is in another split"
        if self.split_of_behavior.get(behavior, split) != split:
            return "behaviour is in another split"
        self.add(row)
        return ""

    def add(self, row: Mapping[str, Any]) -> None:
        """Remember a row that is in the corpus."""
        canonical, skeleton, behavior, source, split = self._keys(row)
        self.canonical.add(canonical)
        self.skeletons[skeleton] += 1
        self.split_of_source[source] = split
        self.split_of_behavior[behavior] = split

    @staticmethod
    def _keys(row: Mapping[str, Any]) -> tuple[bytes, bytes, bytes, bytes, int]:
        canonical, skeleton = bytes.fromhex(row["canonical_hash"]), bytes.fromhex(row["skeleton_hash"])
        source = hashlib.sha256(row["python_source"].encode()).digest()[:16]
        return canonical, skeleton, bytes.fromhex(row["behavior_hash"]), source, SPLITS.index(row["split"])


class Tally:
    """Counts over the rows of a corpus, for `stats.json`."""

    COLUMNS = ("category", "level", "split", "operation", "verified", "python_chars", "ir_chars")

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {name: Counter() for name in ("category", "level", "split", "operation")}
        self.verified: Counter[str] = Counter()
        # Counted and not listed: a million rows have a few thousand lengths.
        self.lengths: dict[str, Counter[int]] = {"python_chars": Counter(), "ir_chars": Counter()}

    def add(self, row: Mapping[str, Any]) -> None:
        for name, counter in self.counts.items():
            counter[str(row[name])] += 1
        self.verified["+".join(row["verified"])] += 1
        for name, lengths in self.lengths.items():
            lengths[row[name]] += 1

    def figures(self) -> dict[str, Any]:
        """Medians of the text lengths and rows by category, level, split, root template and oracles that agreed."""
        figures: dict[str, Any] = {}
        for name, lengths in self.lengths.items():
            rows = lengths.total()
            figures[f"median_{name}"] = _ranked(lengths, rows // 2)
            figures[f"p90_{name}"] = _ranked(lengths, rows * 9 // 10)
        order = {name: position for position, name in enumerate(CATEGORIES)}
        by_category = sorted(self.counts["category"].items(), key=lambda item: order.get(item[0], len(order)))
        figures["categories"] = dict(by_category)
        for plural, name in (("levels", "level"), ("splits", "split"), ("operations", "operation")):
            figures[plural] = dict(sorted(self.counts[name].items()))
        figures["verified"] = dict(sorted(self.verified.items()))
        return figures


#: Columns of a corpus that `recall` reads.
COLUMNS = tuple(sorted({*Admission.COLUMNS, *Tally.COLUMNS}))


def recall(rows: Iterable[Mapping[str, Any]], admission: Admission, tally: Tally) -> None:
    """Take in rows that are in the corpus already."""
    for row in rows:
        admission.add(row)
        tally.add(row)


def _ranked(counter: Counter[int], rank: int) -> int:
    """The value at a place, from 0, of the sorted list that was counted; 0 for an empty one."""
    for value in sorted(counter):
        rank -= counter[value]
        if rank < 0:
            return value
    return 0
