"""Inputs that make rare behaviour show: zeros and ties, signs, whole ranges of integers, large numbers.

The distributions of `jaxir.executor.inputs` keep a kernel defined; these need not. On some of them a kernel may divide
by zero or overflow, so they serve to tell two programs apart where both sides of a sample agree.

| number % 4 | floating point, both parts of a complex | integers |
|---|---|---|
| 0 | 0, -0.5, 0.5, -1, 1, 2, -3 | 0, 1, -1, 2, 3, -5 |
| 1 | normal, times 30 | the whole range of the type |
| 2 | uniform in (-1, 1), a half of them 0 | -200..200 |
| 3 | uniform in (1, 4), whole numbers for a half | powers of two and their neighbours |

Unsigned types take magnitudes, narrow types what they can hold; booleans are fair coins.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import ml_dtypes
import numpy as np

from jaxir.executor.inputs import Array, numpy_dtype
from jaxir.sample import ArraySpec

#: Number of distributions.
PROBES: Final = 4

_FEW_REALS: Final = np.array([0.0, -0.5, 0.5, -1.0, 1.0, 2.0, -3.0])
_FEW_INTEGERS: Final = np.array([0, 1, -1, 2, 3, -5])


def _reals(rng: np.random.Generator, shape: tuple[int, ...], number: int) -> Array:
    coins = rng.random(shape) < 0.5
    if number == 0:
        values = rng.choice(_FEW_REALS, shape)
    elif number == 1:
        values = 30 * rng.standard_normal(shape)
    elif number == 2:
        values = np.where(coins, 0.0, rng.uniform(-1.0, 1.0, shape))
    else:
        values = rng.uniform(1.0, 4.0, shape)
        values = np.where(coins, np.floor(values), values)
    return np.asarray(values)


def _integers(rng: np.random.Generator, shape: tuple[int, ...], number: int, low: int, high: int) -> Array:
    if number == 0:
        values = rng.choice(_FEW_INTEGERS, shape)
    elif number == 1:
        return rng.integers(low, high, shape, dtype=np.uint64 if high >= 1 << 63 else np.int64, endpoint=True)
    elif number == 2:
        values = rng.integers(-200, 200, shape, endpoint=True)
    else:
        powers = np.int64(1) << rng.integers(0, high.bit_length(), shape).clip(0, 62)
        values = (powers + rng.integers(-1, 1, shape, endpoint=True)) * rng.choice([-1, 1], shape)
    values = np.abs(values) if low == 0 else values
    return np.asarray(np.clip(values, max(low, -(1 << 63)), min(high, (1 << 63) - 1)))


def probe(specs: Sequence[ArraySpec], number: int) -> list[Array]:
    """One array for each spec; a pure function of its arguments.

    Args:
        specs: argument types, sizes known.
        number: any integer >= 0; `number % PROBES` picks the distribution.
    """
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([number, PROBES])))
    kind = number % PROBES
    arrays = []
    for spec in specs:
        shape = tuple(int(dim) for dim in spec.shape)
        dtype = numpy_dtype(spec.dtype)
        array: Any
        if spec.dtype == "bool":
            array = rng.integers(0, 2, shape)
        elif spec.dtype.startswith(("int", "uint")):
            limits = ml_dtypes.iinfo(dtype)  # type: ignore[no-untyped-call]  # its stub lacks one
            array = _integers(rng, shape, kind, int(limits.min), int(limits.max))
        elif spec.dtype.startswith("complex"):
            array = _reals(rng, shape, kind) + 1j * _reals(rng, shape, kind)
        else:
            array = np.asarray(_reals(rng, shape, kind))
        arrays.append(np.asarray(array).astype(dtype))
    return arrays
