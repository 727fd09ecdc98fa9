"""Poisson's equation -u'' = f on (0, 1) with u(0) = u(1) = 0: finite differences, solved directly."""

import jax
import jax.numpy as jnp
from jax import lax

INNER_POINTS = 63
STEP = 1.0 / (INNER_POINTS + 1)


@jax.jit
def solve(f: jax.Array) -> jax.Array:
    """the tridiagonal system (-1, 2, -1) u = h^2 f by Thomas' algorithm"""

    def eliminate(carry: tuple[jax.Array, jax.Array], right: jax.Array) -> tuple[tuple, tuple]:
        factor, value = carry
        factor = 1.0 / (2.0 - factor)
        value = factor * (right + value)
        return (factor, value), (factor, value)

    def substitute(after: jax.Array, row: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        factor, value = row
        u = value + factor * after
        return u, u

    zero = jnp.zeros((), f.dtype)
    _, rows = lax.scan(eliminate, (zero, zero), STEP**2 * f)
    _, u = lax.scan(substitute, zero, rows, reverse=True)
    return u


@jax.jit
def residual(u: jax.Array, f: jax.Array) -> jax.Array:
    """what is left of f: f + u'' by central differences"""
    padded = jnp.pad(u, 1)
    return f + (padded[2:] - 2.0 * u + padded[:-2]) / STEP**2


def main() -> None:
    x = jnp.arange(1, INNER_POINTS + 1) * STEP
    for name, f, exact in (
        ("f = 2", jnp.full_like(x, 2.0), x * (1 - x)),
        ("f = pi^2 sin(pi x)", jnp.pi**2 * jnp.sin(jnp.pi * x), jnp.sin(jnp.pi * x)),
    ):
        u = solve(f)
        off, left = jnp.max(jnp.abs(u - exact)), jnp.max(jnp.abs(residual(u, f)))
        print(f"{name}: off the exact solution by {off:.1e}, residual {left:.1e}")


if __name__ == "__main__":
    main()
