"""Elementwise arithmetic on numbers of any type: the four operations, powers, rounding, interpolation."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Float32, Inexact, Int32, Num, Real

from jaxir import Uniform


def add(x: Num[Array, "*#s"], y: Num[Array, "*#s"]) -> Num[Array, "*s"]:
    """the sum of `x` and `y`"""
    return x + y


def sub(x: Num[Array, "*#s"], y: Num[Array, "*#s"]) -> Num[Array, "*s"]:
    """the difference of `x` and `y`"""
    return x - y


def mul(x: Num[Array, "*#s"], y: Num[Array, "*#s"]) -> Num[Array, "*s"]:
    """the product of `x` and `y`"""
    return x * y


def div(x: Inexact[Array, "*#s"], y: Inexact[Array, "*#s"]) -> Inexact[Array, "*s"]:
    """the quotient of `x` and `y`"""
    return x / y


def negate(x: Num[Array, "*s"]) -> Num[Array, "*s"]:
    """the negative of `x`"""
    return -x


def absolute(x: Real[Array, "*s"]) -> Real[Array, "*s"]:
    """the absolute value of `x`"""
    return jnp.abs(x)


def signum(x: Num[Array, "*s"]) -> Num[Array, "*s"]:
    """the sign of `x`"""
    return jnp.sign(x)


def reciprocal(x: Inexact[Array, "*s"]) -> Inexact[Array, "*s"]:
    """the reciprocal of `x`"""
    return 1 / x


def square(x: Num[Array, "*s"]) -> Num[Array, "*s"]:
    """the square of `x`"""
    return jnp.square(x)


def integer_power(x: Num[Array, "*s"], *, exponent: Literal[2, 3, 4, 5, 6, 7]) -> Num[Array, "*s"]:
    """`x` raised to the power `exponent`"""
    return x**exponent


def inverse_power(x: Inexact[Array, "*s"], *, exponent: Literal[2, 3, 4, 6]) -> Inexact[Array, "*s"]:
    """the reciprocal of a whole power of `x`"""
    return 1 / x**exponent


def power(base: Float[Array, "*#s"], exponent: Float[Array, "*#s"]) -> Float[Array, "*s"]:
    """the magnitude of `base` raised to the power `exponent`"""
    return jnp.power(jnp.abs(base), exponent)


def scale_and_shift(x: Num[Array, "*b n"], scale: Num[Array, "#n"], shift: Num[Array, "#n"]) -> Num[Array, "*b n"]:
    """the affine map of the last axis of `x` by `scale` and `shift`"""
    return scale * x + shift


def multiply_add(
    x: Num[Array, "*#s"], y: Num[Array, "*#s"], z: Num[Array, "*#s"], *, sign: Literal["plus", "minus"]
) -> Num[Array, "*s"]:
    """the product of `x` and `y`, `sign` `z`"""
    if sign == "plus":
        result = x * y + z
    else:
        result = x * y - z
    return result


def floor_divide(dividend: Real[Array, "*#s"], divisor: Real[Array, "*#s"]) -> Real[Array, "*s"]:
    """the quotient rounded down, with zero divisors replaced by one"""
    return dividend // jnp.where(divisor == 0, 1, divisor)


def remainder(
    dividend: Real[Array, "*#s"], divisor: Real[Array, "*#s"], *, fn: Literal["remainder", "fmod"]
) -> Real[Array, "*s"]:
    """the remainder of a division, with zero divisors replaced by one"""
    safe_divisor = jnp.where(divisor == 0, 1, divisor)
    return getattr(jnp, fn)(dividend, safe_divisor)


def divide_with_remainder(
    dividend: Real[Array, "*s"], divisor: Real[Array, "*s"]
) -> tuple[Real[Array, "*s"], Real[Array, "*s"]]:
    """the floored quotient and the remainder of `dividend` by `divisor`"""
    quotient, rest = jnp.divmod(dividend, jnp.where(divisor == 0, 1, divisor))
    return quotient, rest


def safe_divide(numerator: Inexact[Array, "*#s"], denominator: Inexact[Array, "*#s"]) -> Inexact[Array, "*s"]:
    """the quotient of `numerator` and `denominator`, zero where the denominator is zero"""
    is_zero = denominator == 0
    quotient = numerator / jnp.where(is_zero, 1, denominator)
    return jnp.where(is_zero, 0, quotient)


def clip(
    x: Real[Array, "*s"], low: Real[Array, ""], high: Real[Array, ""], *, form: Literal["clip", "clamp", "min_max"]
) -> Real[Array, "*s"]:
    """`x` limited to the interval between `low` and `high`"""
    lower = jnp.minimum(low, high)
    upper = jnp.maximum(low, high)
    if form == "clip":
        clipped = jnp.clip(x, lower, upper)
    elif form == "clamp":
        clipped = lax.clamp(jnp.full_like(x, lower), x, jnp.full_like(x, upper))
    else:
        clipped = jnp.minimum(jnp.maximum(x, lower), upper)
    return clipped


def clip_symmetric(x: Float[Array, "*s"], *, limit: Annotated[float, Uniform(0.3, 1.6)]) -> Float[Array, "*s"]:
    """`x` limited in magnitude"""
    return jnp.clip(x, -limit, limit)


def round_to(x: Float[Array, "*s"], *, fn: Literal["floor", "ceil", "round", "trunc"]) -> Float[Array, "*s"]:
    """`x` rounded to whole numbers"""
    return getattr(jnp, fn)(x)


def round_half_away(x: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """`x` rounded to whole numbers, halves away from zero"""
    return lax.round(x, lax.RoundingMethod.AWAY_FROM_ZERO)


def round_to_decimals(x: Float[Array, "*s"], *, decimals: Literal[1, 2]) -> Float[Array, "*s"]:
    """`x` rounded to a few decimals"""
    return jnp.round(x, decimals)


def round_to_step(
    x: Float[Array, "*s"],
    step: Float[Array, ""],
    *,
    fn: Literal["floor", "ceil", "round"],
) -> Float[Array, "*s"]:
    """the multiple of `step` next to `x`"""
    safe_step = jnp.maximum(jnp.abs(step), 0.01)
    return safe_step * getattr(jnp, fn)(x / safe_step)


def fractional_part(x: Float[Array, "*s"], *, rounding: Literal["floor", "trunc"]) -> Float[Array, "*s"]:
    """the fractional part of `x`"""
    return x - getattr(jnp, rounding)(x)


def split_whole_and_fraction(x: Float[Array, "*s"]) -> tuple[Float[Array, "*s"], Int32[Array, "*s"]]:
    """the fractional part of `x` and its whole part as an integer"""
    whole = jnp.floor(x)
    return x - whole, whole.astype(jnp.int32)


def reduce_mantissa(x: Float32[Array, "*s"], *, mantissa_bits: Annotated[int, Uniform(4, 12)]) -> Float32[Array, "*s"]:
    """`x` with fewer mantissa bits"""
    return lax.reduce_precision(x, exponent_bits=8, mantissa_bits=mantissa_bits)


def split_precision(x: Float32[Array, "*s"]) -> tuple[Float32[Array, "*s"], Float32[Array, "*s"]]:
    """a coarse part of `x` that fits bfloat16 and the rest"""
    coarse = lax.reduce_precision(x, exponent_bits=8, mantissa_bits=7)
    return coarse, x - coarse


def cast_round_trip(x: Float32[Array, "*s"], *, dtype: Literal["bfloat16", "float16"]) -> Float32[Array, "*s"]:
    """the error of storing `x` in half precision"""
    stored = x.astype(dtype)
    return x - stored.astype(x.dtype)


def lerp(
    start: Num[Array, "*#s"],
    stop: Num[Array, "*#s"],
    weight: Num[Array, ""],
    *,
    form: Literal["delta", "two_products"],
) -> Num[Array, "*s"]:
    """the linear interpolation between `start` and `stop`"""
    if form == "delta":
        blended = start + weight * (stop - start)
    else:
        blended = (1 - weight) * start + weight * stop
    return blended


def inverse_lerp(
    x: Inexact[Array, "*s"], low: Inexact[Array, "*#s"], high: Inexact[Array, "*#s"]
) -> Inexact[Array, "*s"]:
    """the position of `x` between `low` and `high`"""
    span = high - low
    return (x - low) / jnp.where(span == 0, 1, span)


def bilinear_blend(corners: Num[Array, "4 *s"], u: Num[Array, "*s"], v: Num[Array, "*s"]) -> Num[Array, "*s"]:
    """the bilinear blend of four corner values"""
    near = corners[0] * (1 - u) + corners[1] * u
    far = corners[2] * (1 - u) + corners[3] * u
    return near * (1 - v) + far * v


def smoothstep(
    x: Float[Array, "*s"], *, low: Annotated[float, Uniform(-0.5, 0.2)], order: Literal["cubic", "quintic", "septic"]
) -> Float[Array, "*s"]:
    """a smooth polynomial step that rises from zero to one over a range of width two"""
    t = jnp.clip((x - low) / 2, 0, 1)
    if order == "cubic":
        y = t * t * (3 - 2 * t)
    elif order == "quintic":
        y = t**3 * (10 + t * (6 * t - 15))
    else:
        y = t**4 * (35 + t * (-84 + t * (70 - 20 * t)))
    return y


def cubic(x: Num[Array, "*s"], coefficients: Num[Array, "4"], *, form: Literal["horner", "powers"]) -> Num[Array, "*s"]:
    """a cubic polynomial of `x`, coefficients from the constant up"""
    a, b, c, d = coefficients
    if form == "horner":
        value = a + x * (b + x * (c + x * d))
    else:
        value = a + b * x + c * x**2 + d * x**3
    return value


def estrin(x: Num[Array, "*s"], coefficients: Num[Array, "6"]) -> Num[Array, "*s"]:
    """a polynomial of degree five by Estrin's scheme"""
    squared = x * x
    low = coefficients[0] + coefficients[1] * x
    middle = coefficients[2] + coefficients[3] * x
    high = coefficients[4] + coefficients[5] * x
    return low + squared * (middle + squared * high)


def polynomial_through_roots(x: Num[Array, "*s"], roots: Num[Array, "3"]) -> Num[Array, "*s"]:
    """the monic cubic with the given roots, at `x`"""
    return (x - roots[0]) * (x - roots[1]) * (x - roots[2])


def rational_function(
    x: Inexact[Array, "*s"], numerator: Inexact[Array, "3"], denominator: Inexact[Array, "2"]
) -> Inexact[Array, "*s"]:
    """a ratio of two polynomials whose denominator stays positive"""
    top = (numerator[2] * x + numerator[1]) * x + numerator[0]
    bottom = 1 + (denominator[0] * x) ** 2 + (denominator[1] * x**2) ** 2
    return top / bottom


def derivative_of_polynomial(x: Num[Array, "*s"], coefficients: Num[Array, "4"]) -> Num[Array, "*s"]:
    """the slope of a cubic polynomial at `x`"""
    slope = 3 * coefficients[3] * x
    slope = (slope + 2 * coefficients[2]) * x
    return slope + coefficients[1]


def soft_threshold(
    x: Float[Array, "*#s"], threshold: Float[Array, "*#s"], *, form: Literal["sign", "difference"]
) -> Float[Array, "*s"]:
    """`x` shrunk towards zero by `threshold`"""
    margin = jnp.abs(threshold) / 4
    if form == "sign":
        shrunk = jnp.sign(x) * jnp.maximum(jnp.abs(x) - margin, 0)
    else:
        shrunk = x - jnp.clip(x, -margin, margin)
    return shrunk


def dead_zone(x: Float[Array, "*s"], *, width: Annotated[float, Uniform(0.1, 0.5)]) -> Float[Array, "*s"]:
    """`x` with small magnitudes set to zero"""
    return jnp.where(jnp.abs(x) < width, 0, x)


def wrap_to_range(
    x: Float[Array, "*s"], period: Float[Array, ""], *, centre: Literal["zero", "half"]
) -> Float[Array, "*s"]:
    """`x` wrapped into an interval whose length comes from `period`"""
    length = 0.25 + jnp.abs(period)
    turns = x / length
    if centre == "zero":
        wrapped = x - length * jnp.round(turns)
    else:
        wrapped = x - length * jnp.floor(turns)
    return wrapped


def reflect_to_range(x: Float[Array, "*s"], *, length: Annotated[float, Uniform(0.4, 1.5)]) -> Float[Array, "*s"]:
    """`x` folded back and forth into an interval"""
    phase = jnp.mod(x, 2 * length)
    return length - jnp.abs(phase - length)


def copy_sign(magnitude: Float[Array, "*#s"], sign: Float[Array, "*#s"]) -> Float[Array, "*s"]:
    """the magnitude of `magnitude` with the sign of `sign`"""
    return jnp.copysign(magnitude, sign)


def next_float(x: Float[Array, "*s"], target: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the distance from `x` to the next number towards `target`, in units of the machine epsilon"""
    start = lax.stop_gradient(x)
    gap = jnp.nextafter(start, lax.stop_gradient(target)) - start
    return gap / jnp.finfo(x.dtype).eps


def compare(
    x: Num[Array, "*#s"],
    y: Num[Array, "*#s"],
    *,
    fn: Literal["less", "less_equal", "greater", "greater_equal"],
) -> Bool[Array, "*s"]:
    """whether `x` and `y` stand in a given order"""
    return getattr(jnp, fn)(x, y)


def three_way_compare(x: Real[Array, "*#s"], y: Real[Array, "*#s"]) -> Int32[Array, "*s"]:
    """minus one, zero or one as `x` is below, at or above `y`"""
    above = (x > y).astype(jnp.int32)
    below = (x < y).astype(jnp.int32)
    return above - below


def inside_interval(
    x: Real[Array, "*s"], low: Real[Array, "*#s"], high: Real[Array, "*#s"], *, kind: Literal["open", "closed"]
) -> Bool[Array, "*s"]:
    """whether `x` lies between `low` and `high`"""
    if kind == "open":
        inside = (low < x) & (x < high)
    else:
        inside = (low <= x) & (x <= high)
    return inside


def gated_sum(x: Num[Array, "*s"], y: Num[Array, "*s"], gate: Bool[Array, "*s"]) -> Num[Array, "*s"]:
    """`x` plus `y` where `gate` is on"""
    return x + y * gate


def median_of_three(x: Num[Array, "*s"], y: Num[Array, "*s"], z: Num[Array, "*s"]) -> Num[Array, "*s"]:
    """the median of three numbers"""
    low = jnp.minimum(x, y)
    high = jnp.maximum(x, y)
    return jnp.maximum(low, jnp.minimum(high, z))


def sort_pair(x: Num[Array, "*s"], y: Num[Array, "*s"]) -> tuple[Num[Array, "*s"], Num[Array, "*s"]]:
    """the smaller and the larger of two numbers"""
    return jnp.minimum(x, y), jnp.maximum(x, y)
