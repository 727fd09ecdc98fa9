"""Loops over the rows of matrices: iterations, substitution, products, paths."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Inexact, Num, Real, Shaped

from jaxir import Uniform


def power_iteration(
    a: Inexact[Array, "n n"],
    v: Inexact[Array, "n"],
    *,
    count: Literal[2, 4, 6],
    form: Literal["symmetric", "gram"],
    norm: Literal["euclid", "max"],
) -> tuple[Inexact[Array, "n"], Inexact[Array, ""]]:
    """the leading eigenvector and Rayleigh quotient of a symmetric matrix by `count` power iterations"""
    if form == "symmetric":
        matrix = a + a.T
    else:
        matrix = a.T @ a

    def body(_, vector):
        image = matrix @ vector
        if norm == "euclid":
            size = jnp.sqrt(jnp.sum(image * image) + 1e-3)
        else:
            size = jnp.max(jnp.abs(image)) + 1e-2
        return image / size

    vector = lax.fori_loop(0, count, body, v)
    return vector, vector @ matrix @ vector


def jacobi_iterations(
    a: Float[Array, "n n"],
    b: Float[Array, "n"],
    *,
    tolerance: Annotated[float, Uniform(0.001, 0.02)],
    update: Literal["plain", "damped"],
) -> Float[Array, "n"]:
    """the solution of a diagonally dominant system by at most eight `update` Jacobi iterations"""
    size = a.shape[0]
    off = a * (1 - jnp.eye(size, dtype=a.dtype))
    diagonal = jnp.sum(jnp.abs(off), axis=1) + jnp.abs(jnp.diag(a)) + 1

    def unfinished(carry):
        _, change, rounds = carry
        return (change > tolerance) & (rounds < 8)

    def body(carry):
        x, _, rounds = carry
        proposal = (b - off @ x) / diagonal
        if update == "plain":
            following = proposal
        else:
            following = 0.3 * x + 0.7 * proposal
        return following, jnp.max(jnp.abs(following - x)), rounds + 1

    start = (b, jnp.ones((), b.dtype), 0)
    solution, _, _ = lax.while_loop(unfinished, body, start)
    return solution


def gauss_seidel_sweeps(
    a: Inexact[Array, "n n"],
    b: Inexact[Array, "n *d"],
    *,
    sweeps: Literal[1, 2],
    order: Literal["forward", "backward"],
) -> Inexact[Array, "n *d"]:
    """an approximate solution of a diagonally dominant system by `order` Gauss-Seidel iteration"""
    size = a.shape[0]
    matrix = a + size * jnp.eye(size, dtype=a.dtype)

    def update(i, x):
        if order == "forward":
            row = i
        else:
            row = size - 1 - i
        residual = b[row] - jnp.tensordot(matrix[row], x, axes=1)
        return x.at[row].add(residual / (jnp.abs(matrix[row, row]) + 0.5))

    def sweep(_, x):
        return lax.fori_loop(0, size, update, x)

    return lax.fori_loop(0, sweeps, sweep, jnp.zeros_like(b))


def unit_triangular_solve(
    a: Num[Array, "n n"], b: Num[Array, "n *d"], *, side: Literal["lower", "upper"]
) -> Num[Array, "n *d"]:
    """the solution of a unit triangular system by substitution, from the `side` triangle of `a`"""
    size = a.shape[0]
    if side == "lower":
        strict = jnp.tril(a, -1)
    else:
        strict = jnp.triu(a, 1)

    def substitute(i, x):
        if side == "lower":
            row = i
        else:
            row = size - 1 - i
        known = jnp.tensordot(strict[row], x, axes=1)
        return x.at[row].add(-known)

    return lax.fori_loop(0, size, substitute, b)


def orthogonal_rows(
    vectors: Inexact[Array, "m n"], *, scale: Literal["euclid", "max", "none"]
) -> Inexact[Array, "m n"]:
    """the rows made orthogonal to the rows before them, one after another"""

    def body(i, basis):
        row = basis[i]
        earlier = jnp.arange(basis.shape[0]) < i
        lengths = jnp.sum(basis * basis, axis=1) + 1e-3
        shares = jnp.where(earlier, basis @ row / lengths, 0)
        rest = row - shares @ basis
        if scale == "euclid":
            direction = rest / jnp.sqrt(rest @ rest + 1e-2)
        elif scale == "max":
            direction = rest / (jnp.max(jnp.abs(rest)) + 1e-1)
        else:
            direction = rest
        return basis.at[i].set(direction)

    return lax.fori_loop(0, vectors.shape[0], body, vectors)


def loop_matmul(a: Shaped[Array, "m k"], b: Shaped[Array, "k *n"]) -> Shaped[Array, "m *n"]:
    """the matrix product as a loop of rank-one updates"""
    start = jnp.zeros((a.shape[0], *b.shape[1:]), a.dtype)

    def body(i, total):
        column = lax.dynamic_index_in_dim(a, i, axis=1, keepdims=False)
        return total + jnp.tensordot(column, b[i], axes=0)

    return lax.fori_loop(0, a.shape[1], body, start)


def repeated_differences(x: Num[Array, "*b n"], *, order: Literal[1, 2, 3]) -> Num[Array, "*b n"]:
    """the backward difference of order `order` along the last axis, with zero before the start"""

    def body(_, values):
        previous = jnp.roll(values, 1, axis=-1).at[..., 0].set(0)
        return values - previous

    return lax.fori_loop(0, order, body, x)


def relax_paths(lengths: Real[Array, "n n"], *, rule: Literal["total", "bottleneck"]) -> Real[Array, "n n"]:
    """the `rule` length of the best path between all pairs of nodes, by Floyd and Warshall"""

    def relax(k, best):
        into, out = best[:, k][:, None], best[k][None, :]
        if rule == "total":
            through = into + out
        else:
            through = jnp.maximum(into, out)
        return jnp.minimum(best, through)

    return lax.fori_loop(0, lengths.shape[0], relax, jnp.abs(lengths))
