"""Inputs of a kernel: a pure function of its argument types and one integer.

`draw(specs, input_seed)` gives the same arrays on every machine. `input_seed % 4` picks the distribution, so that
a kernel whose domain is limited (log, arccos, arccosh, an index) has a distribution that suits it:

| input_seed % 4 | floating point, both parts of a complex | signed integers | unsigned integers |
|---|---|---|---|
| 0 | uniform in (0.1, 0.9) | 0..9 | 0..9 |
| 1 | uniform in (1.1, 2.0) | 1..9 | 1..9 |
| 2 | standard normal | -9..9 | 0..9 |
| 3 | uniform in (-0.9, 0.9) | -3..3 | 0..3 |

Integers stay inside the range of their type (int2 is -2..1); booleans are fair coins. Values are drawn in float64 or
int64 and rounded once to the type of the argument.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import ml_dtypes
import numpy as np
import numpy.typing as npt

from jaxir.sample import ArraySpec

Array = npt.NDArray[Any]
_Shape = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Distribution:
    """One row of the table: how to draw float64 values, and the closed ranges of integers."""

    real: Callable[[np.random.Generator, _Shape], Array]
    signed: tuple[int, int]
    unsigned: tuple[int, int]


DISTRIBUTIONS: Final = (
    Distribution(lambda rng, shape: rng.uniform(0.1, 0.9, shape), (0, 9), (0, 9)),
    Distribution(lambda rng, shape: rng.uniform(1.1, 2.0, shape), (1, 9), (1, 9)),
    Distribution(lambda rng, shape: rng.standard_normal(shape), (-9, 9), (0, 9)),
    Distribution(lambda rng, shape: rng.uniform(-0.9, 0.9, shape), (-3, 3), (0, 3)),
)


def numpy_dtype(name: str) -> np.dtype[Any]:
    """The NumPy (or ml_dtypes) type of an element type's name."""
    extended = getattr(ml_dtypes, name, None)
    return np.dtype(name if extended is None else extended)


#: MLIR's spelling of an element type: family, bits, kind of a small float.
ELEMENT: Final = re.compile(r"(bf|f|ui|i)(\d+)(\w*)")
_FAMILIES: Final = {"bf": "bfloat", "f": "float", "ui": "uint", "i": "int"}


def element_name(mlir: str) -> str:
    """The name of an element type that MLIR spells `f32`, `ui8`, `i1`, `complex<f32>` or `f8E4M3FN`; others stay."""
    if mlir.startswith("complex<"):
        return {"complex<f32>": "complex64", "complex<f64>": "complex128"}.get(mlir, mlir)
    match = ELEMENT.fullmatch(mlir)
    if mlir == "i1" or match is None:
        return "bool" if mlir == "i1" else mlir
    family, bits, rest = match.groups()
    return f"{_FAMILIES[family]}{bits}" + (f"_{rest.lower()}" if rest else "")


#: Sizes of the symbolic dims in the order in which they occur, for two kinds of draws; more names go on from the last.
_SIZES: Final = ((3, 2, 4), (5, 6, 7))


def sized(specs: Sequence[ArraySpec], input_seed: int) -> tuple[ArraySpec, ...]:
    """The specs with a size for each symbolic dim: one of two choices, which `input_seed // 2` takes in turn."""
    if all(isinstance(dim, int) for spec in specs for dim in spec.shape):
        return tuple(specs)
    sizes = _SIZES[input_seed // 2 % len(_SIZES)]
    names = dict.fromkeys(dim for spec in specs for dim in spec.shape if isinstance(dim, str))
    chosen = {name: (*sizes, *range(sizes[-1] + 1, 99))[place] for place, name in enumerate(names)}
    return tuple(ArraySpec(tuple(chosen.get(str(dim), dim) for dim in spec.shape), spec.dtype) for spec in specs)


def _array(rng: np.random.Generator, spec: ArraySpec, distribution: Distribution) -> Array:
    shape = tuple(int(dim) for dim in spec.shape)
    dtype = numpy_dtype(spec.dtype)
    if spec.dtype == "bool":
        return rng.integers(0, 2, shape).astype(np.bool_)
    if spec.dtype.startswith("complex"):
        parts = distribution.real(rng, shape), distribution.real(rng, shape)
        return np.asarray(parts[0] + 1j * parts[1]).astype(dtype)
    if spec.dtype.startswith(("int", "uint")):
        low, high = distribution.unsigned if spec.dtype.startswith("u") else distribution.signed
        limits = ml_dtypes.iinfo(dtype)  # type: ignore[no-untyped-call]  # its stub lacks one
        return rng.integers(max(low, limits.min), min(high, limits.max), shape, endpoint=True).astype(dtype)
    values = np.asarray(distribution.real(rng, shape))
    # This type holds powers of two and no sign.
    return (np.abs(values) if spec.dtype == "float8_e8m0fnu" else values).astype(dtype)


def draw(specs: Sequence[ArraySpec], input_seed: int) -> list[Array]:
    """One array for each spec.

    Args:
        specs: argument types; symbolic dims get the sizes of `sized`.
        input_seed: any integer >= 0; `input_seed % 4` picks the distribution.
    """
    specs = sized(specs, input_seed)
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence(input_seed)))
    distribution = DISTRIBUTIONS[input_seed % len(DISTRIBUTIONS)]
    return [_array(rng, spec, distribution) for spec in specs]
