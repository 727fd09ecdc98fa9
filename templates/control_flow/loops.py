"""Loops of fixed or data-dependent length around a step that is given as a hole."""

from collections.abc import Callable
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int, Int32

from jaxir import Uniform


def iterate(
    x: Float[Array, "*s"],
    *,
    count: Annotated[int, Uniform(2, 5)],
    mix: Annotated[float, Uniform(0.1, 0.5)],
    step: Callable[[Float[Array, "*s"]], Float[Array, "*s"]],
) -> Float[Array, "*s"]:
    """`x` after `count` damped applications of `step`"""

    def body(_, state):
        return (1 - mix) * state + mix * jnp.tanh(step(state))

    return lax.fori_loop(0, count, body, x)


def iterate_with_input(
    x: Float[Array, "*s"],
    drive: Float[Array, "*s"],
    *,
    count: Annotated[int, Uniform(2, 5)],
    step: Callable[[Float[Array, "*s"], Float[Array, "*s"]], Float[Array, "*s"]],
) -> Float[Array, "*s"]:
    """`x` after `count` bounded steps under the constant input `drive`"""
    return lax.fori_loop(0, count, lambda _, state: jnp.clip(step(state, drive), -2, 2), x)


def running_average_of_steps(
    x: Float[Array, "*s"],
    *,
    count: Annotated[int, Uniform(2, 5)],
    step: Callable[[Float[Array, "*s"]], Float[Array, "*s"]],
) -> Float[Array, "*s"]:
    """the running average of `x` and of what `step` makes of it"""

    def body(i, average):
        weight = 1 / (i + 2)
        return average + (jnp.sin(step(average)) - average) * weight.astype(average.dtype)

    return lax.fori_loop(0, count, body, x)


def dynamic_trip_count(
    x: Float[Array, "*s"], count: Int[Array, ""], *, step: Callable[[Float[Array, "*s"]], Float[Array, "*s"]]
) -> Float[Array, "*s"]:
    """`x` after as many bounded steps as `count` says, at most six"""
    trips = jnp.clip(count, 1, 6).astype(jnp.int32)
    return lax.fori_loop(0, trips, lambda _, state: jnp.clip(step(state), -1, 1), x)


def vmapped_trip_counts(
    x: Float[Array, "b n"], counts: Int[Array, "b"], *, step: Callable[[Float[Array, "n"]], Float[Array, "n"]]
) -> Float[Array, "b n"]:
    """each row after its own number of bounded steps"""

    def run(row, count):
        trips = jnp.clip(count, 0, 4).astype(jnp.int32)
        return lax.fori_loop(0, trips, lambda _, state: jnp.cos(step(state)), row)

    return jax.vmap(run)(x, counts)


def alternate(
    x: Float[Array, "*s"],
    *,
    count: Literal[2, 3, 4],
    even: Callable[[Float[Array, "*s"]], Float[Array, "*s"]],
    odd: Callable[[Float[Array, "*s"]], Float[Array, "*s"]],
) -> Float[Array, "*s"]:
    """`x` after `count` rounds of `even` and `odd` in turn"""

    def body(i, state):
        proposal = lax.cond(i % 2 == 0, even, odd, state)
        return state + 0.5 * (jnp.tanh(proposal) - state)

    return lax.fori_loop(0, count, body, x)


def orbit(
    x: Float[Array, "*s"], *, count: Literal[3, 4, 5], step: Callable[[Float[Array, "*s"]], Float[Array, "*s"]]
) -> tuple[Float[Array, "5 *s"], Float[Array, "*s"]]:
    """the first `count` bounded iterates of `step` in a table of five rows, and the last of them"""
    table = jnp.zeros((5, *x.shape), x.dtype)

    def body(i, carry):
        rows, state = carry
        following = jnp.clip(step(state), -3, 3)
        return lax.dynamic_update_index_in_dim(rows, following, i, axis=0), following

    return lax.fori_loop(0, count, body, (table, x))


def until_small(
    x: Float[Array, "*s"],
    *,
    limit: Annotated[float, Uniform(0.1, 0.4)],
    direction: Callable[[Float[Array, "*s"]], Float[Array, "*s"]],
) -> tuple[Float[Array, "*s"], Int32[Array, ""]]:
    """`x` shrunk and nudged by `direction` at most six times, until it is small, and the steps taken"""

    def unfinished(carry):
        state, steps = carry
        return (jnp.max(jnp.abs(state)) > limit) & (steps < 6)

    def body(carry):
        state, steps = carry
        return 0.5 * state + 0.05 * jnp.sin(direction(state)), steps + 1

    return lax.while_loop(unfinished, body, (x, jnp.int32(0)))


def contract_until(
    x: Float[Array, "n"],
    shift: Float[Array, "n"],
    *,
    tolerance: Annotated[float, Uniform(0.001, 0.05)],
    step: Callable[[Float[Array, "n"]], Float[Array, "n"]],
) -> Float[Array, "n"]:
    """the fixed point of a contraction built from `step`, approached in at most eight rounds"""

    def unfinished(carry):
        previous, current, rounds = carry
        return jnp.logical_and(jnp.sum(jnp.abs(current - previous)) > tolerance, rounds < 8)

    def body(carry):
        _, current, rounds = carry
        return current, 0.4 * jnp.tanh(step(current)) + shift, rounds + 1

    _, solution, _ = lax.while_loop(unfinished, body, (x - 1, x, 0))
    return solution


def bisection(
    low: Float[Array, "*s"],
    high: Float[Array, "*s"],
    target: Float[Array, "*s"],
    *,
    count: Literal[4, 5, 6],
    fn: Callable[[Float[Array, "*s"]], Float[Array, "*s"]],
) -> Float[Array, "*s"]:
    """the point where `fn` crosses `target` between `low` and `high`, by `count` halvings"""

    def halve(_, bracket):
        left, right = bracket
        middle = 0.5 * (left + right)
        below = fn(middle) < target
        return jnp.where(below, middle, left), jnp.where(below, right, middle)

    left, right = lax.fori_loop(0, count, halve, (low, high))
    return 0.5 * (left + right)


def golden_section(
    low: Float[Array, "*s"],
    high: Float[Array, "*s"],
    *,
    count: Literal[3, 4, 5],
    fn: Callable[[Float[Array, "*s"]], Float[Array, "*s"]],
) -> Float[Array, "*s"]:
    """the minimum of `fn` between `low` and `high` by `count` golden sections"""

    def shrink(_, bracket):
        left, right = bracket
        width = 0.618034 * (right - left)
        inner_left, inner_right = right - width, left + width
        better = fn(inner_left) < fn(inner_right)
        return jnp.where(better, left, inner_left), jnp.where(better, inner_right, right)

    left, right = lax.fori_loop(0, count, shrink, (low, high))
    return (left + right) / 2


def backtracking(
    x: Float[Array, "n"], direction: Float[Array, "n"], *, objective: Callable[[Float[Array, "n"]], Float[Array, ""]]
) -> Float[Array, "n"]:
    """the step from `x` along `direction`, halved at most five times until `objective` falls"""
    start = objective(x)

    def too_long(carry):
        size, tries = carry
        return (objective(x - size * direction) > start) & (tries < 5)

    def halve(carry):
        size, tries = carry
        return size / 2, tries + 1

    size, _ = lax.while_loop(too_long, halve, (jnp.ones((), x.dtype), 0))
    return x - size * direction


def euler_trajectory(
    x: Float[Array, "*s"],
    *,
    dt: Annotated[float, Uniform(0.05, 0.2)],
    count: Literal[3, 4],
    velocity: Callable[[Float[Array, "*s"]], Float[Array, "*s"]],
) -> Float[Array, "4 *s"]:
    """the explicit Euler trajectory along the bounded field `velocity`, padded with its end"""
    path = jnp.broadcast_to(x, (4, *x.shape))

    def body(i, states):
        state = states[i]
        following = state + dt * jnp.tanh(velocity(state))
        reached = jnp.arange(4).reshape(-1, *(1,) * x.ndim) > i
        return jnp.where(reached, following, states)

    return lax.fori_loop(0, count - 1, body, path)
