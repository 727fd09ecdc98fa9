"""Loops with a count or a condition over several carried values, nested and batched loops."""

from collections.abc import Callable
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int32, Integer, Num, Real, UInt32

from jaxir import Uniform


def repeat_step(
    x: Num[Array, "*s"], y: Num[Array, "*s"], *, times: Literal[2, 3, 4], fn: Literal["add", "subtract", "multiply"]
) -> Num[Array, "*s"]:
    """the `fn` of `x` and `y`, `times` times"""
    return lax.fori_loop(0, times, lambda _, value: getattr(jnp, fn)(value, y), x)


def repeat_unrolled(
    x: Float[Array, "*s"], *, times: Literal[4, 6], unroll: Literal[2, True], fn: Literal["sin", "tanh", "cos"]
) -> Float[Array, "*s"]:
    """the `fn` of `x` minus a quarter, `times` times in an unrolled loop"""
    return lax.fori_loop(0, times, lambda i, value: getattr(jnp, fn)(value) - 0.25, x, unroll=unroll)


def repeat_as_given(count: Int32[Array, ""], x: Real[Array, "*s"], y: Real[Array, "*s"]) -> Real[Array, "*s"]:
    """`y` minus `x`, again and again as often as `count` says, at most seven times"""
    return lax.fori_loop(0, jnp.clip(count, 1, 7), lambda _, value: y - value - x, x)


def triangular_numbers(x: Integer[Array, "n"], *, start: Literal[0, 1], stop: Literal[4, 6]) -> Integer[Array, "n"]:
    """`x` plus the squares of the numbers from `start` to `stop`, modulo the type"""
    return lax.fori_loop(start, stop, lambda i, total: total + (i * i).astype(total.dtype), x)


def fill_table(x: Num[Array, "n *s"], *, method: Literal["add", "multiply", "set"]) -> Num[Array, "n *s"]:
    """a table of the rows of `x`, each updated with its predecessor by `method`"""

    def body(i, table):
        return getattr(table.at[i], method)(table[i - 1] + x[i])

    return lax.fori_loop(1, x.shape[0], body, x)


def two_counters(
    x: Num[Array, "*s"], y: Num[Array, "*s"], *, times: Literal[2, 3, 5]
) -> tuple[Num[Array, "*s"], Num[Array, "*s"]]:
    """the pair (`x`, `y`) after `times` steps to (y, x - y)"""
    return lax.fori_loop(0, times, lambda _, pair: (pair[1], pair[0] - pair[1]), (x, y))


def prefix_by_loop(x: Num[Array, "n"], *, fn: Literal["add", "multiply"]) -> Num[Array, "n"]:
    """the running `fn` of `x` by a loop over its entries"""

    def body(i, out):
        return out.at[i].set(getattr(jnp, fn)(out[i - 1], x[i]))

    return lax.fori_loop(1, x.shape[0], body, x)


def bubble_once(x: Real[Array, "n+1"], *, fn: Literal["minimum", "maximum"]) -> Real[Array, "n+1"]:
    """`x` after one pass that exchanges neighbours in the wrong order"""

    def body(i, values):
        left, right = values[i], values[i + 1]
        first = getattr(jnp, fn)(left, right)
        return values.at[i].set(first).at[i + 1].set(left + right - first)

    return lax.fori_loop(0, x.shape[0] - 1, body, x)


def nested_count(x: Float[Array, "m n"], *, outer: Literal[2, 3], inner: Literal[2, 3]) -> Float[Array, "m n"]:
    """`x` after `outer` rounds of `inner` averagings with the columns rolled"""

    def average(_, values):
        return 0.5 * (values + jnp.roll(values, 1, axis=1))

    def one_round(i, values):
        return lax.fori_loop(0, inner, average, values) - x / (2.0 + i)

    return lax.fori_loop(0, outer, one_round, x)


def pivot_rows(a: Float[Array, "n n"], *, ridge: Annotated[float, Uniform(2, 4)]) -> Float[Array, "n n"]:
    """the upper triangle that elimination leaves of `a` plus a diagonal of `ridge`"""
    size = a.shape[0]
    matrix = a + ridge * jnp.eye(size, dtype=a.dtype)

    def eliminate(k, m):
        below = jnp.arange(size) > k
        factors = jnp.where(below, m[:, k] / m[k, k], 0)
        return m - factors[:, None] * m[k][None, :]

    return lax.fori_loop(0, size - 1, eliminate, matrix)


def divide_until_small(
    x: Float[Array, "*s"], *, bound: Annotated[float, Uniform(0.1, 0.6)]
) -> tuple[Float[Array, "*s"], Int32[Array, ""]]:
    """`x` halved until its largest magnitude is below `bound`, at most 20 times, and how often that was"""

    def large(state):
        value, count = state
        return (jnp.max(jnp.abs(value)) > bound) & (count < 20)

    def halve(state):
        value, count = state
        return value / 2, count + 1

    return lax.while_loop(large, halve, (x, jnp.int32(0)))


def greatest_divisor(x: Integer[Array, "*s"], y: Integer[Array, "*s"]) -> Integer[Array, "*s"]:
    """the greatest common divisor of the entries of `x` and `y`, all at once"""

    def unfinished(pair):
        return jnp.any(pair[1] != 0)

    def step(pair):
        a, b = pair
        rest = jnp.where(b == 0, 0, a % jnp.where(b == 0, 1, b))
        return jnp.where(b == 0, a, b), rest

    left, _ = lax.while_loop(unfinished, step, (x, y))
    return left


def search_index(x: Real[Array, "n"], threshold: Real[Array, ""]) -> Int32[Array, ""]:
    """the position of the first entry of `x` above `threshold`, or the length"""

    def looking(i):
        return (i < x.shape[0]) & (x[jnp.minimum(i, x.shape[0] - 1)] <= threshold)

    return lax.while_loop(looking, lambda i: i + 1, jnp.int32(0))


def grow_until(
    x: Float[Array, "*s"],
    limit: Float[Array, ""],
    *,
    fn: Literal["sum", "max"],
    factor: Annotated[float, Uniform(1.3, 2)],
) -> Float[Array, "*s"]:
    """`x` multiplied by `factor` until the `fn` of its magnitudes exceeds two plus `limit`, at most eight times"""
    goal = 2 + jnp.abs(limit)

    def small(state):
        i, value = state
        return (i < 8) & (getattr(jnp, fn)(jnp.abs(value)) < goal)

    _, grown = lax.while_loop(small, lambda state: (state[0] + 1, state[1] * factor), (0, x))
    return grown


def random_walk_until(seed: UInt32[Array, "*s"], *, bits: Literal[4, 6, 8]) -> UInt32[Array, "*s"]:
    """the entries of `seed` stepped until their lowest `bits` bits are in the upper half, plus the steps taken"""
    mask = 2**bits - 1

    def unfinished(state):
        count, words = state
        return (jnp.max(count) < 20) & jnp.any((words & mask) < mask // 2)

    def step(state):
        count, words = state
        moving = (words & mask) < mask // 2
        following = words ^ (words << 3) ^ ((words + 77) >> 2)
        return count + moving.astype(count.dtype), jnp.where(moving, following + 5, words)

    count, words = lax.while_loop(unfinished, step, (jnp.zeros_like(seed), seed))
    return count + words


def loop_per_row(x: Float[Array, "n k"], *, fn: Literal["sum", "max"]) -> Float[Array, "n k"]:
    """each row of `x` halved until the `fn` of its magnitudes is at most one, or 20 times"""

    def unfinished(state):
        value, count = state
        return (getattr(jnp, fn)(jnp.abs(value)) > 1) & (count < 20)

    def halve(state):
        value, count = state
        return value / 2, count + 1

    def shrink(row):
        return lax.while_loop(unfinished, halve, (row, 0))[0]

    return jax.vmap(shrink)(x)


def loop_inside_scan(xs: Float[Array, "t n"], init: Float[Array, "n"], *, steps: Literal[2, 3]) -> Float[Array, "t n"]:
    """the states of a scan whose every step averages `steps` times with the row"""

    def body(state, x):
        relaxed = lax.fori_loop(0, steps, lambda _, value: 0.5 * (value + x), state)
        return relaxed, relaxed - x

    _, outputs = lax.scan(body, init, xs)
    return outputs


def scan_inside_while(xs: Float[Array, "t n"], init: Float[Array, "n"]) -> Float[Array, "n"]:
    """`init` folded with the rows of `xs` until its norm is below one half, at most five times"""

    def fold(state):
        folded, _ = lax.scan(lambda carry, x: (0.5 * carry + 0.1 * jnp.sin(x), None), state[1], xs)
        return state[0] + 1, folded

    def going(state):
        return (state[0] < 5) & (jnp.sum(state[1] * state[1]) > 0.25)

    return lax.while_loop(going, fold, (0, init))[1]


def gradient_of_loop(
    x: Float[Array, "*s"], y: Float[Array, "*s"], *, times: Literal[2, 3], fn: Literal["sin", "tanh", "cos"]
) -> Float[Array, "*s"]:
    """the gradient with respect to `x` of the sum after `times` rounds of `fn`"""

    def total(start):
        return jnp.sum(lax.fori_loop(0, times, lambda _, v: getattr(jnp, fn)(v) * y, start))

    return jax.grad(total)(x)


def tangent_of_loop(x: Float[Array, "*s"], dx: Float[Array, "*s"], *, times: Literal[2, 3, 4]) -> Float[Array, "*s"]:
    """the directional derivative along `dx` of `times` logistic steps from `x`"""
    _, tangent = jax.jvp(lambda v: lax.fori_loop(0, times, lambda _, u: 2.5 * u * (1 - u), v), (x,), (dx,))
    return tangent


def iterate_pairwise(
    x: Float[Array, "*s"],
    y: Float[Array, "*s"],
    *,
    times: Literal[2, 3],
    left: Callable[[Float[Array, "*s"], Float[Array, "*s"]], Float[Array, "*s"]],
    right: Callable[[Float[Array, "*s"], Float[Array, "*s"]], Float[Array, "*s"]],
) -> tuple[Float[Array, "*s"], Float[Array, "*s"]]:
    """the bounded states `x` and `y` after `times` steps of `left` and `right` of both"""

    def body(_, pair):
        a, b = pair
        return jnp.tanh(left(a, b)), jnp.tanh(right(a, b))

    return lax.fori_loop(0, times, body, (x, y))


def index_dependent(
    x: Float[Array, "*s"], *, times: Literal[3, 4], step: Callable[[Float[Array, "*s"]], Float[Array, "*s"]]
) -> Float[Array, "*s"]:
    """the sum of `times` bounded steps of `step`, each divided by its number"""

    def body(i, state):
        value, total = state
        following = jnp.clip(step(value), -2, 2)
        return following, total + following / (i + 1).astype(total.dtype)

    return lax.fori_loop(0, times, body, (x, jnp.zeros_like(x)))[1]


def countdown(x: Int32[Array, "*s"], y: Int32[Array, "*s"], *, stop: Literal[1, 2]) -> Int32[Array, "*s"]:
    """`y` added as often as the magnitude of `x`, at most ten, stands above `stop`"""

    def body(state):
        left, total = state
        return left - 1, total + jnp.where(left > stop, y, 0)

    start = jnp.minimum(jnp.abs(x), 10)
    return lax.while_loop(lambda state: jnp.any(state[0] > stop), body, (start, x))[1]
