"""How far rounding alone can move the results of a kernel, measured by computing it several times.

Two right implementations of one kernel differ: they add in other orders and their functions are a few units in the last
place apart. What remains of that in a result depends on the kernel: where nearly equal numbers are subtracted, or a
comparison is nearly a tie, it is most of the result. `rounding_error` measures it by Monte Carlo arithmetic (Parker,
"Monte Carlo arithmetic", UCLA 1997): the kernel is evaluated in 64 bits, once as it stands and a few times with each
inexact result disturbed by about the error that a good implementation may make there. A difference between two oracles
that is not larger than that is no fault of either.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import ml_dtypes
import numpy as np

from jaxir.executor.compare import COARSE
from jaxir.executor.evaluate import Evaluator, type_of
from jaxir.executor.numpy_rules import Array, Call, Rule, Type
from jaxir.executor.numpy_rules.dtypes import kind

#: Disturbed evaluations; the first errors of a kind show in two, rare ties need a few more.
SAMPLES: Final = 4
#: Primitives that mean a certain type and no wider one: they round on purpose or look at bits.
_TYPED: Final = frozenset({"convert_element_type", "bitcast_convert_type", "nextafter"})

_ARITHMETIC: Final = ("add", "add_any", "sub", "mul", "div", "square", "sqrt", "rem", "reduce_prod", "cumprod")
_FUNCTIONS: Final = (
    *("exp", "exp2", "expm1", "log", "log1p", "rsqrt", "cbrt", "pow", "integer_pow", "logistic"),
    *("sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
    *("erf", "erfc", "erf_inv", "bessel_i0e", "bessel_i1e", "cumlogsumexp", "abs", "sign"),
)
_SERIES: Final = (
    *("lgamma", "digamma", "polygamma", "zeta", "igamma", "igammac", "igamma_grad_a", "random_gamma_grad"),
    "regularized_incomplete_beta",
)
_SUMS: Final = (
    *("reduce_sum", "cumsum", "reduce_window_sum", "dot_general", "conv_general_dilated", "fft", "scatter-add"),
    *("scatter-sub", "scatter-mul", "select_and_scatter_add"),
    *("cholesky", "triangular_solve", "lu", "tridiagonal_solve", "cholesky_update", "symmetric_product"),
    *("householder_product", "ormqr"),
)
#: Sums over the devices of a mesh, which exchange operands: each device runs such a rule once.
_SHARED_SUMS: Final = ("psum", "psum_invariant", "reduce_scatter")
#: Decompositions by orthogonal transformations: the factors are those of a matrix that is a few units of its largest
#: element off, in any of its elements (LAPACK Users' Guide, 4.2 and 4.7 to 4.10).
_DECOMPOSITIONS: Final = ("eigh", "eig", "svd", "qr", "geqrf", "hessenberg", "tridiagonal", "schur")
#: Units in the last place by which a result may be off where it cannot be exact: +, -, *, / and sqrt are rounded
#: correctly, so one; functions as far as XLA's CPU code of jaxlib 0.10.2 was measured to be off in float32 (sinh 5.5,
#: erfc 10.7, erf_inv 36.6).
_ULPS: Final = {
    **dict.fromkeys(_ARITHMETIC, 1.0),
    **dict.fromkeys(_FUNCTIONS, 6.0),
    "erfc": 12.0,
    "erf_inv": 40.0,
}
#: Functions that are further off in one type: log1p of float64 by up to 128 units around -0.414 (2.4 in float32).
_WORSE: Final = {("log1p", "float64"): 128.0, ("log1p", "complex128"): 128.0}
#: Functions that come near a round number at the ends of their range; an implementation may stay a unit away from it.
_SATURATING: Final = frozenset({"tanh", "logistic", "erf"})
#: Units by which functions that XLA expands into series in the type itself are off, and not less than of 1.0: terms of
#: that size cancel where they are small (lgamma at 1 and 2, measured up to 20 units).
_SERIES_ULPS: Final = 32.0
#: Units by which operands of sums are disturbed instead: a sum in any order is the exact sum of operands that are a
#: little off (Higham, "Accuracy and stability of numerical algorithms", 4.2), by as many units as there are steps.
_OPERAND_ULPS: Final = 4.0
#: Primitives that both the reference interpreter and NumPy's rules compute with many digits and round once.
_ONCE: Final = frozenset(
    (
        *("add", "add_any", "sub", "mul", "div", "sqrt", "exp", "expm1", "log", "log1p", "rsqrt", "cbrt", "pow"),
        *("logistic", "sin", "cos", "tan", "atan2", "tanh"),
    )
)
#: What stands in for a 64-bit type where it is asked whether a value was rounded.
_NARROWER: Final = {np.dtype(np.float64): np.dtype(np.float32), np.dtype(np.complex128): np.dtype(np.complex64)}


def _unit(dtype: np.dtype[Any]) -> float:
    """One unit in the last place of 1.0; of complex numbers that of their parts, 0 of anything else."""
    letter = kind(dtype)
    if letter == "c":
        return 2.0**-23 if dtype.itemsize == 8 else 2.0**-52
    if letter != "f":
        return 0.0
    return float(ml_dtypes.finfo(dtype).eps)  # type: ignore[no-untyped-call]  # ml_dtypes has no types here


def _has_few_digits(dtype: np.dtype[Any]) -> bool:
    return kind(dtype) == "f" and _unit(dtype) > COARSE


class Precise(Evaluator):
    """Evaluation in 64 bits whatever the types say; floats and complex numbers come out in 64 bits.

    Args:
        closed_jaxpr: as for `Evaluator`.
        rounds: round the results of each equation whose type has few digits (`COARSE`) to that type.
    """

    def __init__(self, closed_jaxpr: Any, *, rounds: bool = False) -> None:
        super().__init__(closed_jaxpr)
        self.rounds = rounds

    def stored(self, declared: Type) -> Type:
        letter = kind(declared.dtype)
        if letter not in "fc":
            return declared
        return Type(declared.shape, np.dtype(np.float64 if letter == "f" else np.complex128))

    def rule_of(self, equation: Any) -> Rule:
        rule = self.wide_rule_of(equation)
        types = [type_of(variable.aval).dtype for variable in equation.outvars]
        few = [self.rounds and _has_few_digits(dtype) for dtype in types]
        if not any(few):
            return rule
        several = equation.primitive.multiple_results

        def rounded(call: Call, *operands: Array) -> Any:
            made: Any = rule(call, *operands)
            results = [
                np.asarray(value).astype(dtype).astype(np.float64) if is_few else value
                for value, dtype, is_few in zip(made if several else [made], types, few, strict=True)
            ]
            return results if several else results[0]

        return rounded

    def wide_rule_of(self, equation: Any) -> Rule:
        """The rule that evaluates an equation, in 64 bits."""
        rule = super().rule_of(equation)
        name = equation.primitive.name
        if name not in _TYPED:
            return rule
        ins = [type_of(atom.aval) for atom in equation.invars]
        declared = Call(name, equation.params, (type_of(equation.outvars[0].aval),), self.call)
        stored = self.stored(declared.outs[0]).dtype

        def apply(call: Call, *operands: Array) -> Array:
            made: Any = rule(declared, *(value.astype(one.dtype) for value, one in zip(operands, ins, strict=True)))
            return made.astype(stored)  # type: ignore[no-any-return]

        return apply


class Disturbed(Precise):
    """Evaluation in 64 bits with errors such as another implementation may make; equal seeds make equal errors."""

    def __init__(self, closed_jaxpr: Any, seed: int, *, rounds: bool = False) -> None:
        super().__init__(closed_jaxpr, rounds=rounds)
        self._rng = np.random.Generator(np.random.Philox(seed))

    def _noise(self, shape: tuple[int, ...]) -> Array:
        return self._rng.uniform(-1.0, 1.0, shape)

    def wide_rule_of(self, equation: Any) -> Rule:
        rule = super().wide_rule_of(equation)
        name = equation.primitive.name
        declared = type_of(equation.outvars[0].aval).dtype if equation.outvars else np.dtype(bool)
        unit = _unit(declared)
        if not unit:
            return rule
        if self.rounds and name in _ONCE and _has_few_digits(declared):
            # Computed with more digits and rounded once: only what is nearly a tie may be rounded otherwise.
            return self._function(rule, np.dtype(np.float32), _unit(np.dtype(np.float32)) * _ULPS[name], 0.0, False)
        if name in _SUMS:
            return self._sum(rule, declared, unit)
        if name in _DECOMPOSITIONS:
            return lambda call, matrix: rule(call, self._disturb_matrix(matrix, unit))
        if name in _SHARED_SUMS:
            return lambda call, *operands: rule(call, *(self._disturb(operand, unit) for operand in operands))
        if name in _SERIES:
            return self._function(rule, declared, unit * _SERIES_ULPS, least=1.0, saturates=False)
        if name in _ULPS:
            units = _WORSE.get((name, declared.name), _ULPS[name])
            return self._function(rule, declared, unit * units, least=0.0, saturates=name in _SATURATING)
        return rule

    def _function(self, rule: Rule, declared: np.dtype[Any], error: float, least: float, saturates: bool) -> Rule:
        def apply(call: Call, *operands: Array) -> Array:
            exact = np.asarray(rule(call, *operands))
            disturbed = exact + error * np.maximum(np.abs(exact), least) * self._noise(exact.shape)
            # A series is not exact where its sum happens to be a round number.
            if least or saturates:
                return np.asarray(np.where(np.isfinite(exact), disturbed, exact))
            kept = _beyond_64_bits(call, exact, operands) if call.name in ("add", "add_any", "sub") else exact
            return np.asarray(np.where(_is_exact(exact, declared), kept, disturbed))

        return apply

    def _sum(self, rule: Rule, declared: np.dtype[Any], unit: float) -> Rule:
        def apply(call: Call, *operands: Array) -> Any:
            made: Any = rule(call, *operands)
            values = [*operands, *(made if isinstance(made, list) else [made])]
            # The roots of unity in a transform are never exact; and of what was rounded before, no sum is.
            if call.name != "fft" and all(_is_exact(value, declared).all() for value in values):
                return made
            return rule(call, *(self._disturb(operand, unit) for operand in operands))

        return apply

    def _disturb(self, operand: Array, unit: float) -> Array:
        """An operand of a sum, a few units off."""
        if kind(operand.dtype) not in "fc":
            return operand
        return operand * (1 + _OPERAND_ULPS * unit * self._noise(operand.shape))

    def _disturb_matrix(self, matrix: Array, unit: float) -> Array:
        """A matrix, a few units of its largest element off."""
        size = np.max(np.abs(matrix), axis=(-2, -1), keepdims=True, initial=0.0)
        return np.asarray(matrix + _OPERAND_ULPS * unit * size * self._noise(matrix.shape))


def _beyond_64_bits(call: Call, total: Array, operands: Sequence[Array]) -> Array:
    """Sums, moved by one unit of 64 bits towards what they lost: XLA may cancel terms before it adds them."""
    if kind(total.dtype) != "f":
        return total
    first, second = operands[0], -operands[1] if call.name == "sub" else operands[1]
    lost = np.where(np.abs(first) > np.abs(second), second - (total - first), first - (total - second))
    return np.where(lost == 0, total, np.nextafter(total, np.copysign(np.inf, lost)))


def _is_exact(values: Array, declared: np.dtype[Any]) -> Array:
    """Where values in 64 bits need no rounding to be of the declared type.

    Those of a 64-bit type were rounded already; then the ones that 32 bits can hold count as exact.
    """
    if kind(values.dtype) not in "fc":
        return np.ones(values.shape, bool)
    narrow = _NARROWER.get(declared, declared)
    return np.asarray(values.astype(narrow).astype(values.dtype) == values)


def rounding_error(
    closed_jaxpr: Any, inputs: Sequence[Array], samples: int = SAMPLES, *, rounds: bool = False
) -> list[Array]:
    """For each element of each result how far rounding may move it (float64): the largest distance that was seen.

    It is inf where only some evaluations are finite, or results without fractions differ, and 0 where all are equal.

    Args:
        closed_jaxpr: what `jax.jit(f).trace(...).jaxpr` gives.
        inputs: arrays of its argument types.
        samples: disturbed evaluations beside the one as typed and the one in 64 bits.
        rounds: measure it for implementations that round the result of each op to its type (`Oracle.rounds`); XLA may
            keep more digits between the ops of few-digit types.

    Raises:
        Rejected: stage `run`, as `jaxir.executor.evaluate.evaluate`.
    """
    precise = Precise(closed_jaxpr, rounds=rounds).run(inputs)
    others = [Evaluator(closed_jaxpr).run(inputs)]
    others += [Disturbed(closed_jaxpr, seed, rounds=rounds).run(inputs) for seed in range(samples)]
    return [
        np.max([_distance(expected, other[number]) for other in others], axis=0)
        for number, expected in enumerate(precise)
    ]


def _distance(expected: Array, actual: Array) -> Array:
    """Absolute differences: inf where only one is finite, or where values without fractions differ."""
    letter = kind(expected.dtype)
    if letter == "V":
        return np.where(expected == actual, 0.0, np.inf)
    wide = np.complex128 if letter == "c" else np.float64
    one, other = expected.astype(wide), actual.astype(wide)
    with np.errstate(all="ignore"):
        distance = np.abs(one - other)
    # Whole numbers as they are: a float does not hold every one of 64 bits.
    same = expected == actual if letter in "biu" else (one == other) | (np.isnan(one) & np.isnan(other))
    return np.where(same, 0.0, np.where(np.isnan(distance) | (letter in "biu"), np.inf, distance))


def rounding_share(
    closed_jaxpr: Any, inputs: Sequence[Array], results: Sequence[Array], *, rounds: bool = False
) -> float:
    """How much of a program's results is rounding, from 0 to 1: the mean over the elements of the worst result.

    Of a number it is the distance that rounding may move it, divided by its size or, if that is more, by the mean size
    of the result; of a whole number or a truth value it is 1 where rounding decides it.

    Args:
        closed_jaxpr, inputs, rounds: as for `rounding_error`.
        results: what an oracle made of these inputs.

    Raises:
        Rejected: as `rounding_error`.
    """
    precise = Precise(closed_jaxpr, rounds=rounds).run(inputs)
    disturbed = Disturbed(closed_jaxpr, 0, rounds=rounds).run(inputs)
    shares = [0.0]
    for expected, *others in zip(precise, disturbed, results, strict=True):
        if not expected.size:
            continue
        error = np.max([_distance(expected, other) for other in others], axis=0)
        if kind(expected.dtype) in "fc":
            with np.errstate(all="ignore"):
                size = np.maximum(np.abs(expected), np.abs(expected).mean())
                error = np.where(error == 0, 0.0, np.where(error < size, error / size, 1.0))
        shares.append(float(np.minimum(error, 1.0).mean()))
    return max(shares)
