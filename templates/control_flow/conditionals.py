"""Branches: several operands and results, nested and batched branches, derivatives, platforms."""

from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Inexact, Int, Int32, Integer, Num, Real

from jaxir import Uniform


def branch_of_arrays(
    flag: Bool[Array, ""], x: Num[Array, "*s"], y: Num[Array, "*s"], *, fn: Literal["add", "subtract", "multiply"]
) -> Num[Array, "*s"]:
    """the `fn` of `x` and `y` if `flag` holds, else their squares added"""
    return lax.cond(flag, getattr(jnp, fn), lambda a, b: a * a + b * b, x, y)


def branch_with_two_results(
    x: Real[Array, "*s"], y: Real[Array, "*s"], *, test: Literal["sum", "max", "min"]
) -> tuple[Real[Array, "*s"], Real[Array, "*s"]]:
    """`x` and `y`, both doubled and exchanged if the `test` of `x` is the larger one"""
    larger = getattr(jnp, test)(x) > getattr(jnp, test)(y)
    return lax.cond(larger, lambda a, b: (2 * b, 2 * a), lambda a, b: (a, b), x, y)


def branch_on_record(x: Float[Array, "n"], w: Float[Array, "n"], b: Float[Array, ""]) -> Float[Array, "n"]:
    """a linear map of `x` with `w` and `b` if its mean is positive, else a bounded one"""
    params = {"weight": w, "bias": b}

    def linear(p, value):
        return p["weight"] * value + p["bias"]

    def bounded(p, value):
        return jnp.tanh(p["weight"] * value) - p["bias"]

    return lax.cond(jnp.mean(x) > 0, linear, bounded, params, x)


def branch_on_constant(
    flag: Bool[Array, ""], x: Num[Array, "n *s"], *, other: Literal["zeros_like", "ones_like"]
) -> Num[Array, "n *s"]:
    """`x` plus itself reversed if `flag` holds, else plus the `other` of it"""
    return x + lax.cond(flag, lambda: jnp.flip(x, axis=0), lambda: getattr(jnp, other)(x))


def switch_of_four(
    index: Int32[Array, ""], x: Inexact[Array, "*s"], *, last: Literal["sin", "cos", "tanh"]
) -> Inexact[Array, "*s"]:
    """the square, the negative, the double or the `last` of `x`, as `index` says"""
    branches = (jnp.square, jnp.negative, lambda v: v + v, getattr(jnp, last))
    return lax.switch(index % 4, branches, x)


def switch_clamped(
    index: Int32[Array, ""], x: Num[Array, "*s"], y: Num[Array, "*s"], *, offset: Literal[0, 1, 2]
) -> Num[Array, "*s"]:
    """one of four combinations of `x` and `y`, chosen by `index` minus `offset` with indices beyond clamped"""
    branches = [
        lambda a, b: a + b,
        lambda a, b: a - 2 * b,
        lambda a, b: a * b,
        lambda a, b: 3 * a + b * b,
    ]
    return lax.switch(index - offset, branches, x, y)


def switch_inside_switch(i: Int32[Array, ""], j: Int32[Array, ""], x: Num[Array, "*s"]) -> Num[Array, "*s"]:
    """`x` changed by a branch of `i` around a branch of `j`"""

    def inner(v):
        return lax.switch(j % 3, [lambda a: a + 1, lambda a: a * a, lambda a: -a], v)

    return lax.switch(i % 3, [inner, lambda a: inner(2 * a), lambda a: inner(a) - 3], x)


def switch_each_row(indices: Int32[Array, "n"], x: Num[Array, "n *s"]) -> Num[Array, "n *s"]:
    """each row of `x` changed by the branch that its index names"""

    def one(index, row):
        return lax.switch(index % 3, [lambda v: v + 1, lambda v: v * v, lambda v: 2 - v], row)

    return jax.vmap(one)(indices, x)


def branch_each_row(
    x: Float[Array, "n *s"], *, high: Literal["sqrt", "log1p", "square"], low: Literal["exp", "negative"]
) -> Float[Array, "n *s"]:
    """the `high` of the magnitude of rows with a large mean and the `low` of the others"""

    def one(row):
        return lax.cond(jnp.mean(row) > 0.5, lambda v: getattr(jnp, high)(jnp.abs(v)), getattr(jnp, low), row)

    return jax.vmap(one)(x)


def gradient_of_branch(x: Float[Array, "n"], y: Float[Array, "n"], *, power: Literal[2, 3]) -> Float[Array, "n"]:
    """the gradient with respect to `x` of one of two functions of `x` and `y`, chosen by their sums"""

    def objective(a):
        return lax.cond(
            jnp.sum(a) > jnp.sum(y), lambda u, v: jnp.sum(u**power * v), lambda u, v: jnp.dot(jnp.sin(u), v), a, y
        )

    return jax.grad(objective)(x)


def gradient_of_switch(
    index: Int32[Array, ""], x: Float[Array, "*s"], weights: Float[Array, "*s"]
) -> Float[Array, "*s"]:
    """the gradient of the weighted sum of one of three functions of `x`"""

    def objective(v):
        return jnp.sum(weights * lax.switch(index % 3, [jnp.square, jnp.exp, lambda u: u * jnp.sin(u)], v))

    return jax.grad(objective)(x)


def else_if_chain(
    level: Int[Array, ""], x: Num[Array, "*s"], *, low: Literal[1, 2], high: Literal[4, 5]
) -> Num[Array, "*s"]:
    """`x` doubled for a `level` below `low`, squared below `high`, and negated above"""

    def middle_or_high(v):
        return lax.cond(level < high, lambda u: u * u, jnp.negative, v)

    return lax.cond(level < low, lambda v: 2 * v, middle_or_high, x)


def sorted_if_needed(x: Real[Array, "n"], *, fn: Literal["sort", "flip", "cumsum"]) -> Real[Array, "n"]:
    """the `fn` of `x` if its first entry is above the last, else twice `x`"""
    return lax.cond(x[0] > x[-1], lambda v: getattr(jnp, fn)(v).astype(v.dtype), lambda v: v + v, x)


def matrix_or_transpose(flag: Bool[Array, ""], a: Num[Array, "n n"], x: Num[Array, "n"]) -> Num[Array, "n"]:
    """the matrix `a` or its transpose times `x`, as `flag` says"""
    return lax.cond(flag, lambda m, v: m @ v, lambda m, v: m.T @ v, a, x)


def by_platform(
    x: Float[Array, "*s"], *, fn: Literal["tanh", "exp", "sin"], scale: Annotated[float, Uniform(0.5, 2)]
) -> Float[Array, "*s"]:
    """the `fn` of `x` times `scale`, written in another way for another platform"""
    return lax.platform_dependent(
        x, cpu=lambda v: getattr(jnp, fn)(v) * scale, default=lambda v: scale * getattr(jnp, fn)(v)
    )


def count_by_branch(codes: Integer[Array, "n"], *, bound: Literal[2, 3]) -> Int32[Array, "3"]:
    """how many codes are below `bound`, equal to it and above it, counted one by one"""

    def count(totals, code):
        case = jnp.where(code < bound, 0, jnp.where(code == bound, 1, 2))
        return lax.switch(case, [lambda t, k=k: t.at[k].add(1) for k in range(3)], totals), None

    totals, _ = lax.scan(count, jnp.zeros(3, jnp.int32), codes)
    return totals


def select_by_predicates(
    x: Num[Array, "*s"], y: Num[Array, "*s"], first: Bool[Array, ""], second: Bool[Array, ""]
) -> Num[Array, "*s"]:
    """a sum or a difference of `x` and `y`, or its product with `y`, by two flags"""
    combined = lax.select(first, x + y, x - y)
    return lax.select(second, combined, combined * y)


def checked_division(
    x: Float[Array, "*s"], y: Float[Array, "*s"], *, bound: Annotated[float, Uniform(0.05, 0.5)]
) -> Float[Array, "*s"]:
    """`x` divided by `y` if no entry of `y` is within `bound` of zero, else their product"""
    safe = jnp.all(jnp.abs(y) > bound)
    return lax.cond(safe, lambda a, b: a / b, lambda a, b: a * b, x, y)
