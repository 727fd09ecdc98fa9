"""Operators and methods of arrays."""

from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float, Inexact, Int32, Integer, Num, Real, Shaped


def arithmetic_operators(
    x: Num[Array, "*#s"], y: Num[Array, "*#s"], *, order: Literal["x + y", "x - y", "x * y", "y - x"]
) -> Num[Array, "*s"]:
    """`order`"""
    if order == "x + y":
        result = x + y
    elif order == "x - y":
        result = x - y
    elif order == "x * y":
        result = x * y
    else:
        result = y - x
    return result


def division_operators(
    x: Real[Array, "*s"], y: Real[Array, "*#s"], *, operator: Literal["//", "%"]
) -> Real[Array, "*s"]:
    """`x` `operator` the square of `y` plus one"""
    divisor = y * y + 1
    if operator == "//":
        result = x // divisor
    else:
        result = x % divisor
    return result


def reflected_operators(
    x: Inexact[Array, "*s"], *, number: Literal[1, 2, 3], operator: Literal["-", "/", "**"]
) -> Inexact[Array, "*s"]:
    """`number` `operator` `x`"""
    if operator == "-":
        result = number - x
    elif operator == "/":
        result = number / x
    else:
        result = number**x
    return result


def reflected_integer_operators(
    x: Integer[Array, "*s"], *, number: Literal[7, 50, 100], operator: Literal["//", "%", "-", "<<", ">>"]
) -> Integer[Array, "*s"]:
    """`number` `operator` the lowest bits of `x`, kept above zero"""
    count = (x & 3) + 1
    if operator == "//":
        result = number // count
    elif operator == "%":
        result = number % count
    elif operator == "-":
        result = number - count
    elif operator == "<<":
        result = number << count
    else:
        result = number >> count
    return result


def bit_operators(
    x: Integer[Array, "*s"], y: Integer[Array, "*#s"], *, operator: Literal["&", "|", "^", "& ~", "<<", ">>"]
) -> Integer[Array, "*s"]:
    """`x` `operator` `y`"""
    if operator == "&":
        result = x & y
    elif operator == "|":
        result = x | y
    elif operator == "^":
        result = x ^ y
    elif operator == "& ~":
        result = x & ~y
    elif operator == "<<":
        result = x << (y & 7)
    else:
        result = x >> (y & 7)
    return result


def mask_operators(
    x: Real[Array, "*s"], y: Real[Array, "*s"], z: Real[Array, "*s"], *, operator: Literal["&", "|", "^"]
) -> Bool[Array, "*s"]:
    """whether `x` is below `y` `operator` `y` is below `z`"""
    if operator == "&":
        result = (x < y) & (y < z)
    elif operator == "|":
        result = (x < y) | (y < z)
    else:
        result = (x < y) ^ (y < z)
    return result


def comparison_operators(
    x: Real[Array, "*s"], y: Real[Array, "*#s"], *, operator: Literal["<", "<=", "==", "!=", ">", ">="]
) -> Real[Array, "*s"]:
    """`x` where `x` `operator` `y`, and their product elsewhere"""
    if operator == "<":
        mask = x < y
    elif operator == "<=":
        mask = x <= y
    elif operator == "==":
        mask = x == y
    elif operator == "!=":
        mask = x != y
    elif operator == ">":
        mask = x > y
    else:
        mask = x >= y
    return jnp.where(mask, x, x * y)


def power_operator(x: Num[Array, "*s"], y: Num[Array, "*s"], *, exponent: Literal[2, 3, 4]) -> Num[Array, "*s"]:
    """`x` to the power `exponent` minus `y`"""
    return x**exponent - y


def general_power_operator(x: Inexact[Array, "*s"], y: Inexact[Array, "*s"]) -> Inexact[Array, "*s"]:
    """`x` to the power `y`"""
    return x**y


def unary_operators(
    x: Real[Array, "*s"], y: Real[Array, "*s"], *, operator: Literal["-x", "abs(x)", "abs(x - y)", "-x * y"]
) -> Real[Array, "*s"]:
    """`operator` and `y` multiplied"""
    if operator == "-x":
        result = -x + y
    elif operator == "abs(x)":
        result = abs(x) - y
    elif operator == "abs(x - y)":
        result = abs(x - y)
    else:
        result = -x * y
    return result


def round_operator(x: Float[Array, "*s"], y: Float[Array, "*s"], *, digits: Literal[0, 1, 2]) -> Float[Array, "*s"]:
    """`x` rounded to `digits` digits, times `y`"""
    return round(x, digits) * y


def divmod_operator(x: Real[Array, "*s"], y: Real[Array, "*s"]) -> tuple[Real[Array, "*s"], Real[Array, "*s"]]:
    """the quotient and the remainder of `x` and the square of `y` plus one"""
    quotient, remainder = divmod(x, y * y + 1)
    return quotient, remainder


def matrix_operator(a: Num[Array, "*b m k"], b: Num[Array, "*b k n"]) -> Num[Array, "*b m n"]:
    """the product of the matrices `a` and `b`"""
    return a @ b


def vector_operator(a: Num[Array, "*b m n"], x: Num[Array, "n"], *, twice: Literal[True, False]) -> Num[Array, "*b m"]:
    """the matrices `a` times the vector `x`, doubled where `twice` is True"""
    if twice:
        result = 2 * (a @ x)
    else:
        result = a @ x
    return result


def sum_method(
    x: Inexact[Array, "*b n"], *, method: Literal["sum", "prod", "mean"], axis: Literal[-1]
) -> Inexact[Array, "*b"]:
    """the `method` over the last axis"""
    return getattr(x, method)(axis=axis)


def extreme_method(x: Num[Array, "*b n"], *, method: Literal["max", "min"]) -> Num[Array, "*b 1"]:
    """the `method` over the last axis, which is kept"""
    return getattr(x, method)(axis=-1, keepdims=True)


def spread_method(
    x: Float[Array, "n+1 *b"], *, method: Literal["std", "var"], ddof: Literal[0, 1]
) -> Float[Array, "*b"]:
    """the `method` over the leading axis with `ddof` degrees of freedom less"""
    return getattr(x, method)(axis=0, ddof=ddof)


def position_method(x: Real[Array, "*b n"], *, method: Literal["argmax", "argmin"]) -> Int32[Array, "*b"]:
    """the `method` over the last axis"""
    return getattr(x, method)(axis=-1).astype(jnp.int32)


def truth_method(x: Real[Array, "*b n"], y: Real[Array, "*b n"], *, method: Literal["any", "all"]) -> Real[Array, "*b"]:
    """the first entry of a row of `x` if in `method` of its places `x` is above `y`, else that of `y`"""
    return jnp.where(getattr(x > y, method)(axis=-1), x[..., 0], y[..., 0])


def cumulative_method(x: Num[Array, "n *b"], *, method: Literal["cumsum", "cumprod"]) -> Num[Array, "n *b"]:
    """the `method` along the leading axis"""
    return getattr(x, method)(axis=0, dtype=x.dtype)


def sorting_method(x: Real[Array, "*b n"], *, descending: Literal[True, False]) -> Real[Array, "*b n"]:
    """the entries of each row in order"""
    return x.sort(axis=-1, descending=descending)


def ordering_method(x: Real[Array, "*b n"], *, descending: Literal[True, False]) -> Int32[Array, "*b n"]:
    """the positions that put each row in order"""
    return x.argsort(axis=-1, descending=descending).astype(jnp.int32)


def layout_methods(
    x: Shaped[Array, "m n"], *, method: Literal["transpose", "T", "mT", "swapaxes"]
) -> Shaped[Array, "n m"]:
    """the transpose of `x`"""
    if method == "transpose":
        result = x.transpose()
    elif method == "T":
        result = x.T
    elif method == "mT":
        result = x.mT
    else:
        result = x.swapaxes(0, 1)
    return result


def flat_methods(x: Shaped[Array, "m n"], *, method: Literal["ravel", "flatten", "reshape"]) -> Shaped[Array, "m*n"]:
    """all entries of `x` in the order of its columns"""
    columns = x.T
    if method == "reshape":
        result = columns.reshape(-1)
    else:
        result = getattr(columns, method)()
    return result


def clip_method(x: Real[Array, "*s"], low: Real[Array, ""], *, minimum: Literal[0, 1]) -> Real[Array, "*s"]:
    """four times `x`, limited to the interval from `minimum` to the magnitude of `low` plus two"""
    return (4 * x).clip(minimum, abs(low) + 2)


def repeat_method(x: Shaped[Array, "n *s"], *, repeats: Literal[2]) -> Shaped[Array, "2*n *s"]:
    """each row of `x` `repeats` times"""
    return x.repeat(repeats, axis=0)


def take_method(
    x: Shaped[Array, "n *s"], indices: Int32[Array, "k"], *, mode: Literal["clip", "wrap"]
) -> Shaped[Array, "k *s"]:
    """the rows of `x` at `indices`, with the mode `mode` beyond the end"""
    return x.take(indices, axis=0, mode=mode)


def parts_method(z: Complex[Array, "*s"], *, part: Literal["real", "imag"]) -> Complex[Array, "*s"]:
    """the conjugate of `z` times its `part` part"""
    return z.conj() * getattr(z, part)


def trace_method(a: Num[Array, "m n *b"], *, method: Literal["trace", "diagonal"]) -> Num[Array, "*b"]:
    """the sum of the main diagonal"""
    if method == "trace":
        result = a.trace(dtype=a.dtype)
    else:
        result = a.diagonal().sum(axis=-1, dtype=a.dtype)
    return result


def dot_method(x: Num[Array, "m n"], y: Num[Array, "n"]) -> Num[Array, "m"]:
    """the dot product of each row of `x` with `y`, minus the sum of the row"""
    return x.dot(y) - x.sum(axis=1, dtype=x.dtype)


def round_method(x: Inexact[Array, "*s"], *, decimals: Literal[0, 1, 2]) -> Inexact[Array, "*s"]:
    """`x` minus `x` rounded to `decimals` decimals"""
    return x - x.round(decimals)


def squeeze_method(x: Shaped[Array, "1 n *s"], y: Shaped[Array, "n 1 *s"]) -> Shaped[Array, "2*n *s"]:
    """`x` and `y` without their axes of size one, one after the other"""
    return jnp.concatenate([x.squeeze(0), y.squeeze(1)])
