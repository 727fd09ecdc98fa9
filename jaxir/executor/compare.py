"""Compare the results of two oracles, with tolerances that are a table.

Two right implementations differ by rounding, and by how much depends on the program: a difference of nearly equal
numbers shows the rounding of everything before it. So there are two bounds. Each element may be off by some units in
the last place of the coarsest floating-point type in the program (`FACTORS`, by what its ops do). What is beyond may be
off by `ROUNDING_FACTOR` times the program's own rounding error on these inputs (`jaxir.executor.rounding`: the
distance between evaluation as typed and in 64 bits). Where that error is infinite, rounding decides the result, and two
implementations need not agree; `Comparison.fault` then says `rounding decides`.

Of types with few digits (`COARSE`) XLA may keep more digits from op to op, which is a unit or more in the end. Two
implementations that round the result of each op to its type leave no such room (`Tolerance.rounds`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

import ml_dtypes
import numpy as np
import numpy.typing as npt

from jaxir.executor.inputs import element_name, numpy_dtype

Array = npt.NDArray[Any]


@dataclasses.dataclass(frozen=True)
class Factor:
    """Units in the last place that ops of a class may cost, and why."""

    name: str
    ops: frozenset[str]
    units: float
    reason: str


#: From tight to loose; a program gets the loosest of those whose ops it holds.
FACTORS: Final = (
    Factor("plain", frozenset(), 4.0, "each op rounds once, in both implementations alike, but for fused ones"),
    Factor(
        "function",
        frozenset(
            f"stablehlo.{name}"
            for name in (
                "atan2", "cbrt", "cosine", "divide", "exponential", "exponential_minus_one", "log", "log_plus_one",
                "logistic", "power", "rsqrt", "sine", "sqrt", "tan", "tanh",
            )
        ),
        16.0,
        "libraries give functions to a few units in the last place",
    ),
    Factor(
        "sum",
        frozenset(
            f"stablehlo.{name}"
            for name in (
                "convolution", "dot", "dot_general", "reduce", "reduce_window", "scatter", "select_and_scatter"
            )
        ),
        32.0,
        "terms are added in another order",
    ),
    Factor("spectrum", frozenset({"stablehlo.fft"}), 128.0, "butterflies and twiddle factors differ"),
)  # fmt: skip
#: CHLO ops are expansions of many ops.
_EXPANSION: Final = Factor("expansion", frozenset(), 64.0, "special functions are series of their own in each library")
#: Machine epsilon above which many units would be a large part of the number itself: 16-bit and narrower types.
COARSE: Final = 5e-4
#: Units of such a type; what is beyond has to be explained by measured rounding, where that can be measured.
COARSE_UNITS: Final = 1.0
#: How many times its own rounding error a program may be off: each side has made that error once, in its own way, and a
#: few samples may miss the worst. With 16 the comparison caught 97.9 % of the single-op mutants, with 4 98.4 %, and the
#: same rows agreed (99.0 % since oracles that round each op are compared as such).
ROUNDING_FACTOR: Final = 4.0


@dataclasses.dataclass(frozen=True)
class Tolerance:
    """How far two results may be apart.

    Attributes:
        eps: distance from 1 to the next number in the coarsest floating-point type that the program uses; with `rounds`
            in the coarsest of those with many digits, or in float32 where there is none.
        units: of `eps` times the magnitude of an element.
        reason: why so many.
        rounds: whether it is for two implementations that round the result of each op to its type.
    """

    eps: float
    units: float
    reason: str
    rounds: bool = False


def tolerance_for(
    elements: Iterable[str], ops: Collection[str], *, measured: bool = True, rounds: bool = False
) -> Tolerance:
    """The tolerance of a program.

    Args:
        elements: all element types in it, in MLIR's spelling (`bf16`, `complex<f32>`).
        ops: names of its ops.
        measured: whether its rounding error can be measured.
        rounds: whether both implementations round the result of each op to its type. Then few-digit types excuse
            nothing: what is off by more than the program's other types allow has to be explained by measured rounding.
    """
    found = [_eps(name) for name in elements]
    eps = max(found, default=0.0)
    factor = FACTORS[0]
    for candidate in FACTORS[1:]:
        if not candidate.ops.isdisjoint(ops):
            factor = candidate
    if factor.units < _EXPANSION.units and any(op.startswith("chlo.") for op in ops):
        factor = _EXPANSION
    if eps > COARSE and measured and rounds:
        eps = max((one for one in found if 0 < one <= COARSE), default=_eps("f32"))
        return Tolerance(eps, factor.units, factor.reason, rounds=True)
    if eps > COARSE and measured:
        return Tolerance(eps, COARSE_UNITS, "few digits: what is beyond has to be explained by measured rounding")
    if eps > COARSE:
        return Tolerance(eps, FACTORS[0].units, "few digits, and no measure of rounding")
    return Tolerance(eps, factor.units, factor.reason)


def _eps(element: str) -> float:
    """Machine epsilon of an element type; 0 for one without fractions."""
    if element.startswith("!"):
        return 0.0  # a token
    return _precision(numpy_dtype(element_name(element)))[0]


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What comparing two lists of arrays showed.

    Attributes:
        agrees: within the tolerance, NaNs and infinities at the same places.
        max_abs_error: largest distance of two finite elements.
        max_rel_error: the same, divided by the larger magnitude of the two.
        max_ulp_error: the same, in units in the last place of the array's own type.
        fault: "" or what is wrong first: `number of results`, `shape`, `dtype`, `NaN or infinity`, `values`,
            `rounding decides`, with the number of the result.
    """

    agrees: bool
    max_abs_error: float
    max_rel_error: float
    max_ulp_error: float
    fault: str


def compare(
    expected: Sequence[Array],
    actual: Sequence[Array],
    tolerance: Tolerance,
    rounding: Sequence[Array] | None = None,
) -> Comparison:
    """Compare results of the same program on the same inputs.

    Args:
        expected: flat results.
        actual: flat results of the other side.
        tolerance: from `tolerance_for`.
        rounding: the program's rounding error for each element (`rounding.rounding_error`), where known.
    """
    if len(expected) != len(actual):
        return Comparison(False, 0.0, 0.0, 0.0, f"number of results: {len(actual)}, not {len(expected)}")
    worst = (0.0, 0.0, 0.0)
    fault = ""
    for place, (left, right) in enumerate(zip(expected, actual, strict=True)):
        if left.shape != right.shape:
            fault = fault or f"shape of result {place}: {right.shape}, not {left.shape}"
            continue
        if left.dtype != right.dtype:
            fault = fault or f"dtype of result {place}: {right.dtype}, not {left.dtype}"
            continue
        errors, wrong = _distance(left, right, tolerance, None if rounding is None else rounding[place])
        worst = (max(worst[0], errors[0]), max(worst[1], errors[1]), max(worst[2], errors[2]))
        fault = fault or (f"{wrong} in result {place}" if wrong else "")
    return Comparison(not fault, *worst, fault)


def compare_explained(
    expected: Sequence[Array], actual: Sequence[Array], tolerance: Tolerance, errors: Iterable[Sequence[Array]]
) -> Comparison:
    """`compare`; while values differ by more, again with the next of the program's rounding errors.

    Args:
        expected, actual, tolerance: as for `compare`.
        errors: what `rounding.rounding_error` gives, the cheapest first; none is asked for that is not needed.
    """
    found, rest = compare(expected, actual, tolerance), iter(errors)
    while found.fault.startswith(("values", "NaN")) and (error := next(rest, None)) is not None:
        found = compare(expected, actual, tolerance, error)
    return found


def _distance(
    left: Array, right: Array, tolerance: Tolerance, rounding: Array | None
) -> tuple[tuple[float, float, float], str]:
    """(absolute, relative, ulp) errors, and what is wrong."""
    # A float does not hold every 64-bit integer: whether two are equal is exact, how far they are apart is not.
    exact = left.dtype.kind in "biu"
    if exact and (left == right).all():
        return (0.0, 0.0, 0.0), ""
    is_complex = left.dtype.kind == "c"
    wide = np.complex128 if is_complex else np.float64
    a, b = left.astype(wide), right.astype(wide)
    with np.errstate(all="ignore"):
        special = ~(np.isfinite(a) & np.isfinite(b))
        same = left == right if exact else _same(a.real, b.real) & (not is_complex or _same(a.imag, b.imag))
        size = np.maximum(np.abs(a), np.abs(b))
        error = np.where(special | same, 0.0, np.maximum(np.abs(a - b), exact))
        relative = np.where(error > 0, error / np.where(size > 0, size, 1.0), 0.0)
    eps, tiny = _precision(left.dtype)
    units = 0.0
    if eps:
        exponent = np.floor(np.log2(np.maximum(np.where(special, tiny, size), tiny)))
        units = float((error / (eps * np.exp2(exponent))).max(initial=0.0))
    figures = (float(error.max(initial=0.0)), float(relative.max(initial=0.0)), units)
    bound = tolerance.units * tolerance.eps * np.where(special, 0.0, size) + tiny if eps else np.zeros(a.shape)
    beyond = np.where(special, ~same, error > bound)
    if not beyond.any():
        return figures, ""
    if rounding is not None:
        undecided = beyond & np.isinf(rounding)
        beyond = beyond & ~undecided & (special | (error > bound + ROUNDING_FACTOR * np.where(undecided, 0, rounding)))
        if not beyond.any():
            return figures, "rounding decides" if undecided.any() else ""
    return figures, "NaN or infinity" if (beyond & special).any() else "values"


def _same(left: Array, right: Array) -> Any:
    """Equal, or both NaN; a complex number with an infinite part is compared by parts."""
    return (left == right) | (np.isnan(left) & np.isnan(right))


def _precision(dtype: np.dtype[Any]) -> tuple[float, float]:
    """Machine epsilon (0 without fractions) and smallest normal number, below which some flush to zero."""
    if dtype == np.bool_ or dtype.name.startswith(("int", "uint")):
        return 0.0, np.finfo(np.float64).tiny
    kind = {"complex64": np.dtype(np.float32), "complex128": np.dtype(np.float64)}.get(dtype.name, dtype)
    info = ml_dtypes.finfo(kind)  # type: ignore[no-untyped-call]  # its stub lacks one
    return float(info.eps), float(info.smallest_normal)
