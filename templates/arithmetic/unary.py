"""Functions of one number, by the names of `jax.lax` and of the array API standard."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Complex, Float, Inexact, Int, Num, Real

from jaxir import Uniform


def circular_function(
    x: Inexact[Array, "*s"], *, fn: Literal["sin", "cos", "tan", "sinh", "cosh", "tanh"]
) -> Inexact[Array, "*s"]:
    """`fn` of `x`"""
    return getattr(lax, fn)(x)


def arcus_function(
    x: Inexact[Array, "*s"], *, fn: Literal["asin", "acos", "atan", "asinh", "acosh", "atanh"]
) -> Inexact[Array, "*s"]:
    """`fn` of `x`"""
    return getattr(lax, fn)(x)


def array_api_inverse(
    x: Inexact[Array, "*s"], *, fn: Literal["acos", "acosh", "asin", "asinh", "atan", "atanh"]
) -> Inexact[Array, "*s"]:
    """`fn` of `x` plus `x`"""
    return x + getattr(jnp, fn)(x)


def inverse_by_name(
    x: Inexact[Array, "*s"],
    scale: Inexact[Array, ""],
    *,
    fn: Literal["arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh"],
) -> Inexact[Array, "*s"]:
    """`scale` times `fn` of `x`"""
    return scale * getattr(jnp, fn)(x)


def exponential_function(
    x: Inexact[Array, "*s"], *, fn: Literal["exp", "exp2", "expm1", "log", "log1p"]
) -> Inexact[Array, "*s"]:
    """`fn` of `x`"""
    return getattr(lax, fn)(x)


def root_function(
    x: Inexact[Array, "*s"], *, fn: Literal["sqrt", "rsqrt", "square", "reciprocal", "logistic"]
) -> Inexact[Array, "*s"]:
    """`fn` of `x`"""
    return getattr(lax, fn)(x)


def integral_power(x: Num[Array, "*s"], *, exponent: Literal[2, 3, 4, 5, 7]) -> Num[Array, "*s"]:
    """`x` to the power `exponent` by repeated multiplication"""
    return lax.integer_pow(x, exponent)


def inverse_integral_power(x: Inexact[Array, "*s"], *, exponent: Literal[-1, -2, -3]) -> Inexact[Array, "*s"]:
    """`x` to the power `exponent`"""
    return lax.integer_pow(x, exponent)


def cube_root(x: Float[Array, "*s"], y: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the cube root of `x` plus `y`"""
    return lax.cbrt(lax.add(x, y))


def rounded_down_or_up(x: Float[Array, "*s"], *, fn: Literal["floor", "ceil"]) -> Float[Array, "*s"]:
    """the distance of `x` from its `fn`"""
    return lax.sub(x, getattr(lax, fn)(x))


def rounded_half(
    x: Float[Array, "*s"], scale: Float[Array, ""], *, method: Literal["AWAY_FROM_ZERO", "TO_NEAREST_EVEN"]
) -> Float[Array, "*s"]:
    """the multiple of a half next to `x`, times `scale`"""
    return lax.round(2 * x, getattr(lax.RoundingMethod, method)) / 2 * scale


def round_decimals(
    x: Float[Array, "*s"], *, fn: Literal["around", "round"], decimals: Literal[0, 1, 2]
) -> Float[Array, "*s"]:
    """`x` rounded to `decimals` decimals, minus `x`"""
    return getattr(jnp, fn)(x, decimals) - x


def round_to_whole(x: Float[Array, "*s"], *, fn: Literal["rint", "trunc", "floor", "ceil"]) -> Float[Array, "*s"]:
    """the `fn` of three times `x`"""
    return getattr(jnp, fn)(3 * x)


def sign_function(x: Num[Array, "*s"], *, fn: Literal["negative", "sign", "conj"]) -> Num[Array, "*s"]:
    """the `fn` of `x`, plus its square"""
    return getattr(jnp, fn)(x) + jnp.square(x)


def signed_lax(x: Num[Array, "*s"], y: Num[Array, "*s"], *, fn: Literal["neg", "sign"]) -> Num[Array, "*s"]:
    """the `fn` of `x`, plus `y`"""
    return lax.add(getattr(lax, fn)(x), y)


def plus_minus(x: Num[Array, "*s"], y: Num[Array, "*s"]) -> Num[Array, "*s 2"]:
    """`x` and the negative of `y`, side by side"""
    return jnp.stack([jnp.positive(x), jnp.negative(y)], axis=-1)


def size_of_number(x: Real[Array, "*s"], y: Real[Array, "*s"]) -> Real[Array, "*s"]:
    """the magnitude of `x` minus `y`"""
    return jnp.absolute(jnp.subtract(x, y))


def lax_magnitude(x: Int[Array, "*s"], y: Int[Array, "*s"]) -> Int[Array, "*s"]:
    """the magnitude of `x` times the sign of `y`"""
    return lax.mul(lax.abs(x), lax.sign(y))


def angle_unit(x: Float[Array, "*s"], *, fn: Literal["deg2rad", "rad2deg", "degrees", "radians"]) -> Float[Array, "*s"]:
    """the angle `x` converted by `fn`"""
    return getattr(jnp, fn)(x)


def float_function(
    x: Float[Array, "*s"], *, fn: Literal["fabs", "reciprocal", "i0", "sinc", "cbrt", "exp2", "log2", "log10"]
) -> Float[Array, "*s"]:
    """`fn` of `x`"""
    return getattr(jnp, fn)(x)


def complex_function(x: Complex[Array, "*s"], *, fn: Literal["sinc", "exp2", "log2", "log10"]) -> Complex[Array, "*s"]:
    """`fn` of the complex number `x`"""
    return getattr(jnp, fn)(x)


def unit_in_last_place(x: Float[Array, "*s"], *, scale: Literal["relative", "absolute"]) -> Float[Array, "*s"]:
    """the `scale` distance from `x` to the next number"""
    gap = jnp.spacing(x)
    if scale == "relative":
        result = gap / x
    else:
        result = gap
    return result


def next_number(x: Float[Array, "*s"], target: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the number next to `x` in the direction of `target`, minus `target`"""
    return lax.sub(lax.nextafter(x, target), target)


def whole_and_fraction(x: Float[Array, "*s"]) -> tuple[Float[Array, "*s"], Float[Array, "*s"]]:
    """the fractional and the whole part of `x`"""
    fraction, whole = jnp.modf(x)
    return fraction, whole


def frexp_parts(x: Float[Array, "*s"], *, power: Literal[1, 2, 3]) -> Float[Array, "*s"]:
    """`x` taken apart into mantissa and exponent and put together with the exponent raised by `power`"""
    mantissa, exponent = jnp.frexp(x)
    return jnp.ldexp(mantissa, exponent + power)


def conjugated(x: Num[Array, "*s"], y: Num[Array, "*s"], *, fn: Literal["conj", "conjugate"]) -> Num[Array, "*s"]:
    """the complex conjugate of `x` times `y`"""
    return getattr(jnp, fn)(x) * y


def conjugate_of_parts(x: Complex[Array, "*s"]) -> Complex[Array, "*s"]:
    """the conjugate of `x` with its parts exchanged"""
    return lax.conj(lax.complex(lax.imag(x), lax.real(x)))


def part_ratio(
    x: Complex[Array, "*s"], y: Complex[Array, "*s"], *, fn: Literal["real", "imag"]
) -> Complex[Array, "*s"]:
    """`y` scaled by the `fn` part of `x`"""
    return getattr(lax, fn)(x) * y


def with_reduced_precision(
    x: Float[Array, "*s"], *, exponent_bits: Literal[4, 5, 8], mantissa_bits: Literal[2, 3, 7]
) -> Float[Array, "*s"]:
    """the error of `x` in a format of `exponent_bits` and `mantissa_bits` bits"""
    return x - lax.reduce_precision(x, exponent_bits=exponent_bits, mantissa_bits=mantissa_bits)


def gamma_derivative(
    a: Float[Array, "*s"], x: Float[Array, "*s"], *, fn: Literal["igamma_grad_a", "random_gamma_grad"]
) -> Float[Array, "*s"]:
    """the `fn` at shape `a` and point `x`, both moved above zero"""
    shape = jnp.minimum(jnp.abs(a), 100) + 0.5  # XLA takes for ever at 1e30
    return getattr(lax, fn)(shape, jnp.abs(x) + 0.25)


def polygamma_of_order(x: Float[Array, "*s"], *, order: Annotated[int, Uniform(1, 4)]) -> Float[Array, "*s"]:
    """the polygamma function of order `order` of a positive number"""
    m = lax.full_like(x, order)
    return lax.polygamma(m, jnp.abs(x) + 0.5)


def squared_lax(x: Num[Array, "*s"], y: Num[Array, "*s"]) -> Num[Array, "*s"]:
    """the square of `x` times `y`"""
    return lax.mul(lax.square(x), y)
