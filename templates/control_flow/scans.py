"""Scans over the leading axis, maps, and prefix computations."""

from collections.abc import Callable
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int, Int32, Integer, Num, Real, UInt32

from jaxir import Uniform


def fold(
    xs: Float[Array, "t *s"],
    init: Float[Array, "*s"],
    *,
    reverse: Literal[False, True],
    step: Callable[[Float[Array, "*s"], Float[Array, "*s"]], Float[Array, "*s"]],
) -> Float[Array, "*s"]:
    """the bounded fold of `step` over the leading axis of `xs`"""

    def body(carry, x):
        return jnp.clip(step(carry, x), -4, 4), None

    carry, _ = lax.scan(body, init, xs, reverse=reverse)
    return carry


def scan_states(
    xs: Float[Array, "t *s"],
    init: Float[Array, "*s"],
    *,
    reverse: Literal[False, True],
    unroll: Literal[1, 2],
    step: Callable[[Float[Array, "*s"], Float[Array, "*s"]], Float[Array, "*s"]],
) -> tuple[Float[Array, "*s"], Float[Array, "t *s"]]:
    """the last and all states of a scan with the bounded transition `step`"""

    def body(state, x):
        following = jnp.tanh(step(state, x))
        return following, following

    return lax.scan(body, init, xs, reverse=reverse, unroll=unroll)


def scan_readout(
    xs: Float[Array, "t n"],
    init: Float[Array, "m"],
    *,
    update: Callable[[Float[Array, "m"], Float[Array, "n"]], Float[Array, "m"]],
    readout: Callable[[Float[Array, "m"], Float[Array, "n"]], Float[Array, "n"]],
) -> Float[Array, "t n"]:
    """the outputs of a state machine given by `update` and `readout`"""

    def body(state, x):
        following = 0.5 * state + 0.5 * jnp.sin(update(state, x))
        return following, readout(following, x)

    _, outputs = lax.scan(body, init, xs)
    return outputs


def two_term_recurrence(
    first: Float[Array, "*s"],
    second: Float[Array, "*s"],
    *,
    length: Literal[3, 4, 5],
    step: Callable[[Float[Array, "*s"], Float[Array, "*s"]], Float[Array, "*s"]],
) -> Float[Array, "*s"]:
    """the term after `length` steps of the recurrence in which `step` joins the last two terms"""

    def body(carry, _):
        older, newer = carry
        return (newer, 0.5 * newer + 0.5 * jnp.cos(step(older, newer))), None

    (older, newer), _ = lax.scan(body, (first, second), None, length=length)
    return newer - older


def masked_fold(
    xs: Float[Array, "t *s"],
    mask: Bool[Array, "t"],
    init: Float[Array, "*s"],
    *,
    step: Callable[[Float[Array, "*s"], Float[Array, "*s"]], Float[Array, "*s"]],
) -> Float[Array, "*s"]:
    """the bounded fold of `step` over the rows of `xs` where `mask` holds"""

    def body(carry, row):
        x, keep = row
        return jnp.where(keep, jnp.clip(step(carry, x), -2, 2), carry), None

    carry, _ = lax.scan(body, init, (xs, mask))
    return carry + xs[0]


def branching_fold(
    xs: Float[Array, "t *s"],
    init: Float[Array, "*s"],
    *,
    threshold: Annotated[float, Uniform(0.3, 0.7)],
    high: Callable[[Float[Array, "*s"], Float[Array, "*s"]], Float[Array, "*s"]],
    low: Callable[[Float[Array, "*s"], Float[Array, "*s"]], Float[Array, "*s"]],
) -> tuple[Float[Array, "*s"], Bool[Array, "t"]]:
    """the fold that takes `high` where a row's mean is above `threshold` and `low` elsewhere, and the choices"""

    def body(carry, x):
        above = jnp.mean(x) > threshold
        following = lax.cond(above, high, low, carry, x)
        return jnp.tanh(following), above

    return lax.scan(body, init, xs)


def checkpointed_fold(
    xs: Float[Array, "t *s"],
    init: Float[Array, "*s"],
    *,
    step: Callable[[Float[Array, "*s"], Float[Array, "*s"]], Float[Array, "*s"]],
) -> Float[Array, "*s"]:
    """the bounded fold of `step` over the leading axis, rematerialised where it is differentiated"""

    @jax.checkpoint
    def body(carry, x):
        return 0.5 * carry + jnp.tanh(step(carry, x)), None

    carry, _ = lax.scan(body, init, xs)
    return carry


def gradient_through_scan(
    xs: Float[Array, "t *s"],
    weight: Float[Array, "*s"],
    init: Float[Array, "*s"],
    *,
    remat: Literal[False, True],
    loss: Literal["sum", "mean", "max"],
) -> Float[Array, "*s"]:
    """the gradient with respect to `init` of the `loss` of the end state of a scan"""

    def body(carry, x):
        return jnp.tanh(weight * carry + x), None

    if remat:
        transition = jax.checkpoint(body)
    else:
        transition = body

    def objective(start):
        carry, _ = lax.scan(transition, start, xs)
        return getattr(jnp, loss)(carry * carry)

    return jax.grad(objective)(init)


def nested_scan(
    blocks: Float[Array, "m t n"],
    init: Float[Array, "n"],
    *,
    step: Callable[[Float[Array, "n"], Float[Array, "n"]], Float[Array, "n"]],
) -> tuple[Float[Array, "n"], Float[Array, "m n"]]:
    """the scan of bounded steps over blocks of rows, with the state after each block"""

    def inner(carry, x):
        return jnp.sin(step(carry, x)), None

    def outer(carry, block):
        following, _ = lax.scan(inner, carry, block)
        return following, following

    return lax.scan(outer, init, blocks)


def map_rows(
    x: Float[Array, "m *s"], *, fn: Callable[[Float[Array, "*s"]], Float[Array, "*s"]]
) -> Float[Array, "m *s"]:
    """`fn` of each row minus the row, one row after another"""
    return lax.map(fn, x) - x


def map_pairs(
    x: Float[Array, "m *s"],
    y: Float[Array, "m *s"],
    *,
    batch: Literal[1, 2, 3],
    fn: Callable[[Float[Array, "*s"], Float[Array, "*s"]], Float[Array, "*s"]],
) -> Float[Array, "m *s"]:
    """`fn` of matching rows of `x` and `y`, `batch` rows at a time"""
    return lax.map(lambda pair: fn(*pair), (x, y), batch_size=batch)


def pairwise_kernel(
    x: Float[Array, "m d"], y: Float[Array, "n d"], *, kernel: Callable[[Float[Array, "d"], Float[Array, "d"]], Float[Array, ""]]
) -> Float[Array, "m n"]:
    """the matrix of `kernel` between the rows of `x` and the rows of `y`"""
    return jax.vmap(lambda row: jax.vmap(lambda other: kernel(row, other))(y))(x)


def chunked_map(
    x: Float[Array, "2*m n"], *, fn: Callable[[Float[Array, "2 n"]], Float[Array, "n"]], reverse: Literal[False, True]
) -> Float[Array, "m n"]:
    """`fn` of each pair of rows plus the running sum of what came before"""
    chunks = x.reshape(-1, 2, x.shape[1])

    def body(total, chunk):
        value = fn(chunk)
        return jnp.clip(total + value, -4, 4), total + value

    _, sums = lax.scan(body, jnp.zeros_like(x[0]), chunks, reverse=reverse)
    return sums


def linear_recurrence(
    decay: Float[Array, "t *s"],
    inputs: Float[Array, "t *s"],
    *,
    reverse: Literal[False, True],
    unroll: Literal[1, 2, 4],
) -> Float[Array, "t *s"]:
    """the states of the recurrence that multiplies by `decay` and adds `inputs`"""

    def body(state, row):
        rate, x = row
        following = rate * state + x
        return following, following

    _, states = lax.scan(body, jnp.zeros_like(inputs[0]), (decay, inputs), reverse=reverse, unroll=unroll)
    return states


def parallel_recurrence(
    decay: Float[Array, "t+1 *s"], inputs: Float[Array, "t+1 *s"], *, reverse: Literal[False, True]
) -> Float[Array, "t+1 *s"]:
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
    """the running `fn` along the leading axis by an associative scan"""
    return lax.associative_scan(getattr(jnp, fn), x, reverse=reverse)


def prefix_matrix_products(matrices: Float[Array, "t+1 n n"], *, order: Literal["left", "right"]) -> Float[Array, "t+1 n n"]:
    """the running products of matrices by an associative scan, multiplied from the `order`"""
    if order == "left":
        products = lax.associative_scan(lambda a, b: b @ a, matrices)
    else:
        products = lax.associative_scan(lambda a, b: a @ b, matrices)
    return products / matrices.shape[-1]


def segmented_sums(x: Num[Array, "t+1 *s"], starts: Bool[Array, "t+1"], *, how: Literal["scan", "associative"]) -> Num[Array, "t+1 *s"]:
    """the running sums along the leading axis that begin again at `starts`"""
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


def exponential_smoothing(
    x: Float[Array, "t *s"], *, rate: Annotated[float, Uniform(0.2, 0.8)], trend: Literal["none", "additive"]
) -> Float[Array, "t *s"]:
    """the exponentially smoothed series at the given `rate`, with a `trend` term"""

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
    x: Float[Array, "t *b"], done: Bool[Array, "t"], *, discount: Annotated[float, Uniform(0.5, 0.99)]
) -> Float[Array, "t *b"]:
    """the discounted sum of all later rows, cut where `done` holds"""

    def body(later, row):
        value, ends = row
        total = value + jnp.where(ends, 0, discount * later)
        return total, total

    _, sums = lax.scan(body, jnp.zeros_like(x[0]), (x, done), reverse=True)
    return sums


def running_record(x: Real[Array, "t *s"]) -> tuple[Real[Array, "t *s"], Int32[Array, "*s"]]:
    """the record so far at each step, and when the last one was set"""

    def body(carry, row):
        best, when = carry
        index, value = row
        better = value > best
        record = jnp.where(better, value, best)
        return (record, jnp.where(better, index, when)), record

    start = (x[0], jnp.zeros(x.shape[1:], jnp.int32))
    (_, when), records = lax.scan(body, start, (jnp.arange(x.shape[0]), x))
    return records, when


def run_automaton(table: Integer[Array, "4 3"], symbols: Integer[Array, "t"]) -> Int32[Array, "t"]:
    """the states that a finite automaton with transition `table` visits while reading `symbols`"""

    def body(state, symbol):
        following = table[state, jnp.clip(symbol, 0, 2)].astype(jnp.int32) % 4
        return following, following

    _, states = lax.scan(body, jnp.int32(0), symbols)
    return states


def nesting_depth(tokens: Integer[Array, "t *b"], *, opening: Literal[0, 1], closing: Literal[2, 3]) -> Int32[Array, "t *b"]:
    """the depth of nesting after each token, never below zero"""

    def body(depth, token):
        change = (token <= opening).astype(jnp.int32) - (token >= closing + 3).astype(jnp.int32)
        following = jnp.maximum(depth + change, 0)
        return following, following

    _, depths = lax.scan(body, jnp.zeros(tokens.shape[1:], jnp.int32), tokens)
    return depths + tokens.astype(jnp.int32) // 4


def hysteresis(
    x: Float[Array, "t *s"], *, low: Annotated[float, Uniform(0.2, 0.4)], high: Annotated[float, Uniform(0.5, 0.7)]
) -> Bool[Array, "t *s"]:
    """the state of a switch that turns on above `high` and off below `low`"""

    def body(on, value):
        following = jnp.where(on, value > low, value > high)
        return following, following

    _, states = lax.scan(body, jnp.zeros(x.shape[1:], bool), x)
    return states


def stack_machine(opcodes: Int[Array, "t"], operands: Float[Array, "t *s"], start: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the accumulator of a small machine that adds, multiplies, takes the maximum or halves the distance"""

    def body(value, instruction):
        opcode, operand = instruction
        branches = [jnp.add, jnp.multiply, jnp.maximum, lambda left, right: (left + right) / 2]
        following = lax.switch(opcode.astype(jnp.int32) % 4, branches, value, operand)
        return jnp.clip(following, -8, 8), None

    value, _ = lax.scan(body, start, (opcodes, operands))
    return value


def polynomial_hash(codes: Integer[Array, "t *s"], *, base: Literal[31, 131, 257], mix: Literal["none", "shift"]) -> UInt32[Array, "*s"]:
    """the polynomial hash of `codes` along the leading axis in the given `base`"""

    def body(state, code):
        word = state * base + code.astype(jnp.uint32)
        if mix == "shift":
            following = word ^ (word >> 7)
        else:
            following = word
        return following, None

    digest, _ = lax.scan(body, jnp.full(codes.shape[1:], 7, jnp.uint32), codes)
    return digest


def edit_distance(a: Integer[Array, "m"], b: Integer[Array, "n"]) -> Int32[Array, "n"]:
    """the edit distance of `a` to each prefix of `b`, by dynamic programming in two nested scans"""
    start = jnp.arange(b.shape[0] + 1)

    def row(above, symbol):
        def cell(left, column):
            diagonal, up, other = column
            change = diagonal + (symbol != other).astype(jnp.int32)
            best = jnp.minimum(change, jnp.minimum(left, up) + 1)
            return best, best

        first = above[0] + 1
        _, rest = lax.scan(cell, first, (above[:-1], above[1:], b))
        return jnp.concatenate([first[None], rest]), None

    distances, _ = lax.scan(row, start, a)
    return distances[1:]


def cheapest_path(costs: Float[Array, "m+1 n"], *, fn: Literal["minimum", "maximum"], emit: Literal["last", "mean"]) -> Float[Array, "n"]:
    """the `fn` cost of a path from the top of the grid to each column, or its mean over the rows"""

    def body(above, row):
        left = jnp.concatenate([above[:1], above[:-1]])
        right = jnp.concatenate([above[1:], above[-1:]])
        best = row + getattr(jnp, fn)(above, getattr(jnp, fn)(left, right))
        return best, best

    last, paths = lax.scan(body, costs[0], costs[1:])
    if emit == "last":
        result = last
    else:
        result = (costs[0] + jnp.sum(paths, axis=0)) / costs.shape[0]
    return result


def merge_sorted(a: Real[Array, "m"], b: Real[Array, "n"]) -> Real[Array, "m+n"]:
    """`a` and `b`, sorted, merged into one sorted vector by two moving pointers"""
    left, right = jnp.sort(a), jnp.sort(b)

    def body(pointers, _):
        i, j = pointers
        head = left[jnp.minimum(i, left.shape[0] - 1)]
        other = right[jnp.minimum(j, right.shape[0] - 1)]
        from_left = (j >= right.shape[0]) | ((i < left.shape[0]) & (head <= other))
        moved = (i + from_left, j + jnp.logical_not(from_left))
        return moved, jnp.where(from_left, head, other)

    _, merged = lax.scan(body, (0, 0), None, length=a.shape[0] + b.shape[0])
    return merged


def elementary_automaton(cells: Bool[Array, "*b n"], *, rule: Literal[30, 54, 90, 110]) -> Bool[Array, "4 *b n"]:
    """four generations of the elementary cellular automaton `rule` on periodic cells"""
    bits = jnp.array([rule >> k & 1 for k in range(8)], bool)

    def body(row, _):
        state = row.astype(jnp.int32)
        code = 4 * jnp.roll(state, 1, axis=-1) + 2 * state + jnp.roll(state, -1, axis=-1)
        following = bits[code]
        return following, following

    _, history = lax.scan(body, cells, None, length=4)
    return history


def delay_line(x: Float[Array, "t *s"], taps: Float[Array, "3"]) -> Float[Array, "t *s"]:
    """`x` filtered by three `taps` through a delay line that is carried along"""

    def body(line, value):
        shifted = jnp.concatenate([value[None], line[:-1]])
        return shifted, jnp.tensordot(taps, shifted, axes=1)

    _, filtered = lax.scan(body, jnp.zeros((3, *x.shape[1:]), x.dtype), x)
    return filtered
