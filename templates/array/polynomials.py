"""Polynomials by their coefficients, the highest power first."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, Float32, Inexact, Num

from jaxir import Uniform


def polynomial_value(p: Num[Array, "n"], x: Num[Array, "*s"], *, unroll: Literal[2, 16]) -> Num[Array, "*s"]:
    """the polynomial with the coefficients `p` at `x`"""
    return jnp.polyval(p, x, unroll=unroll)


def polynomial_sum(p: Num[Array, "m"], q: Num[Array, "m+n"], *, fn: Literal["polyadd", "polysub"]) -> Num[Array, "m+n"]:
    """the `fn` of the polynomials `p` and `q`"""
    return getattr(jnp, fn)(p, q)


def polynomial_product(p: Inexact[Array, "m"], q: Inexact[Array, "n"]) -> Inexact[Array, "m+n-1"]:
    """the product of the polynomials `p` and `q`"""
    return jnp.polymul(p, q)


def polynomial_quotient(
    u: Float[Array, "5"], v: Float[Array, "3"], *, part: Literal["quotient", "remainder"]
) -> Float[Array, "3"]:
    """the `part` of dividing `u` by `v` with its leading coefficient set to two"""
    quotient, remainder = jnp.polydiv(u, v.at[0].set(2))
    if part == "quotient":
        result = quotient
    else:
        result = remainder[-3:]
    return result


def polynomial_derivative(p: Float[Array, "n+2"], x: Float[Array, "*s"], *, order: Literal[1, 2]) -> Float[Array, "*s"]:
    """derivative `order` of the polynomial `p` at `x`"""
    return jnp.polyval(jnp.polyder(p, order), x)


def polynomial_integral(p: Float[Array, "n"], *, constant: Annotated[float, Uniform(-1, 1)]) -> Float[Array, "n+1"]:
    """the coefficients of the integral of `p` with the constant `constant`"""
    return jnp.polyint(p, k=constant)


def polynomial_from_roots(roots: Float[Array, "n"]) -> Float[Array, "n+1"]:
    """the coefficients of the polynomial with the given roots"""
    return jnp.poly(roots)


def polynomial_fit(x: Float32[Array, "5"], y: Float32[Array, "5"], *, degree: Literal[1, 2]) -> Float32[Array, "5"]:
    """the values at `x` of the polynomial of degree `degree` that fits the points (`x`, `y`) best"""
    nodes = jnp.cumsum(jnp.abs(x) + 0.25)
    return jnp.polyval(jnp.polyfit(nodes, y, degree), nodes)


def polynomial_roots(p: Float[Array, "3"]) -> Complex[Array, ""]:
    """the sum of the roots of the polynomial `p` with its leading coefficient set to two"""
    return jnp.sum(jnp.roots(p.at[0].set(2), strip_zeros=False))


def horner(p: Num[Array, "4"], x: Num[Array, "*s"]) -> Num[Array, "*s"]:
    """the cubic with the coefficients `p` at `x` by Horner's scheme"""
    a, b, c, d = p
    return ((a * x + b) * x + c) * x + d
