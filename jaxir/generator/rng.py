"""Random choices that are a pure function of their key, on every machine and Python version.

Only `random.Random.random()` is used: its sequence is the one that Python guarantees to keep; `choice`, `shuffle` and
`sample` may change between versions.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")


class Rng:
    """A stream of choices keyed by any values with a stable `repr`, such as `Rng(seed, index, attempt)`."""

    def __init__(self, *key: object) -> None:
        self._random = random.Random("/".join(map(repr, key))).random

    def uniform(self, lo: float = 0.0, hi: float = 1.0) -> float:
        return lo + (hi - lo) * self._random()

    def integer(self, lo: int, hi: int) -> int:
        """A whole number from `lo` to `hi`, both included."""
        return lo + int(self._random() * (hi - lo + 1))

    def chance(self, probability: float) -> bool:
        return self._random() < probability

    def choice(self, items: Sequence[T]) -> T:
        return items[int(self._random() * len(items))]

    def weighted(self, weights: Mapping[T, float]) -> T:
        """A key of `weights`, in proportion to its weight; the order of the mapping is part of the result."""
        mark = self._random() * sum(weights.values())
        for item, weight in weights.items():
            mark -= weight
            if mark < 0:
                return item
        return list(weights)[-1]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """A new list in random order (Fisher and Yates)."""
        result = list(items)
        for last in range(len(result) - 1, 0, -1):
            other = int(self._random() * (last + 1))
            result[last], result[other] = result[other], result[last]
        return result
