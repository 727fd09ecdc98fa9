"""Loops of fixed or data-dependent length: `fori_loop`, `while_loop`, and algorithms on arrays built from them."""

from collections.abc import Callable
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int, Int32, Integer, Num, Real, UInt32

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
    """`x` after `count` bounded steps under a constant `drive`"""
    return lax.fori_loop(0, count, lambda _, state: jnp.clip(step(state, drive), -2, 2), x)


def running_average_of_steps(
    x: Float[Array, "*s"], *, count: Annotated[int, Uniform(2, 5)], step: Callable[[Float[Array, "*s"]], Float[Array, "*s"]]
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
    """`x` shrunk along a bounded `direction` until its largest entry is below `limit`, and the steps taken"""

    def unfinished(carry):
        state, steps = carry
        return (jnp.max(jnp.abs(state)) > limit) & (steps < 6)

    def body(carry):
        state, steps = carry
        return 0.5 * state + 0.05 * jnp.sin(direction(state)), steps + 1

    return lax.while_loop(unfinished, body, (x, jnp.int32(0)))


def fixed_point(
    x: Float[Array, "n"],
    shift: Float[Array, "n"],
    *,
    tolerance: Annotated[float, Uniform(0.001, 0.05)],
    step: Callable[[Float[Array, "n"]], Float[Array, "n"]],
) -> Float[Array, "n"]:
    """the fixed point of a contraction built from `step`, to a `tolerance` or after eight rounds"""

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
    """where `fn` crosses `target` between `low` and `high`, by `count` halvings"""

    def halve(_, bracket):
        left, right = bracket
        middle = 0.5 * (left + right)
        below = fn(middle) < target
        return jnp.where(below, middle, left), jnp.where(below, right, middle)

    left, right = lax.fori_loop(0, count, halve, (low, high))
    return 0.5 * (left + right)


def bisection_root(square: Float[Array, "*s"], *, power: Literal[2, 3], count: Literal[5, 6, 8]) -> Float[Array, "*s"]:
    """the root of order `power` of the absolute value of `square`, by bisection"""
    value = jnp.abs(square)
    top = jnp.maximum(value, 1)

    def halve(_, bracket):
        low, high = bracket
        middle = (low + high) / 2
        small = middle**power < value
        return jnp.where(small, middle, low), jnp.where(small, high, middle)

    low, _ = lax.fori_loop(0, count, halve, (jnp.zeros_like(value), top))
    return low + value / 256


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
    """the step from `x` along `direction`, halved until `objective` falls or after five halvings"""
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
    """the explicit Euler trajectory of a bounded `velocity` field, padded with its end"""
    path = jnp.broadcast_to(x, (4, *x.shape))

    def body(i, states):
        state = states[i]
        following = state + dt * jnp.tanh(velocity(state))
        reached = jnp.arange(4).reshape(-1, *(1,) * x.ndim) > i
        return jnp.where(reached, following, states)

    return lax.fori_loop(0, count - 1, body, path)


def collatz_lengths(n: Int[Array, "*s"]) -> Int[Array, "*s"]:
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
    """the sum of the digits of each number in the given `base`"""

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


def power_by_squaring(x: Num[Array, "*s"], exponent: Int[Array, "*s"]) -> Num[Array, "*s"]:
    """`x` to a small integer `exponent` by repeated squaring"""

    def body(_, carry):
        result, square, bits = carry
        odd = bits % 2 == 1
        return jnp.where(odd, result * square, result), square * square, bits // 2

    result, _, _ = lax.fori_loop(0, 3, body, (jnp.ones_like(x), x, exponent))
    return result


def xorshift_steps(state: UInt32[Array, "*s"], *, rounds: Annotated[int, Uniform(1, 6)]) -> UInt32[Array, "*s"]:
    """the xorshift generator's state after some `rounds`"""

    def body(_, word):
        first = word ^ (word << 13)
        second = first ^ (first >> 17)
        return second ^ (second << 5)

    return lax.fori_loop(0, rounds, body, state + 1)


def power_iteration(
    a: Float[Array, "n n"],
    v: Float[Array, "n"],
    *,
    count: Literal[2, 4, 6],
    form: Literal["symmetric", "gram"],
    norm: Literal["euclid", "max"],
) -> tuple[Float[Array, "n"], Float[Array, ""]]:
    """the leading eigenvector and Rayleigh quotient of the `form` matrix of `a` by `count` power iterations"""
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
    a: Float[Array, "n n"],
    b: Float[Array, "n *d"],
    *,
    sweeps: Literal[1, 2],
    order: Literal["forward", "backward"],
) -> Float[Array, "n *d"]:
    """an approximate solution of a diagonally dominant system by `order` Gauss-Seidel `sweeps`"""
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
    a: Float[Array, "n n"], b: Float[Array, "n *d"], *, side: Literal["lower", "upper"]
) -> Float[Array, "n *d"]:
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


def gram_schmidt(vectors: Float[Array, "m n"], *, scale: Literal["euclid", "max", "none"]) -> Float[Array, "m n"]:
    """the rows made orthogonal to the rows before them, and divided by their `scale`"""

    def body(i, basis):
        row = basis[i]
        earlier = jnp.arange(basis.shape[0]) < i
        shares = jnp.where(earlier, basis @ row, 0)
        rest = row - shares @ basis
        if scale == "euclid":
            direction = rest / jnp.sqrt(rest @ rest + 1e-2)
        elif scale == "max":
            direction = rest / (jnp.max(jnp.abs(rest)) + 1e-1)
        else:
            direction = rest
        return basis.at[i].set(direction)

    return lax.fori_loop(0, vectors.shape[0], body, vectors)


def loop_matmul(a: Num[Array, "m k"], b: Num[Array, "k *n"]) -> Num[Array, "m *n"]:
    """the matrix product as a loop of rank-one updates"""
    start = jnp.zeros((a.shape[0], *b.shape[1:]), a.dtype)

    def body(i, total):
        column = lax.dynamic_index_in_dim(a, i, axis=1, keepdims=False)
        return total + jnp.tensordot(column, b[i], axes=0)

    return lax.fori_loop(0, a.shape[1], body, start)


def repeated_differences(x: Num[Array, "*b n"], *, order: Literal[1, 2, 3]) -> Num[Array, "*b n"]:
    """the `order` fold backward difference along the last axis, with zero before the start"""

    def body(_, values):
        previous = jnp.roll(values, 1, axis=-1).at[..., 0].set(0)
        return values - previous

    return lax.fori_loop(0, order, body, x)


def odd_even_sort(x: Real[Array, "*b n+1"], *, rounds: Literal[2, 4, 6]) -> Real[Array, "*b n+1"]:
    """each row after some `rounds` of odd-even transposition sort"""
    size = x.shape[-1]
    index = jnp.arange(size)

    def body(i, values):
        partner = jnp.clip(jnp.where((index + i) % 2 == 0, index + 1, index - 1), 0, size - 1)
        other = values[..., partner]
        low, high = jnp.minimum(values, other), jnp.maximum(values, other)
        return jnp.where(partner > index, low, high)

    return lax.fori_loop(0, rounds, body, x)


def bubble_pass(x: Real[Array, "n+1"], *, direction: Literal["up", "down"]) -> Real[Array, "n+1"]:
    """the entries after one pass of bubble sort in the given `direction`"""

    def body(i, values):
        pair = lax.dynamic_slice_in_dim(values, i, 2)
        ordered = jnp.sort(pair)
        if direction == "up":
            placed = ordered
        else:
            placed = ordered[::-1]
        return lax.dynamic_update_slice_in_dim(values, placed, i, axis=0)

    return lax.fori_loop(0, x.shape[0] - 1, body, x)


def linear_search(x: Real[Array, "n"], target: Real[Array, ""]) -> Int32[Array, ""]:
    """the first position whose entry is above `target`, or the length where there is none"""
    size = x.shape[0]

    def unfinished(i):
        here = x[jnp.minimum(i, size - 1)]
        return (i < size) & (here <= target)

    return lax.while_loop(unfinished, lambda i: i + 1, jnp.int32(0))


def binary_search(values: Real[Array, "n"], targets: Real[Array, "*b"]) -> Int32[Array, "*b"]:
    """how many of the sorted `values` are below each of `targets`, by binary search"""
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


def life_changes(
    cells: Bool[Array, "m n"], *, steps: Literal[1, 2, 3], rule: Literal["life", "highlife", "seeds"]
) -> Bool[Array, "m n"]:
    """which cells of a periodic board differ after some `steps` of the `rule` automaton"""

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


def shortest_paths(lengths: Float[Array, "n n"], *, rule: Literal["total", "bottleneck"]) -> Float[Array, "n n"]:
    """the `rule` length of the best path between all pairs of nodes, by Floyd and Warshall"""

    def relax(k, best):
        into, out = best[:, k][:, None], best[k][None, :]
        if rule == "total":
            through = into + out
        else:
            through = jnp.maximum(into, out)
        return jnp.minimum(best, through)

    return lax.fori_loop(0, lengths.shape[0], relax, jnp.abs(lengths))


def knapsack(values: Float[Array, "n"], weights: Int[Array, "n"]) -> Float[Array, "8"]:
    """the best total value for each capacity from zero to seven, each item taken at most once"""
    room = jnp.arange(8)

    def take(i, best):
        weight = jnp.clip(weights[i], 1, 7).astype(jnp.int32)
        shifted = best[jnp.maximum(room - weight, 0)] + values[i]
        return jnp.where(room >= weight, jnp.maximum(best, shifted), best)

    return lax.fori_loop(0, values.shape[0], take, jnp.zeros(8, values.dtype))
