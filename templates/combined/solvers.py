"""Iterative solvers: roots, fixed points and linear systems."""

from collections.abc import Callable
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from jaxir import Uniform


def _tridiagonal(lower, diagonal, upper, rhs):
    def eliminate(carry, row):
        below, middle, above, value = row
        pivot = middle - below * carry[0]
        reduced = (above / pivot, (value - below * carry[1]) / pivot)
        return reduced, reduced

    def substitute(following, row):
        solution = row[1] - row[0] * following
        return solution, solution

    start = (jnp.zeros_like(rhs[0]), jnp.zeros_like(rhs[0]))
    _, reduced = lax.scan(eliminate, start, (lower, diagonal, upper, rhs))
    return lax.scan(substitute, jnp.zeros_like(rhs[0]), reduced, reverse=True)[1]


def tridiagonal_solve(
    lower: Float[Array, "n"],
    diagonal: Float[Array, "n"],
    upper: Float[Array, "n"],
    rhs: Float[Array, "n"],
    *,
    pivots: Literal["given", "dominant", "shifted"],
) -> Float[Array, "n"]:
    """the solution of a tridiagonal system by the Thomas algorithm"""
    if pivots == "given":
        middle = diagonal
    elif pivots == "dominant":
        middle = jnp.abs(diagonal) + jnp.abs(lower) + jnp.abs(upper)
    else:
        middle = diagonal + 2
    return _tridiagonal(lower, middle, upper, rhs)


def poisson_thomas(
    source: Float[Array, "n *b"],
    *,
    spacing: Annotated[float, Uniform(0.2, 1.0)],
    boundary: Literal["fixed", "insulated end", "screened"],
) -> Float[Array, "n *b"]:
    """the solution of the one-dimensional Poisson equation by the Thomas algorithm"""
    ones = jnp.ones_like(source)
    if boundary == "fixed":
        diagonal = 2 * ones
    elif boundary == "insulated end":
        diagonal = (2 * ones).at[-1].set(1)
    else:
        diagonal = 2 * ones + jnp.abs(source) * spacing
    return _tridiagonal(-ones, diagonal, -ones, spacing**2 * source)


def poisson_jacobi(
    source: Float[Array, "n *b"],
    guess: Float[Array, "n *b"],
    *,
    sweeps: Literal[2, 4, 8],
    update: Literal["jacobi", "damped", "red black"],
) -> Float[Array, "n *b"]:
    """the solution of the one-dimensional Poisson equation after `sweeps` relaxation sweeps from a guess"""
    walls = [(1, 1)] + [(0, 0)] * (source.ndim - 1)

    def relax(values):
        padded = jnp.pad(values, walls)
        return 0.5 * (padded[:-2] + padded[2:] + source)

    if update == "jacobi":

        def sweep(_, values):
            return relax(values)

    elif update == "damped":

        def sweep(_, values):
            return values + 0.67 * (relax(values) - values)

    else:

        def sweep(_, values):
            half = values.at[0::2].set(relax(values)[0::2])
            return half.at[1::2].set(relax(half)[1::2])

    return lax.fori_loop(0, sweeps, sweep, guess)


def poisson_2d_relaxation(
    source: Float[Array, "h w"],
    guess: Float[Array, "h w"],
    *,
    sweeps: Literal[1, 3, 6],
    boundary: Literal["constant", "wrap", "edge"],
) -> tuple[Float[Array, "h w"], Float[Array, ""]]:
    """the relaxed solution of the two-dimensional Poisson equation, and the last change"""

    def relax(_, carry):
        values = carry[0]
        padded = jnp.pad(values, 1, mode=boundary)
        around = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
        relaxed = 0.25 * (around + source)
        return relaxed, jnp.max(jnp.abs(relaxed - values))

    return lax.fori_loop(0, sweeps, relax, (guess, jnp.zeros((), guess.dtype)))


def newton_iteration(
    guesses: Float[Array, "n"],
    *,
    residual: Callable[[Float[Array, ""]], Float[Array, ""]],
    steps: Literal[1, 3, 5],
) -> Float[Array, "n"]:
    """the roots of the scalar function `residual` by damped Newton steps from each guess"""

    def improve(_, guess):
        values, slopes = jax.vmap(jax.value_and_grad(residual))(guess)
        return guess - values * slopes / (slopes * slopes + 1e-2)

    return lax.fori_loop(0, steps, improve, guesses)


def secant_iteration(
    first: Float[Array, "n"],
    second: Float[Array, "n"],
    *,
    residual: Callable[[Float[Array, "n"]], Float[Array, "n"]],
    steps: Literal[1, 2, 4],
) -> tuple[Float[Array, "n"], Float[Array, "n"]]:
    """the roots of the elementwise function `residual` by secant steps, and the residual there"""

    def improve(_, pair):
        older, newer = pair
        gap = residual(newer) - residual(older)
        slope = gap * (newer - older) / (jnp.square(gap) + 1e-2)
        return newer, newer - slope * residual(newer)

    _, roots = lax.fori_loop(0, steps, improve, (first, second))
    return roots, residual(roots)


def fixed_point(
    start: Float[Array, "n"],
    *,
    update: Callable[[Float[Array, "n"]], Float[Array, "n"]],
    damping: Annotated[float, Uniform(0.1, 0.9)],
    steps: Literal[2, 4, 8],
    residual: Literal["largest", "euclidean"],
) -> tuple[Float[Array, "n"], Float[Array, ""]]:
    """an approximate fixed point of `update` by damped iteration, and the residual there"""

    def improve(_, point):
        return (1 - damping) * point + damping * update(point)

    point = lax.fori_loop(0, steps, improve, start)
    if residual == "largest":
        error = jnp.max(jnp.abs(update(point) - point))
    else:
        error = jnp.linalg.norm(update(point) - point)
    return point, error


def root_by_newton(
    x: Float[Array, "*s"],
    *,
    steps: Literal[2, 4, 6],
    root: Literal["square root", "cube root", "reciprocal", "reciprocal square root"],
) -> Float[Array, "*s"]:
    """the `root` of absolute values by `steps` Newton iterations"""
    size = jnp.abs(x) + 0.05
    if root == "square root":
        result = lax.fori_loop(0, steps, lambda _, y: 0.5 * (y + size / y), size)
    elif root == "cube root":
        result = lax.fori_loop(0, steps, lambda _, y: (2 * y + size / (y * y)) / 3, 1 + size)
    elif root == "reciprocal":
        result = lax.fori_loop(0, steps, lambda _, y: y * (2 - size * y), 1 / (1 + size * size))
    else:
        result = lax.fori_loop(0, steps, lambda _, y: y * (1.5 - 0.5 * size * y * y), 1 / (1 + size))
    return result


def conjugate_gradient(
    rhs: Float[Array, "n"],
    *,
    operator: Callable[[Float[Array, "n"]], Float[Array, "n"]],
    steps: Literal[2, 4],
) -> tuple[Float[Array, "n"], Float[Array, "n"]]:
    """the result of `steps` conjugate gradient steps for the operator `operator`, and the residual"""

    def improve(_, carry):
        solution, residual, direction = carry
        image = operator(direction)
        energy = jnp.vdot(residual, residual)
        length = energy / (jnp.abs(jnp.vdot(direction, image)) + 1e-2)
        new_residual = residual - length * image
        ratio = jnp.vdot(new_residual, new_residual) / (energy + 1e-2)
        return solution + length * direction, new_residual, new_residual + ratio * direction

    return lax.fori_loop(0, steps, improve, (jnp.zeros_like(rhs), rhs, rhs))[:2]


def ridge_regression(
    features: Float[Array, "m n"],
    targets: Float[Array, "m"],
    *,
    ridge: Annotated[float, Uniform(0.1, 2.0)],
    steps: Literal[2, 4, 8],
    method: Literal["conjugate", "landweber"],
) -> Float[Array, "n"]:
    """the ridge regression weights by an iterative solve of the normal equations"""
    moments = features.T @ targets

    def normal(weights):
        return features.T @ (features @ weights) + ridge * weights

    if method == "conjugate":

        def improve(_, carry):
            weights, residual, direction = carry
            image = normal(direction)
            energy = residual @ residual
            length = energy / (direction @ image + 1e-3)
            remainder = residual - length * image
            turned = remainder + remainder @ remainder / (energy + 1e-3) * direction
            return weights + length * direction, remainder, turned

        solution = lax.fori_loop(0, steps, improve, (jnp.zeros_like(moments), moments, moments))[0]
    else:
        rate = 1 / (jnp.sum(jnp.square(features)) + ridge)

        def descend(_, weights):
            return weights + rate * (moments - normal(weights))

        solution = lax.fori_loop(0, steps, descend, jnp.zeros_like(moments))
    return solution
