"""Comparisons and tests that give booleans, and what depends on them."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Complex, Float, Inexact, Int32, Num, Real

from jaxir import Uniform


def equality(x: Num[Array, "*#s"], y: Num[Array, "*#s"], *, fn: Literal["equal", "not_equal"]) -> Num[Array, "*s"]:
    """the product of `x` and `y` where they are `fn`, and their difference elsewhere"""
    return jnp.where(getattr(jnp, fn)(x, y), x * y, x - y)


def ordering(
    x: Num[Array, "*#s"], y: Num[Array, "*#s"], *, fn: Literal["less", "less_equal", "greater", "greater_equal"]
) -> Bool[Array, "*s"]:
    """the `fn` test of `x` and `y`"""
    return getattr(jnp, fn)(x, y)


def lax_comparison(
    x: Real[Array, "*s"], y: Real[Array, "*s"], *, fn: Literal["eq", "ne", "lt", "le", "gt", "ge"]
) -> Bool[Array, "*s"]:
    """whether `x` is `fn` compared with `y`"""
    return getattr(lax, fn)(x, y)


def lax_equality(x: Num[Array, "*s"], y: Num[Array, "*s"], *, fn: Literal["eq", "ne"]) -> Num[Array, "*s"]:
    """the sum of `x` and `y` where they compare as `fn`, and their difference elsewhere"""
    return lax.select(getattr(lax, fn)(x, y), lax.add(x, y), lax.sub(x, y))


def replace_invalid(
    x: Float[Array, "*s"], default: Float[Array, "*#s"], *, fn: Literal["log", "sqrt", "arcsin"]
) -> Float[Array, "*s"]:
    """the `fn` of `x`, and `default` where it is not a number"""
    value = getattr(jnp, fn)(x)
    return jnp.where(jnp.isnan(value), default, value)


def replace_infinite(
    x: Float[Array, "*s"], default: Float[Array, ""], *, fn: Literal["isinf", "isneginf", "isfinite"]
) -> Float[Array, "*s"]:
    """the logarithm of the rounded magnitude of `x`, with `default` where the test `fn` decides"""
    value = jnp.log(jnp.round(jnp.abs(x)))
    if fn == "isfinite":
        mask = jnp.logical_not(jnp.isfinite(value))
    else:
        mask = getattr(jnp, fn)(value)
    return jnp.where(mask, default, value)


def reciprocal_or_default(
    x: Inexact[Array, "*s"], default: Inexact[Array, ""], *, fn: Literal["isinf", "isposinf"]
) -> Inexact[Array, "*s"]:
    """one divided by the rounded magnitude of `x`, or `default` where that is infinite"""
    inverse = 1 / jnp.round(jnp.abs(x))
    return jnp.where(getattr(jnp, fn)(inverse), default, inverse.astype(x.dtype))


def without_nan(
    x: Float[Array, "*s"], *, fn: Literal["sqrt", "log", "log1p"], nan: Annotated[float, Uniform(-1, 1)]
) -> Float[Array, "*s"]:
    """the `fn` of the rounded `x`, with `nan` for what is not a number and -8 for minus infinity"""
    return jnp.nan_to_num(getattr(jnp, fn)(jnp.round(x)), nan=nan, posinf=8.0, neginf=-8.0)


def has_sign(x: Real[Array, "*s"], y: Real[Array, "*s"]) -> Bool[Array, "*s"]:
    """whether `x` and `y` differ in their sign bits"""
    return jnp.signbit(x) != jnp.signbit(y)


def finite_part(x: Float[Array, "*s"], y: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the logarithm of `x` where it is finite, and `y` elsewhere"""
    value = lax.log(x)
    return lax.select(lax.is_finite(value), value, y)


def close(
    x: Inexact[Array, "*#s"],
    y: Inexact[Array, "*#s"],
    *,
    rtol: Annotated[float, Uniform(0.01, 0.2)],
    atol: Annotated[float, Uniform(0.05, 0.3)],
) -> Bool[Array, "*s"]:
    """whether `x` and `y` are equal up to a relative `rtol` and an absolute `atol`"""
    return jnp.isclose(x, y, rtol=rtol, atol=atol)


def all_close(
    x: Float[Array, "*s"], y: Float[Array, "*s"], *, atol: Annotated[float, Uniform(0.1, 1.0)]
) -> Float[Array, "*s"]:
    """`x` if all of it is within `atol` of `y`, else the mean of both"""
    return jnp.where(jnp.allclose(x, y, atol=atol), x, (x + y) / 2)


def same_arrays(
    x: Num[Array, "*s"], y: Num[Array, "*s"], *, fn: Literal["array_equal", "array_equiv"]
) -> Num[Array, "*s"]:
    """`x` if the test `fn` holds for it and `y`, else their difference"""
    return jnp.where(getattr(jnp, fn)(x, y), x, x - y)


def is_real_number(
    z: Complex[Array, "*s"], w: Complex[Array, "*s"], *, fn: Literal["isreal", "iscomplex"]
) -> Complex[Array, "*s"]:
    """`z` where the test `fn` holds for its rounded value, and `w` elsewhere"""
    return jnp.where(getattr(jnp, fn)(jnp.round(z)), z, w)


def logical_of_numbers(
    x: Num[Array, "*#s"], y: Num[Array, "*#s"], *, fn: Literal["logical_and", "logical_or", "logical_xor"]
) -> Num[Array, "*s"]:
    """the sum of `x` and `y` where `fn` holds for their rounded values, and the difference elsewhere"""
    return jnp.where(getattr(jnp, fn)(jnp.round(x), jnp.round(y)), x + y, x - y)


def is_zero(x: Num[Array, "*s"], y: Num[Array, "*s"]) -> Num[Array, "*s"]:
    """`y` where `x` rounds to zero, and their product elsewhere"""
    return jnp.where(jnp.logical_not(jnp.round(x)), y, x * y)


def compare_and_count(
    x: Real[Array, "*b n"], y: Real[Array, "*b n"], *, fn: Literal["less", "greater", "not_equal"]
) -> Int32[Array, "*b"]:
    """in how many places of each row `x` is `fn` compared with `y`"""
    return jnp.sum(getattr(jnp, fn)(x, y), axis=-1, dtype=jnp.int32)


def mask_comparison(
    mask: Bool[Array, "*s"],
    other: Bool[Array, "*s"],
    x: Real[Array, "*s"],
    *,
    fn: Literal["equal", "less", "greater_equal"],
) -> Real[Array, "*s"]:
    """`x` where `mask` is `fn` compared with `other`, and its negative elsewhere"""
    return jnp.where(getattr(jnp, fn)(mask, other), x, jnp.negative(x))


def dtype_aware_scale(
    x: Num[Array, "*s"], y: Num[Array, "*s"], *, kind: Literal["integer", "floating", "complexfloating"]
) -> Num[Array, "*s"]:
    """the product of `x` and `y`, doubled for types of `kind` numbers"""
    factor = 2 if jnp.issubdtype(x.dtype, getattr(jnp, kind)) else 1
    return x * y * factor


def dtype_kind_scale(
    x: Num[Array, "*s"], *, kind: Literal["integral", "real floating", "complex floating", "signed integer"]
) -> Num[Array, "*s"]:
    """three times the square of `x` for `kind` types, the square for others"""
    return 3 * x * x if jnp.isdtype(x.dtype, kind) else x * x


def complex_or_real(
    x: Inexact[Array, "*s"], y: Inexact[Array, "*s"], *, fn: Literal["iscomplexobj", "isrealobj"]
) -> Inexact[Array, "*s"]:
    """`x` times the conjugate of `y` if the test `fn` holds for it, else their product"""
    return x * jnp.conj(y) if getattr(jnp, fn)(x) else x * y
