"""Functions of two numbers, by the names of `jax.numpy` and `jax.lax`."""

from typing import Literal

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Float32, Inexact, Int, Int32, Integer, Num, Real, UInt32


def sum_or_product(
    x: Num[Array, "*#s"], y: Num[Array, "*#s"], *, fn: Literal["add", "subtract", "multiply"]
) -> Num[Array, "*s"]:
    """the `fn` of `x` and `y`"""
    return getattr(jnp, fn)(x, y)


def lax_binary(
    x: Num[Array, "*s"], y: Num[Array, "*s"], *, fn: Literal["add", "sub", "mul", "max", "min"]
) -> Num[Array, "*s"]:
    """the `fn` of `x` and `y`"""
    return getattr(lax, fn)(x, y)


def ratio(
    x: Inexact[Array, "*#s"], y: Inexact[Array, "*#s"], *, fn: Literal["divide", "true_divide"]
) -> Inexact[Array, "*s"]:
    """the quotient of `x` and `y`"""
    return getattr(jnp, fn)(x, y)


def ratio_of_integers(x: Int32[Array, "*s"], y: Int32[Array, "*s"]) -> Float32[Array, "*s"]:
    """the quotient of `x` and the magnitude of `y` plus one"""
    return jnp.true_divide(x, jnp.abs(y) + 1)


def lax_quotient(x: Num[Array, "*s"], y: Num[Array, "*s"]) -> Num[Array, "*s"]:
    """the quotient of `x` and the square of `y` plus one"""
    return lax.div(x, y * y + 1)


def lax_remainder(x: Real[Array, "*s"], y: Real[Array, "*s"], *, factor: Literal[3, 5, 7]) -> Real[Array, "*s"]:
    """the remainder of `factor` times `x` divided by `y`, which is kept above one"""
    return lax.rem(factor * x, jnp.maximum(y, 1))


def quotient_or_remainder(
    x: Real[Array, "*s"], y: Real[Array, "*#s"], *, fn: Literal["floor_divide", "mod", "remainder", "fmod"]
) -> Real[Array, "*s"]:
    """the `fn` of `x` and `y` moved away from zero"""
    return getattr(jnp, fn)(x, jnp.maximum(y, 1))


def quotient_and_remainder(x: Real[Array, "*s"], y: Real[Array, "*#s"]) -> tuple[Real[Array, "*s"], Real[Array, "*s"]]:
    """the floored quotient of `x` and `y`, kept above one, and the remainder"""
    quotient, remainder = jnp.divmod(x, jnp.maximum(y, 1))
    return quotient, remainder


def power_function(
    x: Inexact[Array, "*s"], y: Inexact[Array, "*#s"], *, fn: Literal["pow", "power", "float_power"]
) -> Inexact[Array, "*s"]:
    """`x` to the power `y`"""
    return getattr(jnp, fn)(x, y).astype(x.dtype)


def lax_power(base: Inexact[Array, "*s"], exponent: Inexact[Array, "*s"]) -> Inexact[Array, "*s"]:
    """`base` to the power `exponent`"""
    return lax.pow(base, exponent)


def power_of_whole_number(x: Inexact[Array, "*s"], count: Int32[Array, "*s"]) -> Inexact[Array, "*s"]:
    """`x` to the power of the remainder of `count` by four"""
    return lax.pow(x, count % 4)


def integers_to_power(x: Int[Array, "*s"], y: Int[Array, "*s"]) -> Int[Array, "*s"]:
    """`x` to the power of the remainder of `y` by three"""
    return jnp.pow(x, jnp.remainder(y, 3))


def extreme_of_pair(
    x: Real[Array, "*#s"], y: Real[Array, "*#s"], *, fn: Literal["fmax", "fmin", "maximum", "minimum"]
) -> Real[Array, "*s"]:
    """the `fn` of `x` and `y`"""
    return getattr(jnp, fn)(x, y)


def skip_invalid(x: Float[Array, "*s"], y: Float[Array, "*s"], *, fn: Literal["fmax", "fmin"]) -> Float[Array, "*s"]:
    """the `fn` of the root of `x` and of `y`, where a root that does not exist loses"""
    return getattr(jnp, fn)(jnp.sqrt(x), y)


def step_function(x: Float[Array, "*s"], half: Float[Array, "*#s"]) -> Float[Array, "*s"]:
    """the unit step of the whole part of `x`, with the value `half` at zero"""
    return jnp.heaviside(jnp.round(x), half)


def arc_of_quotient(y: Inexact[Array, "*s"], x: Inexact[Array, "*s"]) -> Inexact[Array, "*s"]:
    """the angle of the point (`x`, `y`)"""
    return lax.atan2(y, x)


def angle_of_point(
    y: Float[Array, "*#s"], x: Float[Array, "*#s"], *, fn: Literal["atan2", "arctan2"]
) -> Float[Array, "*s"]:
    """the angle of the point (`x`, `y`)"""
    return getattr(jnp, fn)(y, x)


def scaled_by_power_of_two(x: Float[Array, "*s"], exponent: Int32[Array, "*#s"]) -> Float[Array, "*s"]:
    """`x` times two to the power `exponent`, at most eight"""
    return jnp.ldexp(x, jnp.clip(exponent, -8, 8))


def join_sign(
    x: Float[Array, "*#s"], y: Float[Array, "*#s"], *, fn: Literal["copysign", "hypot", "nextafter"]
) -> Float[Array, "*s"]:
    """the `fn` of `x` and `y`"""
    return getattr(jnp, fn)(x, y)


def log_of_sum(
    x: Inexact[Array, "*#s"], y: Inexact[Array, "*#s"], *, fn: Literal["logaddexp", "logaddexp2"]
) -> Inexact[Array, "*s"]:
    """the `fn` of `x` and `y`"""
    return getattr(jnp, fn)(x, y)


def divisor_or_multiple(
    x: Integer[Array, "*#s"], y: Integer[Array, "*#s"], *, fn: Literal["gcd", "lcm"]
) -> Integer[Array, "*s"]:
    """the `fn` of `x` and `y`"""
    return getattr(jnp, fn)(x, y)


def high_product(
    x: UInt32[Array, "*s"], y: UInt32[Array, "*s"], *, factor: Literal[40503, 65537, 16777619]
) -> UInt32[Array, "*s"]:
    """the upper half of the product of `x` and `y`, each times `factor`"""
    return lax.mulhi(x * factor, y * factor)


def high_product_signed(
    x: Int32[Array, "*s"], y: Int32[Array, "*s"], *, shift: Literal[14, 18, 22]
) -> Int32[Array, "*s"]:
    """the upper half of the product of `x` and `y`, each moved left by `shift` bits"""
    return lax.mulhi(x << shift, y << shift)


def clamp_between(x: Real[Array, "*s"], low: Real[Array, ""], width: Real[Array, ""]) -> Real[Array, "*s"]:
    """`x` clamped to the interval from `low` of the length `width`"""
    return lax.clamp(low, x, low + width)


def clamp_each(x: Real[Array, "*s"], low: Real[Array, "*s"], high: Real[Array, "*s"]) -> Real[Array, "*s"]:
    """`x` clamped between `low` and `high`, each with its own bounds"""
    return lax.clamp(lax.min(low, high), x, lax.max(low, high))


def mul_add(x: Num[Array, "*#s"], y: Num[Array, "*#s"], z: Num[Array, "*#s"]) -> Num[Array, "*s"]:
    """`x` times `y` minus `z`"""
    return jnp.subtract(jnp.multiply(x, y), z)


def near_tie(x: Real[Array, "*s"], y: Real[Array, "*s"], *, fn: Literal["max", "min"]) -> Real[Array, "*s"]:
    """twice the `fn` of `x` and `y` minus their sum"""
    return 2 * getattr(lax, fn)(x, y) - lax.add(x, y)
