"""Elementary functions: roots, exponentials, logarithms, trigonometric and hyperbolic functions, stable forms."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Complex, Complex64, Float, Float32, Inexact

from jaxir import Uniform


def sin(x: Inexact[Array, "*s"]) -> Inexact[Array, "*s"]:
    """the sine of `x`"""
    return jnp.sin(x)


def cos(x: Inexact[Array, "*s"]) -> Inexact[Array, "*s"]:
    """the cosine of `x`"""
    return jnp.cos(x)


def exp(x: Inexact[Array, "*s"]) -> Inexact[Array, "*s"]:
    """the exponential of `x`"""
    return jnp.exp(x)


def tanh(x: Inexact[Array, "*s"]) -> Inexact[Array, "*s"]:
    """the hyperbolic tangent of `x`"""
    return jnp.tanh(x)


def sqrt(x: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the square root of the magnitude of `x`"""
    return jnp.sqrt(jnp.abs(x))


def complex_root(z: Complex[Array, "*s"], *, fn: Literal["sqrt", "log", "log1p"]) -> Complex[Array, "*s"]:
    """an elementary function of a complex number"""
    return getattr(jnp, fn)(z)


def tan(x: Float[Array, "*s"], *, scale: Annotated[float, Uniform(0.1, 0.6)]) -> Float[Array, "*s"]:
    """the tangent of a multiple of `x`"""
    return jnp.tan(scale * x)


def trig_pair(angle: Inexact[Array, "*s"]) -> tuple[Inexact[Array, "*s"], Inexact[Array, "*s"]]:
    """the sine and the cosine of `angle`"""
    return jnp.sin(angle), jnp.cos(angle)


def hyperbolic(x: Inexact[Array, "*s"], *, fn: Literal["sinh", "cosh"]) -> Inexact[Array, "*s"]:
    """a hyperbolic function of `x`"""
    return getattr(jnp, fn)(x)


def inverse_trig(x: Float[Array, "*s"], *, fn: Literal["arcsin", "arccos", "arctan", "arctanh"]) -> Float[Array, "*s"]:
    """an inverse function of `x`, limited to the open unit interval"""
    return getattr(jnp, fn)(jnp.clip(x, -0.95, 0.95))


def inverse_hyperbolic(x: Float[Array, "*s"], *, fn: Literal["arcsinh", "arccosh"]) -> Float[Array, "*s"]:
    """an inverse hyperbolic function of one plus the square of `x`"""
    return getattr(jnp, fn)(1 + x * x)


def secant_family(
    angle: Float[Array, "*s"], *, fn: Literal["sin", "cos", "cosh"], floor: Annotated[float, Uniform(0.05, 0.3)]
) -> Float[Array, "*s"]:
    """the reciprocal of a function of `angle`, with small values of it held away from zero"""
    value = getattr(jnp, fn)(angle)
    return 1 / jnp.where(jnp.abs(value) < floor, floor, value)


def arc_tangent_of_ratio(
    y: Float[Array, "*#s"], x: Float[Array, "*#s"], *, unit: Literal["radians", "turns"]
) -> Float[Array, "*s"]:
    """the angle of the point (`x`, `y`)"""
    angle = jnp.arctan2(y, x)
    if unit == "radians":
        result = angle
    else:
        result = jnp.mod(angle / (2 * jnp.pi), 1)
    return result


def rsqrt(x: Float[Array, "*s"], *, form: Literal["lax", "power", "quotient"]) -> Float[Array, "*s"]:
    """the reciprocal square root of one plus the square of `x`"""
    total = 1 + x * x
    if form == "lax":
        result = lax.rsqrt(total)
    elif form == "power":
        result = total**-0.5
    else:
        result = 1 / jnp.sqrt(total)
    return result


def cbrt(x: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the cube root of `x`"""
    return jnp.cbrt(x)


def nth_root(
    x: Float[Array, "*s"], *, degree: Literal[3, 4, 5], form: Literal["power", "logarithm"]
) -> Float[Array, "*s"]:
    """a signed root of `x`"""
    magnitude = jnp.abs(x) + 1e-3
    if form == "power":
        root = magnitude ** (1 / degree)
    else:
        root = jnp.exp(jnp.log(magnitude) / degree)
    return jnp.sign(x) * root


def hypotenuse(
    x: Float[Array, "*#s"], y: Float[Array, "*#s"], *, form: Literal["library", "scaled", "plain"]
) -> Float[Array, "*s"]:
    """the hypotenuse of a right triangle"""
    if form == "library":
        length = jnp.hypot(x, y)
    elif form == "scaled":
        larger = jnp.maximum(jnp.maximum(jnp.abs(x), jnp.abs(y)), 1e-3)
        length = larger * jnp.sqrt((x / larger) ** 2 + (y / larger) ** 2)
    else:
        length = jnp.sqrt(x * x + y * y)
    return length


def exponential_family(x: Float[Array, "*s"], *, fn: Literal["exp2", "expm1"]) -> Float[Array, "*s"]:
    """an exponential function of `x`"""
    return getattr(jnp, fn)(x)


def exponential_of_base(x: Float[Array, "*s"], *, base: Annotated[float, Uniform(1.2, 5.0)]) -> Float[Array, "*s"]:
    """`base` raised to the power `x`"""
    return jnp.power(base, x)


def logarithm(x: Float[Array, "*s"], *, fn: Literal["log", "log2", "log10", "log1p"]) -> Float[Array, "*s"]:
    """a logarithm of the magnitude of `x`"""
    return getattr(jnp, fn)(jnp.maximum(jnp.abs(x), 1e-3))


def logarithm_to_base(x: Float[Array, "*s"], base: Float[Array, ""]) -> Float[Array, "*s"]:
    """the logarithm of `x` to a base of at least two"""
    return jnp.log(jnp.abs(x) + 1e-3) / jnp.log(2 + jnp.abs(base))


def symmetric_log(x: Float[Array, "*s"], *, linear: Annotated[float, Uniform(0.1, 1.0)]) -> Float[Array, "*s"]:
    """a logarithmic scale that is linear around zero"""
    return jnp.sign(x) * jnp.log1p(jnp.abs(x) / linear)


def decibels(power: Float[Array, "*s"], reference: Float[Array, ""], *, factor: Literal[10, 20]) -> Float[Array, "*s"]:
    """the level of `power` over `reference` in decibels"""
    ratio = (jnp.abs(power) + 1e-3) / (jnp.abs(reference) + 1e-3)
    return factor * jnp.log10(ratio)


def log_add(
    x: Float[Array, "*#s"], y: Float[Array, "*#s"], *, fn: Literal["logaddexp", "logaddexp2"]
) -> Float[Array, "*s"]:
    """the logarithm of a sum of two exponentials"""
    return getattr(jnp, fn)(x, y)


def log_add_stable(x: Float[Array, "*#s"], y: Float[Array, "*#s"]) -> Float[Array, "*s"]:
    """the logarithm of exp(`x`) plus exp(`y`), by the larger of the two"""
    return jnp.maximum(x, y) + jnp.log1p(jnp.exp(-jnp.abs(x - y)))


def log_sub(x: Float[Array, "*s"], y: Float[Array, "*s"], *, form: Literal["expm1", "log1p"]) -> Float[Array, "*s"]:
    """the logarithm of the difference of two exponentials"""
    high = jnp.maximum(x, y) + 0.1
    gap = high - jnp.minimum(x, y)
    if form == "expm1":
        tail = jnp.log(-jnp.expm1(-gap))
    else:
        tail = jnp.log1p(-jnp.exp(-gap))
    return high + tail


def log_one_minus_exp(x: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the logarithm of one minus exp of minus the magnitude of `x`, by the better of two formulas"""
    a = jnp.abs(x) + 0.01
    near = jnp.log(-jnp.expm1(-a))
    far = jnp.log1p(-jnp.exp(-a))
    return jnp.where(a < 0.693, near, far)


def relative_exponential(x: Float[Array, "*s"], *, order: Literal[1, 2]) -> Float[Array, "*s"]:
    """a phi function of exponential integrators at `x`"""
    safe = jnp.where(jnp.abs(x) < 1e-2, 1, x)
    if order == 1:
        value = jnp.where(jnp.abs(x) < 1e-2, 1 + x / 2, jnp.expm1(safe) / safe)
    else:
        value = jnp.where(jnp.abs(x) < 1e-2, 0.5 + x / 6, (jnp.expm1(safe) - safe) / safe**2)
    return value


def log_cosh(x: Float[Array, "*s"], *, form: Literal["logaddexp", "log1p"]) -> Float[Array, "*s"]:
    """the logarithm of the hyperbolic cosine of `x`"""
    if form == "logaddexp":
        value = jnp.logaddexp(x, -x) - jnp.log(2.0)
    else:
        magnitude = jnp.abs(x)
        value = magnitude + jnp.log1p(jnp.exp(-2 * magnitude)) - 0.6931472
    return value


def logit(p: Float[Array, "*s"], *, form: Literal["difference", "ratio"]) -> Float[Array, "*s"]:
    """the log odds of a probability, held away from zero and one"""
    q = jnp.clip(p, 0.01, 0.99)
    if form == "difference":
        value = jnp.log(q) - jnp.log1p(-q)
    else:
        value = jnp.log(q / (1 - q))
    return value


def sinc(x: Float[Array, "*s"], *, form: Literal["library", "guarded"]) -> Float[Array, "*s"]:
    """the normalised sinc function"""
    if form == "library":
        value = jnp.sinc(x)
    else:
        angle = jnp.pi * x
        safe = jnp.where(angle == 0, 1, angle)
        value = jnp.where(angle == 0, 1, jnp.sin(safe) / safe)
    return value


def versine(angle: Float[Array, "*s"], *, form: Literal["versine", "haversine", "coversine"]) -> Float[Array, "*s"]:
    """a versine of `angle`"""
    if form == "versine":
        value = 1 - jnp.cos(angle)
    elif form == "haversine":
        value = jnp.square(jnp.sin(angle / 2))
    else:
        value = 1 - jnp.sin(angle)
    return value


def multiple_angle(
    angle: Inexact[Array, "*s"], *, fn: Literal["sine of 2", "cosine of 2", "sine of 3", "cosine of 3"]
) -> Inexact[Array, "*s"]:
    """the `fn` times `angle` by the multiple-angle identity"""
    s = jnp.sin(angle)
    c = jnp.cos(angle)
    if fn == "sine of 2":
        value = 2 * s * c
    elif fn == "cosine of 2":
        value = c * c - s * s
    elif fn == "sine of 3":
        value = 3 * s - 4 * s**3
    else:
        value = 4 * c**3 - 3 * c
    return value


def sum_of_angles(
    a: Inexact[Array, "*#s"], b: Inexact[Array, "*#s"], *, fn: Literal["sin", "cos"]
) -> Inexact[Array, "*s"]:
    """the `fn` of `a` plus `b` by the addition theorem"""
    if fn == "sin":
        value = jnp.sin(a) * jnp.cos(b) + jnp.cos(a) * jnp.sin(b)
    else:
        value = jnp.cos(a) * jnp.cos(b) - jnp.sin(a) * jnp.sin(b)
    return value


def half_angle_tangent(angle: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the tangent of half of `angle`"""
    return jnp.sin(angle) / jnp.maximum(1 + jnp.cos(angle), 0.01)


def gudermannian(x: Float[Array, "*s"], *, form: Literal["tanh", "sinh", "exp"]) -> Float[Array, "*s"]:
    """the Gudermannian function of `x`"""
    if form == "tanh":
        value = 2 * jnp.arctan(jnp.tanh(x / 2))
    elif form == "sinh":
        value = jnp.arctan(jnp.sinh(x))
    else:
        value = 2 * jnp.arctan(jnp.exp(x)) - jnp.pi / 2
    return value


def langevin(x: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the Langevin function, with its series around zero"""
    is_small = jnp.abs(x) < 0.05
    safe = jnp.where(is_small, 1, x)
    return jnp.where(is_small, x / 3 - x**3 / 45, 1 / jnp.tanh(safe) - 1 / safe)


def geometric_mean(values: Float[Array, "*b n"]) -> Float[Array, "*b"]:
    """the geometric mean over the last axis"""
    return jnp.exp(jnp.mean(jnp.log(jnp.abs(values) + 1e-3), axis=-1))


def power_mean(values: Float[Array, "*b n"], *, exponent: Annotated[float, Uniform(0.5, 3.0)]) -> Float[Array, "*b"]:
    """the power mean over the last axis"""
    powers = (jnp.abs(values) + 1e-3) ** exponent
    return jnp.mean(powers, axis=-1) ** (1 / exponent)


def agm_step(
    a: Float[Array, "*s"], b: Float[Array, "*s"], *, steps: Literal[1, 2]
) -> tuple[Float[Array, "*s"], Float[Array, "*s"]]:
    """the arithmetic and geometric means of `a` and `b`, once or twice"""
    mean = (jnp.abs(a) + jnp.abs(b)) / 2
    root = jnp.sqrt(jnp.abs(a * b))
    if steps == 1:
        result = mean, root
    else:
        result = (mean + root) / 2, jnp.sqrt(mean * root)
    return result


def box_cox(x: Float[Array, "*s"], power: Float[Array, ""]) -> Float[Array, "*s"]:
    """the Box-Cox transform of the magnitude of `x`"""
    logs = jnp.log(jnp.abs(x) + 0.01)
    exponent = jnp.abs(power) + 0.1
    return jnp.expm1(exponent * logs) / exponent


def gamma_correction(
    intensity: Float[Array, "*s"], *, direction: Literal["to_linear", "to_srgb"]
) -> Float[Array, "*s"]:
    """the transfer function of sRGB"""
    v = jnp.clip(intensity, 0, 1)
    if direction == "to_linear":
        power = ((v + 0.055) / 1.055) ** 2.4
        result = jnp.where(v <= 0.04045, v / 12.92, power)
    else:
        power = 1.055 * jnp.maximum(v, 0.0031308) ** (1 / 2.4) - 0.055
        result = jnp.where(v <= 0.0031308, 12.92 * v, power)
    return result


def mu_law(signal: Float[Array, "*s"], *, mu: Annotated[float, Uniform(50.0, 255.0)]) -> Float[Array, "*s"]:
    """the mu-law companding of `signal`"""
    s = jnp.clip(signal, -1, 1)
    return jnp.sign(s) * jnp.log1p(mu * jnp.abs(s)) / jnp.log1p(mu)


def complex_exponential(phase: Float32[Array, "*s"], *, form: Literal["exp", "parts"]) -> Complex64[Array, "*s"]:
    """the point of the unit circle at `phase`"""
    if form == "exp":
        point = jnp.exp(1j * phase)
    else:
        point = lax.complex(jnp.cos(phase), jnp.sin(phase))
    return point


def from_polar_form(modulus: Float32[Array, "*#s"], argument: Float32[Array, "*#s"]) -> Complex64[Array, "*s"]:
    """the complex number with the given modulus and argument"""
    return modulus * jnp.exp(1j * argument)


def to_polar_form(z: Complex64[Array, "*s"]) -> tuple[Float32[Array, "*s"], Float32[Array, "*s"]]:
    """the modulus and the argument of `z`"""
    return jnp.abs(z), jnp.angle(z)


def principal_power(z: Complex64[Array, "*s"], exponent: Float32[Array, ""]) -> Complex64[Array, "*s"]:
    """the principal value of `z` raised to a real power"""
    modulus = jnp.abs(z) + 1e-3
    return modulus**exponent * jnp.exp(1j * exponent * jnp.angle(z))


def cayley_transform(z: Complex64[Array, "*s"]) -> Complex64[Array, "*s"]:
    """the Cayley transform of `z`, with its imaginary part made positive"""
    upper = lax.complex(jnp.real(z), jnp.abs(jnp.imag(z)))
    return (upper - 1j) / (upper + 1j)


def joukowsky(z: Inexact[Array, "*s"]) -> Inexact[Array, "*s"]:
    """the Joukowsky map of `z` moved away from zero"""
    moved = z + 2
    return (moved + 1 / moved) / 2
