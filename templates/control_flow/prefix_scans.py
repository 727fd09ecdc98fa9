"""Scans of all kinds: associative scans, several sequences at once, counters, windows, derivatives."""

from collections.abc import Callable
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Complex, Float, Inexact, Int, Int32, Integer, Num, Real

from jaxir import Uniform


def associative_running(
    x: Real[Array, "n *s"], *, fn: Literal["add", "multiply", "maximum", "minimum"], reverse: Literal[False, True]
) -> Real[Array, "n *s"]:
    """the running `fn` along the leading axis by an associative scan"""
    return lax.associative_scan(getattr(jnp, fn), x, reverse=reverse)


def associative_bits(
    x: Integer[Array, "*b n"], *, fn: Literal["bitwise_and", "bitwise_or", "bitwise_xor"]
) -> Integer[Array, "*b n"]:
    """the running `fn` along the last axis by an associative scan"""
    return lax.associative_scan(getattr(jnp, fn), x, axis=x.ndim - 1)


def associative_complex(z: Complex[Array, "n *s"], *, fn: Literal["multiply", "add"]) -> Complex[Array, "n *s"]:
    """the running `fn` of complex numbers by an associative scan"""
    return lax.associative_scan(getattr(jnp, fn), z)


def associative_recurrence(
    a: Inexact[Array, "n *s"], b: Inexact[Array, "n *s"], *, reverse: Literal[False, True]
) -> Inexact[Array, "n *s"]:
    """the states of the recurrence h = a h + b by an associative scan of pairs"""

    def combine(left, right):
        return left[0] * right[0], left[1] * right[0] + right[1]

    _, states = lax.associative_scan(combine, (a, b), reverse=reverse)
    return states


def associative_matrices(a: Num[Array, "t 2 2"]) -> Num[Array, "t 2 2"]:
    """the products of all first matrices by an associative scan"""
    return lax.associative_scan(jnp.matmul, a)


def associative_segments(x: Num[Array, "n"], starts: Bool[Array, "n"]) -> Num[Array, "n"]:
    """the running sums that begin anew where `starts` holds, by an associative scan"""

    def combine(left, right):
        total, flag = left
        other, fresh = right
        return jnp.where(fresh, other, total + other), flag | fresh

    totals, _ = lax.associative_scan(combine, (x, starts))
    return totals


def associative_with_position(x: Real[Array, "n"]) -> tuple[Real[Array, "n"], Int32[Array, "n"]]:
    """the running maximum of `x` and where it stands"""

    def later_wins(left, right):
        keep = left[0] >= right[0]
        return jnp.where(keep, left[0], right[0]), jnp.where(keep, left[1], right[1])

    return lax.associative_scan(later_wins, (x, jnp.arange(x.shape[0], dtype=jnp.int32)))


def scan_of_pairs(
    xs: Num[Array, "t *s"], ys: Num[Array, "t *s"], init: Num[Array, "*s"], *, reverse: Literal[False, True]
) -> Num[Array, "t *s"]:
    """the states that add the product of matching rows of `xs` and `ys` to `init`"""

    def body(total, rows):
        x, y = rows
        following = total + x * y
        return following, following

    _, states = lax.scan(body, init, (xs, ys), reverse=reverse)
    return states


def scan_of_records(
    xs: Float[Array, "t n"], gains: Float[Array, "t"], init: Float[Array, "n"]
) -> tuple[Float[Array, "n"], Float[Array, "t"]]:
    """the last state and the norms of a filter whose rows and gains come as a record"""

    def body(state, item):
        following = state + item["gain"] * (item["row"] - state)
        return following, jnp.sum(following * following)

    return lax.scan(body, init, {"row": xs, "gain": gains})


def scan_with_counter(
    xs: Real[Array, "t *s"], init: Real[Array, "*s"], *, start: Literal[0, 1]
) -> tuple[Int32[Array, ""], Real[Array, "*s"]]:
    """the number of rows plus `start`, and the rows added up with alternating signs"""

    def body(carry, x):
        count, total = carry
        return (count + 1, jnp.where(count % 2 == 0, total + x, total - x)), None

    (count, total), _ = lax.scan(body, (jnp.int32(start), init), xs)
    return count + jnp.argmax(jnp.ravel(total)).astype(jnp.int32), total


def scan_integers(
    xs: Integer[Array, "t *s"],
    init: Integer[Array, "*s"],
    *,
    fn: Literal["add", "bitwise_xor", "maximum", "multiply"],
    unroll: Literal[1, 2],
) -> Integer[Array, "t *s"]:
    """the states of an integer hash of the rows of `xs` by `fn`"""

    def body(state, x):
        following = getattr(jnp, fn)(3 * state, x)
        return following, following

    _, states = lax.scan(body, init, xs, unroll=unroll)
    return states


def scan_masks(
    flags: Bool[Array, "t *s"], init: Bool[Array, "*s"], *, fn: Literal["logical_or", "logical_and", "logical_xor"]
) -> Bool[Array, "t *s"]:
    """the running `fn` of `init` and the rows of `flags`"""

    def body(state, flag):
        following = getattr(jnp, fn)(state, flag)
        return following, following

    _, states = lax.scan(body, init, flags)
    return states


def scan_without_rows(x: Num[Array, "*s"], y: Num[Array, "*s"], *, unroll: Literal[1, 3]) -> Num[Array, "3 *s"]:
    """the three states of a counted scan that adds `y` to the double of `x`"""

    def body(state, _):
        return 2 * state + y, state - y

    return lax.scan(body, x, None, length=3, unroll=unroll)[1]


def scan_columns(
    x: Float[Array, "m t"], init: Float[Array, "m"], *, decay: Annotated[float, Uniform(0.1, 0.9)]
) -> Float[Array, "m t"]:
    """the exponential averages of each row of `x` with decay `decay`, begun at `init`"""

    def body(state, column):
        following = decay * state + (1 - decay) * column
        return following, following

    _, states = lax.scan(body, init, x.T)
    return states.T


def scan_pairs_of_neighbours(x: Num[Array, "t+1 *s"], init: Num[Array, "*s"]) -> Num[Array, "*s"]:
    """`init` plus the products of neighbouring rows"""

    def body(total, pair):
        return total + pair[0] * pair[1], None

    total, _ = lax.scan(body, init, (x[:-1], x[1:]))
    return total


def scan_buffer(xs: Num[Array, "t"], buffer: Num[Array, "3"]) -> Num[Array, "t"]:
    """the sums of the last three entries before each of `xs`, with `buffer` before the first"""

    def body(window, x):
        return jnp.roll(window, -1).at[-1].set(x), jnp.sum(window, dtype=x.dtype)

    _, sums = lax.scan(body, buffer, xs)
    return sums


def scan_table(keys: Int[Array, "t"], values: Num[Array, "t"]) -> Num[Array, "4"]:
    """a table of four sums, to which the values go by their keys modulo four, one after the other"""

    def body(table, item):
        key, value = item
        return table.at[key % 4].add(value), None

    table, _ = lax.scan(body, jnp.zeros(4, values.dtype), (keys, values))
    return table


def scan_with_dynamic_slice(x: Num[Array, "n+2"], starts: Int[Array, "t"]) -> Num[Array, "t"]:
    """the sums of the windows of three entries of `x` at `starts`, one after the other"""

    def body(total, start):
        window = lax.dynamic_slice(x, (start,), (3,))
        total = total + jnp.sum(window, dtype=x.dtype)
        return total, total

    _, sums = lax.scan(body, jnp.zeros((), x.dtype), starts)
    return sums


def scan_matrix_products(
    a: Float[Array, "t n n"], x: Float[Array, "n"], *, reverse: Literal[False, True]
) -> Float[Array, "n"]:
    """`x` multiplied by every matrix, bounded after each"""
    state, _ = lax.scan(lambda v, m: (jnp.tanh(m @ v), None), x, a, reverse=reverse)
    return state


def gradient_of_scan(
    xs: Float[Array, "t *s"], init: Float[Array, "*s"], *, argnum: Literal[0], unroll: Literal[1, 2]
) -> Float[Array, "t *s"]:
    """the gradient of the squared end state of a scan with respect to its rows"""

    def objective(rows, start):
        state, _ = lax.scan(lambda carry, x: (jnp.sin(carry + x * carry), None), start, rows, unroll=unroll)
        return jnp.sum(state * state)

    return jax.grad(objective, argnums=argnum)(xs, init)


def tangent_of_scan(
    xs: Float[Array, "t *s"], dxs: Float[Array, "t *s"], init: Float[Array, "*s"]
) -> Float[Array, "t *s"]:
    """the directional derivative along `dxs` of the states of a scan"""

    def states(rows):
        def body(carry, x):
            following = 0.5 * carry + jnp.cos(x)
            return following, following * x

        return lax.scan(body, init, rows)[1]

    return jax.jvp(states, (xs,), (dxs,))[1]


def batched_scan(
    xs: Float[Array, "t b"], init: Float[Array, "b"], *, fn: Literal["tanh", "sin"]
) -> Float[Array, "b t"]:
    """the states of a scalar recurrence with `fn`, mapped over a batch"""

    def states(start, column):
        def body(carry, x):
            following = getattr(jnp, fn)(carry + x)
            return following, following

        return lax.scan(body, start, column)[1]

    return jax.vmap(states, in_axes=(0, 1))(init, xs)


def scan_both_directions(xs: Num[Array, "t *s"], *, fn: Literal["add", "subtract"]) -> Num[Array, "t *s"]:
    """the `fn` of the sums of the rows before and behind each row"""

    def body(total, x):
        return total + x, total

    zero = jnp.zeros_like(xs[0])
    before = lax.scan(body, zero, xs)[1]
    behind = lax.scan(body, zero, xs, reverse=True)[1]
    return getattr(jnp, fn)(before, behind)


def map_with_two_results(
    x: Float[Array, "n *s"], *, fn: Literal["sin", "exp", "square"]
) -> tuple[Float[Array, "n *s"], Float[Array, "n"]]:
    """the `fn` of each row and its sum, one row after another"""
    return lax.map(lambda row: (getattr(jnp, fn)(row), jnp.sum(row)), x)


def map_records(x: Num[Array, "n *s"], y: Num[Array, "n"], *, batch_size: Literal[1, 2, 3]) -> Num[Array, "n *s"]:
    """each row of `x` times its factor of `y`, in batches of `batch_size`"""
    return lax.map(lambda item: item["row"] * item["factor"], {"row": x, "factor": y}, batch_size=batch_size)


def vectorized_product(
    x: Num[Array, "*b n"], y: Num[Array, "n"], *, signature: Literal["dot", "outer"]
) -> Num[Array, "*b"]:
    """the sum of the `signature` of each row with `y`, by a vectorised function"""
    if signature == "dot":
        result = jnp.vectorize(jnp.dot, signature="(n),(n)->()")(x, y)
    else:
        result = jnp.vectorize(lambda a, b: jnp.sum(jnp.outer(a, b), dtype=a.dtype), signature="(n),(n)->()")(x, y)
    return result


def vectorized_scalar(
    x: Real[Array, "*#s"], y: Real[Array, "*#s"], *, low: Literal["minimum", "add"]
) -> Real[Array, "*s"]:
    """a function of two numbers with `low` in it, vectorised"""

    def scalar(a, b):
        return jnp.where(a > b, a - b, getattr(jnp, low)(a, b))

    return jnp.vectorize(scalar)(x, y)


def vmap_axes(a: Num[Array, "m k n"], x: Num[Array, "n m"], *, out_axes: Literal[0, 1]) -> Num[Array, "k m"]:
    """the products of the slices of `a` with the columns of `x`, mapped to axis `out_axes`"""
    products = jax.vmap(lambda matrix, column: matrix @ column, in_axes=(0, 1), out_axes=out_axes)(a, x)
    if out_axes == 0:
        result = products.T
    else:
        result = products
    return result


def vmap_of_vmap(
    x: Float[Array, "m *s"], y: Float[Array, "n *s"], *, fn: Literal["max", "sum", "mean"]
) -> Float[Array, "m n"]:
    """the `fn` of the distances of all pairs of rows of `x` and `y`"""

    def distance(a, b):
        return getattr(jnp, fn)(jnp.abs(a - b))

    return jax.vmap(jax.vmap(distance, in_axes=(None, 0)), in_axes=(0, None))(x, y)


def scan_with_choice(
    xs: Float[Array, "t *s"],
    init: Float[Array, "*s"],
    codes: Int32[Array, "t"],
    *,
    first: Callable[[Float[Array, "*s"], Float[Array, "*s"]], Float[Array, "*s"]],
    second: Callable[[Float[Array, "*s"], Float[Array, "*s"]], Float[Array, "*s"]],
) -> Float[Array, "*s"]:
    """the bounded fold of `xs` by `first`, `second` or a sum, as each code says"""

    def body(carry, item):
        x, code = item
        following = lax.switch(code % 3, [first, second, jnp.add], carry, x)
        return jnp.tanh(following), None

    state, _ = lax.scan(body, init, (xs, codes))
    return state
