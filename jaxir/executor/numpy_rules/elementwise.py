"""Elementwise arithmetic, comparison and selection."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from jaxir.executor.numpy_rules.dtypes import bits, convert, exact, kind, total_order, wide
from jaxir.executor.numpy_rules.registry import Array, Call, Rule, add_rule, rule


def in_wide(function: Any) -> Rule:
    """A rule that computes in the wide type of its first operand and rounds to its own type."""

    def apply(call: Call, *operands: Array) -> Array:
        dtype = operands[0].dtype
        computed = wide(dtype)
        if computed is dtype:
            result: Array = function(*operands)
            return result
        return function(*(operand.astype(computed) for operand in operands)).astype(dtype)  # type: ignore[no-any-return]

    return apply


def compared(function: Any) -> Rule:
    """A rule that compares in the wide type; its result is bool."""

    def apply(call: Call, *operands: Array) -> Array:
        computed = wide(operands[0].dtype)
        result: Array = function(*(operand.astype(computed, copy=False) for operand in operands))
        return result

    return apply


def in_exact(function: Any) -> Rule:
    """A rule that computes in 64-bit floats and rounds to the type of its first operand."""

    def apply(call: Call, *operands: Array) -> Array:
        dtype = operands[0].dtype
        computed = exact(dtype)
        return function(*(operand.astype(computed, copy=False) for operand in operands)).astype(dtype)  # type: ignore[no-any-return]

    return apply


for _name, _function in {
    "add": np.add,
    "add_any": np.add,
    "sub": np.subtract,
    "neg": np.negative,
    "max": np.maximum,
    "min": np.minimum,
    "square": np.square,
    "floor": np.floor,
    "ceil": np.ceil,
}.items():
    add_rule(_name, in_wide(_function))

for _name, _function in {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "is_finite": np.isfinite,
}.items():
    add_rule(_name, compared(_function))


@rule("mul")
def _mul(call: Call, x: Array, y: Array) -> Array:
    out = call.params.get("out_dtype")
    if out is not None:
        x, y = convert(x, call.dtype), convert(y, call.dtype)
    return _product(call, x, y)  # type: ignore[return-value]  # it has one result


_product = in_wide(np.multiply)


@rule("mulhi")
def _mulhi(call: Call, x: Array, y: Array) -> Array:
    """The upper half of the double-width product; Python's integers hold it whatever the width."""
    product = np.multiply(x.astype(object), y.astype(object))
    return np.asarray(np.right_shift(product, bits(x.dtype))).astype(x.dtype)


@rule("eq_to", "lt_to", "le_to")
def _compare_totally(call: Call, x: Array, y: Array) -> Array:
    compare = {"eq_to": operator.eq, "lt_to": operator.lt, "le_to": operator.le}[call.name]
    if kind(x.dtype) != "f":
        return np.asarray(compare(x.astype(wide(x.dtype)), y.astype(wide(y.dtype))))
    return np.asarray(compare(total_order(x), total_order(y)))


@rule("div")
def _div(call: Call, x: Array, y: Array) -> Array:
    letter = kind(x.dtype)
    if letter not in "iu":
        return _quotient(call, x, y)  # type: ignore[return-value]  # it has one result
    dtype, computed = x.dtype, wide(x.dtype)
    x, y = x.astype(computed, copy=False), y.astype(computed, copy=False)
    # Integers truncate, x / 0 has all bits set, and -x overflows to itself where it must.
    divisor = np.where(y == 0, computed.type(1), y)
    floored = np.floor_divide(x, divisor)
    if letter == "i":
        inexact = (np.multiply(floored, divisor) != x) & ((x < 0) != (divisor < 0))
        floored = np.where(divisor == -1, np.negative(x), floored + inexact.astype(computed))
        return np.where(y == 0, computed.type(-1), floored).astype(dtype)
    return np.where(y == 0, np.iinfo(computed).max, floored).astype(dtype)


_quotient = in_wide(np.true_divide)


@rule("rem")
def _rem(call: Call, x: Array, y: Array) -> Array:
    """The remainder has the sign of the dividend; of integers, x rem 0 is x."""
    dtype, computed = x.dtype, wide(x.dtype)
    x, y = x.astype(computed, copy=False), y.astype(computed, copy=False)
    if kind(dtype) == "f":
        return np.fmod(x, y).astype(dtype, copy=False)
    # x rem -1 is 0, and the machine's instruction overflows for the lowest x.
    plain = np.fmod(x, np.where((y == 0) | (y == -1) if kind(dtype) == "i" else y == 0, computed.type(1), y))
    return np.where(y == 0, x, plain).astype(dtype)


@rule("abs")
def _abs(call: Call, x: Array) -> Array:
    return np.abs(x.astype(wide(x.dtype), copy=False)).astype(call.dtype, copy=False)  # type: ignore[no-any-return]


@rule("sign")
def _sign(call: Call, x: Array) -> Array:
    values = x.astype(wide(x.dtype), copy=False)
    if kind(x.dtype) == "c":
        size = np.abs(values)
        return np.where(size == 0, values, values / size).astype(x.dtype)
    # NumPy's sign of -0 is +0; -0 stays.
    return np.where(values == 0, values, np.sign(values)).astype(x.dtype)


@rule("round")
def _round(call: Call, x: Array) -> Array:
    values = x.astype(wide(x.dtype), copy=False)
    if call.params["rounding_method"].name == "TO_NEAREST_EVEN":
        rounded = np.round(values)
    else:
        whole = np.trunc(values)
        rounded = np.copysign(whole + np.where(np.abs(values - whole) >= 0.5, np.sign(values), 0), values)
    return rounded.astype(x.dtype)


@rule("nextafter")
def _nextafter(call: Call, x: Array, y: Array) -> Array:
    return np.nextafter(x, y)


@rule("clamp")
def _clamp(call: Call, low: Array, x: Array, high: Array) -> Array:
    computed = wide(x.dtype)
    low, values, high = (operand.astype(computed, copy=False) for operand in (low, x, high))
    return np.minimum(np.maximum(values, low), high).astype(x.dtype, copy=False)  # type: ignore[no-any-return]


@rule("select_n")
def _select_n(call: Call, which: Array, *cases: Array) -> Array:
    if len(cases) == 1:
        return cases[0]
    if len(cases) == 2:
        return np.where(which.astype(bool, copy=False), cases[1], cases[0])
    result = cases[0]
    for number, case in enumerate(cases[1:], 1):
        result = np.where(which == number, case, result)
    return result


@rule("convert_element_type")
def _convert(call: Call, x: Array) -> Array:
    return convert(x, call.dtype)


@rule("complex")
def _complex(call: Call, x: Array, y: Array) -> Array:
    # x + 1j * y would make NaN of infinite parts.
    result = np.empty(np.broadcast_shapes(x.shape, y.shape), call.dtype)
    result.real, result.imag = x, y
    return result


@rule("real")
def _real(call: Call, x: Array) -> Array:
    return x.real


@rule("imag")
def _imag(call: Call, x: Array) -> Array:
    return x.imag


@rule("conj")
def _conj(call: Call, x: Array) -> Array:
    return np.conj(x).astype(call.dtype, copy=False)


@rule("reduce_precision")
def _reduce_precision(call: Call, x: Array) -> Array:
    """Round to fewer exponent and mantissa bits: to nearest even; what is too large is inf, too small is zero."""
    exponent_bits, mantissa_bits = call.params["exponent_bits"], call.params["mantissa_bits"]
    values = x.astype(np.float64)
    _, exponent = np.frexp(values)
    bias = (1 << (exponent_bits - 1)) - 1
    step = np.ldexp(1.0, exponent - 1 - mantissa_bits)
    rounded = np.round(values / step) * step
    size = np.abs(rounded)
    largest = np.ldexp(2.0 - np.ldexp(1.0, -mantissa_bits), bias)
    rounded = np.where(size > largest, np.copysign(np.inf, values), rounded)
    rounded = np.where(size < np.ldexp(1.0, 1 - bias), np.copysign(0.0, values), rounded)
    return np.where(np.isfinite(values) & (values != 0), rounded, values).astype(x.dtype)


@rule("pow")
def _pow(call: Call, x: Array, y: Array) -> Array:
    computed = exact(x.dtype)
    base, power = x.astype(computed), y.astype(computed)
    return np.power(base, power).astype(x.dtype)  # type: ignore[no-any-return]


@rule("integer_pow")
def _integer_pow(call: Call, x: Array) -> Array:
    """Repeated squaring, rounded after each product; a negative power is the reciprocal."""
    power = call.params["y"]
    computed, dtype = wide(x.dtype), x.dtype
    if power == 0:
        return np.ones(x.shape, computed).astype(dtype)
    left, square = abs(power), x.astype(computed)
    product: Array | None = None
    while True:
        if left & 1:
            product = square if product is None else _rounded(product * square, dtype, computed)
        left >>= 1
        if not left:
            break
        square = _rounded(square * square, dtype, computed)
    assert product is not None
    if power < 0:
        product = np.true_divide(1, product)
    return product.astype(dtype)


def _rounded(values: Array, dtype: np.dtype[Any], computed: np.dtype[Any]) -> Array:
    result: Array = values if dtype is computed else values.astype(dtype).astype(computed)
    return result
