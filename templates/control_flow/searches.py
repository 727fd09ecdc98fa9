"""Loops on integers, sorted arrays and boards: searches, digits, automata, dynamic programming."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int, Int32, Integer, Num, Shaped, UInt32

from jaxir import Uniform


def collatz_lengths(n: Integer[Array, "*s"]) -> Integer[Array, "*s"]:
    """the number of Collatz steps from each number to one, at most eight"""

    def unfinished(carry):
        values, _, rounds = carry
        return jnp.any(values > 1) & (rounds < 8)

    def body(carry):
        values, lengths, rounds = carry
        active = values > 1
        following = jnp.where(values % 2 == 0, values // 2, 3 * values + 1)
        return jnp.where(active, following, values), lengths + active.astype(n.dtype), rounds + 1

    _, lengths, _ = lax.while_loop(unfinished, body, (n, jnp.zeros_like(n), 0))
    return lengths


def euclid(a: Integer[Array, "*s"], b: Integer[Array, "*s"]) -> Integer[Array, "*s"]:
    """the greatest common divisor by Euclid's algorithm, in at most eight rounds"""

    def unfinished(carry):
        _, remainder, rounds = carry
        return jnp.any(remainder != 0) & (rounds < 8)

    def body(carry):
        value, remainder, rounds = carry
        divisor = jnp.where(remainder == 0, 1, remainder)
        done = remainder == 0
        return jnp.where(done, value, remainder), jnp.where(done, 0, value % divisor), rounds + 1

    divisor, _, _ = lax.while_loop(unfinished, body, (a, b, 0))
    return divisor


def digit_sum(n: Integer[Array, "*s"], *, base: Literal[2, 3, 10]) -> Integer[Array, "*s"]:
    """the sum of the digits of each number in base `base`"""

    def body(carry):
        rest, total, rounds = carry
        return rest // base, total + rest % base, rounds + 1

    start = (n, jnp.zeros_like(n), 0)
    _, total, _ = lax.while_loop(lambda carry: jnp.any(carry[0] > 0) & (carry[2] < 8), body, start)
    return total


def integer_root(n: Integer[Array, "*s"]) -> Integer[Array, "*s"]:
    """the integer square root of each number by trial of one bit after another"""

    def body(i, root):
        trial = root + jnp.left_shift(jnp.ones_like(root), (2 - i).astype(root.dtype))
        return jnp.where(trial * trial <= n, trial, root)

    return lax.fori_loop(0, 3, body, jnp.zeros_like(n))


def power_by_squaring(x: Shaped[Array, "*s"], exponent: Int[Array, "*s"]) -> Shaped[Array, "*s"]:
    """`x` raised to the small whole power `exponent` by repeated squaring"""

    def body(_, carry):
        result, square, bits = carry
        odd = bits % 2 == 1
        return jnp.where(odd, result * square, result), square * square, bits // 2

    result, _, _ = lax.fori_loop(0, 3, body, (jnp.ones_like(x), x, exponent))
    return result


def xorshift_steps(state: UInt32[Array, "*s"], *, rounds: Annotated[int, Uniform(1, 6)]) -> UInt32[Array, "*s"]:
    """the state of a xorshift generator at step `rounds`"""

    def body(_, word):
        first = word ^ (word << 13)
        second = first ^ (first >> 17)
        return second ^ (second << 5)

    return lax.fori_loop(0, rounds, body, state + 1)


def life_changes(
    cells: Bool[Array, "m n"], *, steps: Literal[1, 2, 3], rule: Literal["life", "highlife", "seeds"]
) -> Bool[Array, "m n"]:
    """the cells of a periodic board that differ after a run of the `rule` automaton"""

    def body(_, board):
        alive = board.astype(jnp.int32)
        rows = alive + jnp.roll(alive, 1, 0) + jnp.roll(alive, -1, 0)
        around = rows + jnp.roll(rows, 1, 1) + jnp.roll(rows, -1, 1) - alive
        if rule == "life":
            following = (around == 3) | (board & (around == 2))
        elif rule == "highlife":
            following = (around == 3) | (around == 6) | (board & (around == 2))
        else:
            following = jnp.logical_not(board) & (around == 2)
        return following

    return jnp.logical_xor(cells, lax.fori_loop(0, steps, body, cells))


def linear_search(
    x: Num[Array, "n"],
    target: Num[Array, ""],
    *,
    start: Literal["front", "back"],
    wanted: Literal["above", "below"],
) -> tuple[Int32[Array, ""], Num[Array, ""]]:
    """the step count and the value of the first entry `wanted` `target`, searched from the `start`"""
    size = x.shape[0]
    if start == "front":
        ordered = x
    else:
        ordered = x[::-1]

    def unfinished(i):
        here = lax.dynamic_index_in_dim(ordered, i, keepdims=False)
        if wanted == "above":
            missed = here <= target
        else:
            missed = here >= target
        return (i < size - 1) & missed

    found = lax.while_loop(unfinished, lambda i: i + 1, jnp.int32(0))
    return found, ordered[found]


def binary_search(values: Num[Array, "n"], targets: Num[Array, "*b"]) -> Int32[Array, "*b"]:
    """the number of entries of `values` below each of `targets`, by binary search"""
    ordered = jnp.sort(values)
    size = values.shape[0]

    def body(_, bounds):
        low, high = bounds
        middle = (low + high) // 2
        below = (ordered[jnp.clip(middle, 0, size - 1)] < targets) & (low < high)
        return jnp.where(below, middle + 1, low), jnp.where(below, high, jnp.maximum(middle, low))

    start = jnp.zeros(targets.shape, jnp.int32)
    low, _ = lax.fori_loop(0, 5, body, (start, jnp.full_like(start, size)))
    return low


def fill_until(x: Float[Array, "n *d"], *, capacity: Annotated[float, Uniform(1.0, 3.0)]) -> Float[Array, "*d"]:
    """the sum of the leading rows until its mean passes `capacity` or the rows end"""

    def unfinished(carry):
        total, i = carry
        return (i < x.shape[0]) & (jnp.mean(total) < capacity)

    def body(carry):
        total, i = carry
        return total + lax.dynamic_index_in_dim(x, i, keepdims=False), i + 1

    total, _ = lax.while_loop(unfinished, body, (jnp.zeros_like(x[0]), 0))
    return total


def odd_even_sort(x: Num[Array, "*b n+1"], *, rounds: Literal[2, 4, 6]) -> Num[Array, "*b n+1"]:
    """each row after `rounds` rounds of odd-even transposition sort"""
    size = x.shape[-1]
    index = jnp.arange(size)

    def body(i, values):
        partner = jnp.clip(jnp.where((index + i) % 2 == 0, index + 1, index - 1), 0, size - 1)
        other = values[..., partner]
        low, high = jnp.minimum(values, other), jnp.maximum(values, other)
        return jnp.where(partner > index, low, high)

    return lax.fori_loop(0, rounds, body, x)


def bubble_pass(x: Num[Array, "n+1"], *, direction: Literal["up", "down"]) -> Num[Array, "n+1"]:
    """the entries after one pass of bubble sort"""

    def body(i, values):
        pair = lax.dynamic_slice_in_dim(values, i, 2)
        ordered = jnp.sort(pair)
        if direction == "up":
            placed = ordered
        else:
            placed = ordered[::-1]
        return lax.dynamic_update_slice_in_dim(values, placed, i, axis=0)

    return lax.fori_loop(0, x.shape[0] - 1, body, x)


def best_value_by_capacity(values: Float[Array, "n"], weights: Int[Array, "n"]) -> Float[Array, "8"]:
    """the best total value for each capacity from zero to seven, each item taken at most once"""
    room = jnp.arange(8)

    def take(i, best):
        weight = jnp.clip(weights[i], 1, 7).astype(jnp.int32)
        shifted = best[jnp.maximum(room - weight, 0)] + values[i]
        return jnp.where(room >= weight, jnp.maximum(best, shifted), best)

    return lax.fori_loop(0, values.shape[0], take, jnp.zeros(8, values.dtype))


def bisection_root(square: Float[Array, "*s"], *, power: Literal[2, 3], count: Literal[5, 6, 8]) -> Float[Array, "*s"]:
    """an approximate root of order `power` of the absolute value of `square`, by bisection"""
    value = jnp.abs(square)
    top = jnp.maximum(value, 1)

    def halve(_, bracket):
        low, high = bracket
        middle = (low + high) / 2
        small = middle**power < value
        return jnp.where(small, middle, low), jnp.where(small, high, middle)

    low, _ = lax.fori_loop(0, count, halve, (jnp.zeros_like(value), top))
    return low + value / 256
