"""Complex numbers and pairs of numbers: products, quotients, moduli, maps of the plane, two-by-two determinants."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Complex, Complex64, Float, Float32, Inexact, Num

from jaxir import Uniform


def determinant_2x2(matrix: Num[Array, "*b 2 2"]) -> Num[Array, "*b"]:
    """the determinant of each two-by-two matrix"""
    return matrix[..., 0, 0] * matrix[..., 1, 1] - matrix[..., 0, 1] * matrix[..., 1, 0]


def cramer_2x2(matrix: Inexact[Array, "*b 2 2"], rhs: Inexact[Array, "*b 2"]) -> Inexact[Array, "*b 2"]:
    """the solution of two linear equations by Cramer's rule, with twice the identity added"""
    a = matrix[..., 0, 0] + 2
    b = matrix[..., 0, 1]
    c = matrix[..., 1, 0]
    d = matrix[..., 1, 1] + 2
    scale = 1 / (a * d - b * c)
    x = (d * rhs[..., 0] - b * rhs[..., 1]) * scale
    y = (a * rhs[..., 1] - c * rhs[..., 0]) * scale
    return jnp.stack([x, y], axis=-1)


def cross_2d(u: Num[Array, "*b 2"], v: Num[Array, "*b 2"]) -> Num[Array, "*b"]:
    """the cross product of vectors in the plane"""
    return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]


def complex_product(
    a_real: Float[Array, "*s"],
    a_imag: Float[Array, "*s"],
    b_real: Float[Array, "*s"],
    b_imag: Float[Array, "*s"],
    *,
    form: Literal["four_products", "three_products"],
) -> tuple[Float[Array, "*s"], Float[Array, "*s"]]:
    """the real and imaginary parts of a complex product"""
    if form == "four_products":
        real = a_real * b_real - a_imag * b_imag
        imag = a_real * b_imag + a_imag * b_real
    else:
        shared = b_real * (a_real + a_imag)
        real = shared - a_imag * (b_real + b_imag)
        imag = shared + a_real * (b_imag - b_real)
    return real, imag


def complex_quotient(
    a_real: Float[Array, "*s"], a_imag: Float[Array, "*s"], b_real: Float[Array, "*s"], b_imag: Float[Array, "*s"]
) -> tuple[Float[Array, "*s"], Float[Array, "*s"]]:
    """the real and imaginary parts of a complex quotient"""
    scale = 1 / (b_real**2 + b_imag**2 + 0.01)
    real = a_real * b_real + a_imag * b_imag
    imag = a_imag * b_real - a_real * b_imag
    return real * scale, imag * scale


def make_complex(real: Float32[Array, "*s"], imag: Float32[Array, "*s"]) -> Complex64[Array, "*s"]:
    """the complex number with the given parts"""
    return lax.complex(real, imag)


def complex_parts(z: Complex64[Array, "*s"], *, fn: Literal["real", "imag", "abs"]) -> Float32[Array, "*s"]:
    """the result of `fn` on each entry of `z`"""
    return getattr(jnp, fn)(z)


def squared_modulus(z: Complex64[Array, "*s"], *, form: Literal["parts", "conjugate"]) -> Float32[Array, "*s"]:
    """the squared modulus of `z`"""
    if form == "parts":
        result = jnp.real(z) ** 2 + jnp.imag(z) ** 2
    else:
        result = jnp.real(z * jnp.conj(z))
    return result


def conjugate_product(x: Complex[Array, "*#s"], y: Complex[Array, "*#s"]) -> Complex[Array, "*s"]:
    """`x` times the conjugate of `y`"""
    return x * jnp.conj(y)


def moebius_map(z: Inexact[Array, "*s"], coefficients: Inexact[Array, "4"]) -> Inexact[Array, "*s"]:
    """the Moebius map of `z`"""
    a, b, c, d = coefficients
    return (a * z + b) / (c * z + d + 2)


def mandelbrot_step(
    z: Complex[Array, "*#s"], c: Complex[Array, "*#s"], *, steps: Literal[1, 2]
) -> Complex[Array, "*s"]:
    """`z` after one or two steps of the Mandelbrot iteration with the constant `c`"""
    if steps == 1:
        result = z * z + c
    else:
        first = z * z + c
        result = first * first + c
    return result


def reflection_coefficient(
    load: Complex[Array, "*s"], *, line: Annotated[float, Uniform(0.5, 5.0)]
) -> Complex[Array, "*s"]:
    """the reflection coefficient of the load `load` at the end of a line"""
    return (load - line) / (load + line + 2)


def butterfly(x: Num[Array, "*s"], y: Num[Array, "*s"]) -> Num[Array, "2 *s"]:
    """the sum and the difference of `x` and `y`"""
    return jnp.stack([x + y, x - y])
