"""Branches: `cond`, `switch`, selection chains and reductions with a computation of their own."""

from collections.abc import Callable
from typing import Annotated, Literal

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Inexact, Int, Int32, Num, Real

from jaxir import Uniform


def branch_on_mean(
    x: Float[Array, "*s"],
    *,
    threshold: Annotated[float, Uniform(0.3, 0.7)],
    high: Callable[[Float[Array, "*s"]], Float[Array, "*s"]],
    low: Callable[[Float[Array, "*s"]], Float[Array, "*s"]],
) -> Float[Array, "*s"]:
    """`high` of `x` if its mean is above `threshold`, else `low` of it"""
    return lax.cond(jnp.mean(x) > threshold, high, low, x)


def branch_on_flag(
    flag: Bool[Array, ""],
    x: Float[Array, "*s"],
    y: Float[Array, "*s"],
    *,
    then: Callable[[Float[Array, "*s"], Float[Array, "*s"]], Float[Array, "*s"]],
    otherwise: Callable[[Float[Array, "*s"], Float[Array, "*s"]], Float[Array, "*s"]],
) -> Float[Array, "*s"]:
    """`then` of `x` and `y` if `flag` holds, and `otherwise` of them if not"""
    return lax.cond(flag, then, otherwise, x, y)


def switch_three(
    index: Int[Array, ""],
    x: Float[Array, "*s"],
    *,
    first: Callable[[Float[Array, "*s"]], Float[Array, "*s"]],
    second: Callable[[Float[Array, "*s"]], Float[Array, "*s"]],
    third: Callable[[Float[Array, "*s"]], Float[Array, "*s"]],
) -> Float[Array, "*s"]:
    """one of three branches of `x`, chosen by `index`"""
    return lax.switch(index.astype(jnp.int32) % 3, [first, second, third], x)


def elementwise_branch(
    x: Float[Array, "*s"],
    cut: Float[Array, "*#s"],
    *,
    above: Callable[[Float[Array, "*s"]], Float[Array, "*s"]],
    below: Callable[[Float[Array, "*s"]], Float[Array, "*s"]],
) -> Float[Array, "*s"]:
    """`above` of the entries that are larger than `cut`, and `below` of the others"""
    return jnp.where(x > cut, above(x), below(x))


def optional_update(
    x: Float[Array, "n *d"],
    row: Float[Array, "*d"],
    position: Int[Array, ""],
    *,
    update: Callable[[Float[Array, "*d"], Float[Array, "*d"]], Float[Array, "*d"]],
) -> Float[Array, "n *d"]:
    """`x` with one row updated from `row`, or all of them where `position` is far beyond the end"""
    slot = jnp.minimum(position, x.shape[0] - 1)

    def write(table):
        old = lax.dynamic_index_in_dim(table, slot, keepdims=False)
        return lax.dynamic_update_index_in_dim(table, update(old, row), slot, axis=0)

    return lax.cond(position < 2 * x.shape[0], write, lambda table: table + row, x)


def first_that_fits(
    x: Float[Array, "*s"],
    bound: Float[Array, ""],
    *,
    attempt: Callable[[Float[Array, "*s"]], Float[Array, "*s"]],
    fallback: Callable[[Float[Array, "*s"]], Float[Array, "*s"]],
) -> Float[Array, "*s"]:
    """`attempt` of `x` if it stays within `bound`, else `fallback` of it"""
    candidate = attempt(x)
    fits = jnp.max(jnp.abs(candidate)) <= jnp.abs(bound)
    return lax.cond(fits, lambda _: candidate, fallback, x)


def guarded_step(
    x: Float[Array, "n"],
    *,
    size: Annotated[float, Uniform(0.05, 0.3)],
    objective: Callable[[Float[Array, "n"]], Float[Array, ""]],
    move: Callable[[Float[Array, "n"]], Float[Array, "n"]],
) -> tuple[Float[Array, "n"], Float[Array, ""]]:
    """the step of `move` if it lowers `objective`, else a step back, with the objective reached"""
    direction = jnp.tanh(move(x))
    trial = x + size * direction
    better = objective(trial) < objective(x)
    reached = lax.cond(better, lambda: trial, lambda: x - 0.5 * size * direction)
    return reached, objective(reached)


def nested_branch(
    x: Num[Array, "*s"], y: Num[Array, "*s"], *, measure: Literal["sum", "max", "min"]
) -> Num[Array, "*s"]:
    """a sum, a difference or a product, chosen by comparing the `measure` of `x` and of `y`"""
    left, right = getattr(jnp, measure)(x), getattr(jnp, measure)(y)

    def unequal(a, b):
        return lax.cond(right < 0.5, jnp.subtract, jnp.multiply, a, b)

    return lax.cond(left > right, jnp.add, unequal, x, y)


def ordered_pair(
    x: Num[Array, "*s"], y: Num[Array, "*s"], *, measure: Literal["sum", "max", "mean"]
) -> tuple[Num[Array, "*s"], Num[Array, "*s"]]:
    """`x` and `y` in the order of their `measure`"""
    swap = getattr(jnp, measure)(x) > getattr(jnp, measure)(y)
    return lax.cond(swap, lambda a, b: (b, a), lambda a, b: (a, b), x, y)


def dispatch_operation(
    code: Int[Array, ""], x: Num[Array, "*s"], y: Num[Array, "*s"], *, extra: Literal["first", "both"]
) -> Num[Array, "*s"]:
    """the sum, the difference, the product or a mixture of `x` and `y`, chosen by `code`"""
    if extra == "first":
        branches = [jnp.add, jnp.subtract, jnp.multiply, lambda a, b: a + a * b]
    else:
        branches = [jnp.add, jnp.subtract, jnp.multiply, lambda a, b: (a - b) * (a + b)]
    return lax.switch(jnp.clip(code, 0, 3).astype(jnp.int32), branches, x, y)


def dispatch_reduction(code: Int[Array, ""], x: Num[Array, "*b n"]) -> Num[Array, "*b"]:
    """the minimum, the maximum or the first entry of each row, chosen by `code`"""

    def lowest(rows):
        return jnp.min(rows, axis=-1)

    def highest(rows):
        return jnp.max(rows, axis=-1)

    branches = [lowest, highest, lambda rows: rows[..., 0]]
    return lax.switch(code.astype(jnp.int32) % 3, branches, x)


def piecewise_curve(x: Num[Array, "*s"], *, outer: Literal["flat", "linear", "square"]) -> Num[Array, "*s"]:
    """a curve of three pieces that is cubic in the middle and simpler at both ends"""
    conditions = [x < 0.25, x > 0.75]
    if outer == "flat":
        ends = [lambda v: 0.3 * jnp.ones_like(v), lambda v: 0.7 * jnp.ones_like(v)]
    elif outer == "linear":
        ends = [lambda v: 0.5 * v, lambda v: 2 * v - 1]
    else:
        ends = [lambda v: v * v, lambda v: 1 - (1 - v) ** 2]
    return jnp.piecewise(x, conditions, [*ends, lambda v: v * v * (3 - 2 * v)])


def select_chain(
    x: Num[Array, "*s"], y: Num[Array, "*s"], z: Num[Array, "*s"], *, rule: Literal["median", "closest", "cascade"]
) -> Num[Array, "*s"]:
    """one of `x`, `y` and `z` at each position by the `rule` rule"""
    if rule == "median":
        conditions = [(x >= y) & (x <= z) | (x <= y) & (x >= z), (y >= x) & (y <= z) | (y <= x) & (y >= z)]
    elif rule == "closest":
        near = jnp.maximum(x, y) - jnp.minimum(x, y)
        far = jnp.maximum(x, z) - jnp.minimum(x, z)
        conditions = [near < far, near == far]
    else:
        conditions = [x > y, y > z]
    return jnp.select(conditions, [x, y], default=z)


def select_case(
    which: Int32[Array, "*s"], x: Num[Array, "*s"], y: Num[Array, "*s"], *, third: Literal["sum", "product"]
) -> Num[Array, "*s"]:
    """`x`, `y` or their `third` at each position, as `which` says"""
    if third == "sum":
        other = x + y
    else:
        other = x * y
    return lax.select_n(jnp.clip(which, 0, 2), x, y, other)


def grade(scores: Num[Array, "*s"], bounds: Num[Array, "3"]) -> Int32[Array, "*s"]:
    """the grade from zero to three of each score, by comparisons with the sorted bounds `bounds`"""
    low, middle, high = jnp.sort(bounds)
    conditions = [scores < low, scores < middle, scores < high]
    return jnp.select(conditions, [0, 1, 2], default=3).astype(jnp.int32)


def reduce_by_magnitude(x: Inexact[Array, "*b n"], *, pick: Literal["larger", "smaller"]) -> Inexact[Array, "*b"]:
    """the entry of `pick` magnitude along the last axis, by a reduction of its own"""

    def combine(left, right):
        size, other = jnp.abs(left), jnp.abs(right)
        if pick == "larger":
            wanted = size > other
        else:
            wanted = size < other
        return lax.select(wanted | ((size == other) & (left >= right)), left, right)

    if pick == "larger":
        start = jnp.zeros((), x.dtype)
    else:
        start = jnp.full((), jnp.inf, x.dtype)
    return lax.reduce(x, start, combine, (x.ndim - 1,))


def reduce_with_position(
    x: Real[Array, "*b n"], *, fn: Literal["gt", "lt"]
) -> tuple[Real[Array, "*b"], Int32[Array, "*b"]]:
    """an extreme entry and its position along the last axis, in one reduction"""
    positions = lax.broadcasted_iota(jnp.int32, x.shape, x.ndim - 1)
    if fn == "gt":
        worst = jnp.full((), -100, x.dtype)
    else:
        worst = jnp.full((), 100, x.dtype)

    def combine(left, right):
        value, index = left
        other, other_index = right
        keep = getattr(lax, fn)(value, other) | ((value == other) & (index < other_index))
        return lax.select(keep, value, other), lax.select(keep, index, other_index)

    return lax.reduce((x, positions), (worst, jnp.int32(99)), combine, (x.ndim - 1,))


def reduce_transformed(
    x: Float[Array, "*b n"],
    *,
    fn: Literal["logaddexp", "hypot", "maximum"],
    transform: Callable[[Float[Array, "*b n"]], Float[Array, "*b n"]],
) -> Float[Array, "*b"]:
    """the reduction of `transform` of `x` over the last axis by a function of two numbers"""
    if fn == "hypot":
        start = jnp.zeros((), x.dtype)
    else:
        start = jnp.full((), -jnp.inf, x.dtype)
    values = jnp.clip(transform(x), -9, 9)
    return lax.reduce(values, start, getattr(jnp, fn), (x.ndim - 1,))
