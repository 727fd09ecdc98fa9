"""State machines, automata and dynamic programming as scans."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int, Int32, Integer, Real, UInt32

from jaxir import Uniform


def running_record(x: Real[Array, "t *s"]) -> tuple[Real[Array, "t *s"], Int32[Array, "*s"]]:
    """the record so far at each step, and when the last one was set"""

    def body(carry, row):
        best, when = carry
        index, value = row
        better = value > best
        record = jnp.where(better, value, best)
        return (record, jnp.where(better, index, when)), record

    start = (x[0], jnp.zeros(x.shape[1:], jnp.int32))
    (_, when), records = lax.scan(body, start, (jnp.arange(x.shape[0], dtype=jnp.int32), x))
    return records, when


def run_automaton(
    table: Integer[Array, "4 3"], symbols: Integer[Array, "t *b"], *, emit: Literal["state", "acceptance"]
) -> Int32[Array, "t *b"]:
    """the `emit` of automata with the table `table` after each symbol"""

    def body(state, symbol):
        following = table[state, jnp.clip(symbol, 0, 2)].astype(jnp.int32) % 4
        if emit == "state":
            output = following
        else:
            output = (following >= 2).astype(jnp.int32)
        return following, output

    _, outputs = lax.scan(body, jnp.zeros(symbols.shape[1:], jnp.int32), symbols)
    return outputs


def nesting_depth(
    tokens: Integer[Array, "t *b"], *, opening: Literal[0, 1], closing: Literal[2, 3]
) -> Int32[Array, "t *b"]:
    """the depth of nesting after each token, plus a quarter of the token rounded down"""

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


def stack_machine(
    opcodes: Int[Array, "t"], operands: Float[Array, "t *s"], start: Float[Array, "*s"]
) -> Float[Array, "*s"]:
    """the accumulator of a small machine that adds, multiplies, takes the maximum or halves the distance"""

    def body(value, instruction):
        opcode, operand = instruction
        branches = [jnp.add, jnp.multiply, jnp.maximum, lambda left, right: (left + right) / 2]
        following = lax.switch(opcode.astype(jnp.int32) % 4, branches, value, operand)
        return jnp.clip(following, -8, 8), None

    value, _ = lax.scan(body, start, (opcodes, operands))
    return value


def polynomial_hash(
    codes: Integer[Array, "t *s"], *, base: Literal[31, 131, 257], mix: Literal["none", "shift"]
) -> UInt32[Array, "*s"]:
    """the polynomial hash of `codes` along the leading axis in base `base`"""

    def body(state, code):
        word = state * base + code.astype(jnp.uint32)
        if mix == "shift":
            following = word ^ (word >> 7)
        else:
            following = word
        return following, None

    digest, _ = lax.scan(body, jnp.full(codes.shape[1:], 7, jnp.uint32), codes)
    return digest


def prefix_edit_distances(
    a: Integer[Array, "m"], b: Integer[Array, "n"], *, edits: Literal["all", "indel", "weighted"]
) -> Int32[Array, "n"]:
    """the edit distance of `a` to each prefix of `b`, in two nested scans"""
    start = jnp.arange(b.shape[0] + 1, dtype=jnp.int32)

    def row(above, symbol):
        def cell(left, column):
            diagonal, up, other = column
            if edits == "all":
                change = diagonal + (symbol != other).astype(jnp.int32)
            elif edits == "indel":
                change = jnp.where(symbol == other, diagonal, diagonal + 2)
            else:
                change = diagonal + jnp.abs(symbol.astype(jnp.int32) - other.astype(jnp.int32))
            best = jnp.minimum(change, jnp.minimum(left, up) + 1)
            return best, best

        first = above[0] + 1
        _, rest = lax.scan(cell, first, (above[:-1], above[1:], b))
        return jnp.concatenate([first[None], rest]), None

    distances, _ = lax.scan(row, start, a)
    return distances[1:]


def cheapest_path(
    costs: Float[Array, "m+1 n"], *, fn: Literal["minimum", "maximum"], emit: Literal["last row", "mean row"]
) -> Float[Array, "n"]:
    """the `emit` of the `fn` costs of paths from the top of the grid to each entry"""

    def body(above, row):
        left = jnp.concatenate([above[:1], above[:-1]])
        right = jnp.concatenate([above[1:], above[-1:]])
        best = row + getattr(jnp, fn)(above, getattr(jnp, fn)(left, right))
        return best, best

    last, paths = lax.scan(body, costs[0], costs[1:])
    if emit == "last row":
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
    """four generations of periodic cells under the elementary automaton with the number `rule`"""
    bits = jnp.array([rule >> k & 1 for k in range(8)], bool)

    def body(row, _):
        state = row.astype(jnp.int32)
        code = 4 * jnp.roll(state, 1, axis=-1) + 2 * state + jnp.roll(state, -1, axis=-1)
        following = bits[code]
        return following, following

    _, history = lax.scan(body, cells, None, length=4)
    return history
