"""Symbolic dims for kernels that were composed with sizes: which of the sizes become names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from jaxir.generator.rng import Rng
from jaxir.sample import ArraySpec

_NAMES: Final = ("b", "n")


def with_symbols(inputs: Sequence[ArraySpec], rng: Rng) -> tuple[ArraySpec, ...]:
    """The inputs with names for one or two of their sizes, the same name wherever the size occurs.

    Equal sizes may have come from dims of different names; as one symbol they stay equal, so the program keeps its
    types. Sizes of leading dims come first, and 1 is never taken: it broadcasts. Without a size to take, the inputs
    come back as they are.
    """
    sizes = [dim for spec in inputs for dim in spec.shape if isinstance(dim, int) and dim > 1]
    if not sizes:
        return tuple(inputs)
    leading = Counter(spec.shape[0] for spec in inputs if spec.rank and spec.shape[0] in sizes)
    everything = Counter(sizes)
    ordered = sorted(everything, key=lambda size: (-leading[size], -everything[size], size))
    names: dict[int | str, str] = dict(zip(ordered, _NAMES[: 2 if rng.chance(0.3) else 1], strict=False))
    return tuple(ArraySpec(tuple(names.get(dim, dim) for dim in spec.shape), spec.dtype) for spec in inputs)
