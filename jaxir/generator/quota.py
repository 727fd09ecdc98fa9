"""Turns: what a plan asks of each visit of a root template, so that every prefix of the visits is even.

Nothing here looks at what came of earlier visits: the turn of a visit is a function of its number alone.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from jaxir.generator.rng import Rng

T = TypeVar("T")


class Turns(Generic[T]):
    """An endless sequence of items, each with its weight's share of any prefix.

    Stride scheduling: the k-th turn of an item is due at (k + phase) / weight, and turns are taken as they become due
    (Waldspurger and Weihl, "Stride scheduling", MIT 1995). The phases are random, so that light items do not all come
    at the same visits of every template.

    Args:
        weights: of the items; their order is part of the result. At least one, all above 0.
        rng: the phases.
    """

    def __init__(self, weights: Mapping[T, float], rng: Rng) -> None:
        self._items = list(weights.items())
        self._due = [(rng.uniform() / weight, place) for place, (_, weight) in enumerate(self._items)]
        heapq.heapify(self._due)
        self._taken: list[T] = []

    def __getitem__(self, visit: int) -> T:
        while len(self._taken) <= visit:
            due, place = self._due[0]
            item, weight = self._items[place]
            heapq.heapreplace(self._due, (due + 1 / weight, place))
            self._taken.append(item)
        return self._taken[visit]


def cycled(items: Sequence[T], visit: int, *key: object) -> T:
    """The item of a visit: all items in random order, then all in another order, and so on.

    Each cycle has an order of its own, so that two options with as many choices do not meet in the same pairs only.
    """
    cycle, place = divmod(visit, len(items))
    return Rng(*key, cycle).shuffled(items)[place]
