"""Recurrences and prefix computations along the leading axis."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Inexact, Num, Real

from jaxir import Uniform


def decaying_states(
    decay: Num[Array, "t *s"],
    inputs: Num[Array, "t *s"],
    *,
    reverse: Literal[False, True],
    unroll: Literal[1, 2, 4],
) -> Num[Array, "t *s"]:
    """the states of the recurrence that multiplies by `decay` and adds `inputs`"""

    def body(state, row):
        rate, x = row
        following = rate * state + x
        return following, following

    _, states = lax.scan(body, jnp.zeros_like(inputs[0]), (decay, inputs), reverse=reverse, unroll=unroll)
    return states


def parallel_recurrence(
    decay: Num[Array, "t+1 *s"], inputs: Num[Array, "t+1 *s"], *, reverse: Literal[False, True]
) -> Num[Array, "t+1 *s"]:
    """the states of a linear recurrence by an associative scan"""

    def combine(earlier, later):
        rate, value = earlier
        next_rate, next_value = later
        return rate * next_rate, next_rate * value + next_value

    _, states = lax.associative_scan(combine, (decay, inputs), reverse=reverse)
    return states


def prefix_combine(
    x: Real[Array, "t+1 *s"], *, fn: Literal["add", "multiply", "maximum", "minimum"], reverse: Literal[False, True]
) -> Real[Array, "t+1 *s"]:
    """a running reduction along the leading axis by an associative scan"""
    return lax.associative_scan(getattr(jnp, fn), x, reverse=reverse)


def prefix_matrix_products(
    matrices: Inexact[Array, "t+1 n n"], *, order: Literal["left", "right"]
) -> Inexact[Array, "t+1 n n"]:
    """the scaled running products of matrices by an associative scan, from the `order`"""
    if order == "left":
        products = lax.associative_scan(lambda a, b: b @ a, matrices)
    else:
        products = lax.associative_scan(lambda a, b: a @ b, matrices)
    return products / matrices.shape[-1]


def segmented_sums(
    x: Num[Array, "t+1 *s"], starts: Bool[Array, "t+1"], *, how: Literal["scan", "associative"]
) -> Num[Array, "t+1 *s"]:
    """the running sums along the leading axis that begin again where `starts` holds"""
    flags = jnp.broadcast_to(starts.reshape(-1, *(1,) * (x.ndim - 1)), x.shape)

    def restart(total, row):
        value, begins = row
        following = jnp.where(begins, value, total + value)
        return following, following

    def combine(earlier, later):
        value, begins = earlier
        next_value, next_begins = later
        return jnp.where(next_begins, next_value, value + next_value), begins | next_begins

    if how == "scan":
        _, sums = lax.scan(restart, jnp.zeros_like(x[0]), (x, flags))
    else:
        sums, _ = lax.associative_scan(combine, (x, flags))
    return sums


def smoothed_series(
    x: Inexact[Array, "t *s"], *, rate: Annotated[float, Uniform(0.2, 0.8)], trend: Literal["none", "additive"]
) -> Inexact[Array, "t *s"]:
    """the exponentially smoothed series at the rate `rate`"""

    def body(carry, value):
        level, slope = carry
        following = level + slope + rate * (value - level - slope)
        if trend == "none":
            direction = slope
        else:
            direction = 0.7 * slope + 0.3 * (following - level)
        return (following, direction), following

    _, smoothed = lax.scan(body, (x[0], jnp.zeros_like(x[0])), x)
    return smoothed


def discounted_sums(
    x: Inexact[Array, "t *b"], done: Bool[Array, "t"], *, discount: Annotated[float, Uniform(0.5, 0.99)]
) -> Inexact[Array, "t *b"]:
    """the discounted sum of all later rows, cut where `done` holds"""

    def body(later, row):
        value, ends = row
        total = value + jnp.where(ends, 0, discount * later)
        return total, total

    _, sums = lax.scan(body, jnp.zeros_like(x[0]), (x, done), reverse=True)
    return sums


def delay_line(x: Num[Array, "t *s"], taps: Num[Array, "3"]) -> Num[Array, "t *s"]:
    """`x` filtered by the three taps `taps` through a delay line that is carried along"""

    def body(line, value):
        shifted = jnp.concatenate([value[None], line[:-1]])
        return shifted, jnp.tensordot(taps, shifted, axes=1)

    _, filtered = lax.scan(body, jnp.zeros((3, *x.shape[1:]), x.dtype), x)
    return filtered
