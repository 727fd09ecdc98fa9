"""Functions inside functions: nested jit, checkpoints with policies, named calls, implicit solutions, sinks."""

from collections.abc import Callable
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Num, Real

from jaxir import Uniform


def compiled_helper(
    x: Num[Array, "*s"], y: Num[Array, "*s"], *, fn: Literal["add", "subtract", "multiply"]
) -> Num[Array, "*s"]:
    """the `fn` of `x` and `y` by a function that is compiled once and called twice"""

    @jax.jit
    def combine(a, b):
        return getattr(jnp, fn)(a, b) + a

    return combine(combine(x, y), y)


def compiled_inline(
    x: Float[Array, "*s"], y: Float[Array, "*s"], *, inline: Literal[True, False], fn: Literal["sin", "exp", "tanh"]
) -> Float[Array, "*s"]:
    """the `fn` of the product of `x` and `y` by a function with `inline` inlining"""
    helper = jax.jit(lambda a, b: getattr(jnp, fn)(a * b) - b, inline=inline)
    return helper(x, y) + helper(y, x)


def named_helper(
    x: Float[Array, "*s"], y: Float[Array, "*s"], *, fn: Literal["cos", "square", "tanh"]
) -> Float[Array, "*s"]:
    """the `fn` of `x` times `y`, as a named call"""
    scaled = jax.named_call(lambda a, b: getattr(jnp, fn)(a) * b, name="scaled")
    return scaled(x, y)


def checkpoint_policy(
    a: Float[Array, "m n"],
    x: Float[Array, "n"],
    *,
    policy: Literal["dots_saveable", "nothing_saveable", "everything_saveable"],
) -> Float[Array, "n"]:
    """the gradient of a layer's squared outputs, recomputed by the policy `policy`"""

    def loss(v):
        return jnp.sum(jnp.sin(a @ jnp.tanh(v)) ** 2)

    return jax.grad(jax.checkpoint(loss, policy=getattr(jax.checkpoint_policies, policy)))(x)


def implicit_root(a: Float[Array, ""], b: Float[Array, ""], *, steps: Literal[8, 12]) -> Float[Array, ""]:
    """the root of an increasing cubic, found by `steps` Newton steps, with an implicit derivative"""

    def residual(v):
        return v**3 + (1 + a * a) * v - b

    def solve(f, guess):
        slope = jax.grad(f)
        return lax.fori_loop(0, steps, lambda _, v: v - f(v) / slope(v), guess)

    def solve_linear(g, y):
        return y / g(jnp.ones_like(y))

    return lax.custom_root(residual, jnp.zeros_like(b), solve, solve_linear)


def slope_of_root(a: Float[Array, ""], *, fn: Literal["tanh", "sin"], steps: Literal[8, 12]) -> Float[Array, ""]:
    """the derivative of the solution of 2 v + `fn`(v) = a"""

    def root(target):
        def residual(v):
            return 2 * v + getattr(jnp, fn)(v) - target

        def solve(f, guess):
            return lax.fori_loop(0, steps, lambda _, v: v - f(v) / jax.grad(f)(v), guess)

        return lax.custom_root(residual, jnp.zeros_like(target), solve, lambda g, y: y / g(jnp.ones_like(y)))

    return jax.grad(root)(a)


def diagonal_solve(d: Float[Array, "n"], b: Float[Array, "n"], *, symmetric: Literal[True]) -> Float[Array, "n"]:
    """the solution of a diagonal system by a solver of its own"""
    scale = 1 + d * d
    return lax.custom_linear_solve(
        lambda x: scale * x, b, solve=lambda matvec, y: y / matvec(jnp.ones_like(y)), symmetric=symmetric
    )


def unused_result(
    x: Real[Array, "*s"], y: Real[Array, "*s"], *, fn: Literal["maximum", "minimum", "multiply"]
) -> Real[Array, "*s"]:
    """the `fn` of `x` and `y`, with their sum kept alive up to the sink"""
    lax.dce_sink(x + y)
    return getattr(jnp, fn)(x, y)


def linear_map(
    x: Float[Array, "*s"], dx: Float[Array, "*s"], *, fn: Literal["sin", "exp", "tanh", "square"]
) -> Float[Array, "*s"]:
    """the linearisation of `fn` at `x`, applied to `dx` and to twice `dx`"""
    value, push = jax.linearize(getattr(jnp, fn), x)
    return value + push(dx) * push(2 * dx)


def transposed_map(a: Float[Array, "m n"], y: Float[Array, "m"]) -> Float[Array, "n"]:
    """the transpose of the map by `a` of windowed sums, applied to `y`"""
    like = jnp.zeros(a.shape[1], a.dtype)
    (result,) = jax.linear_transpose(lambda v: a @ (v + jnp.roll(v, 1)), like)(y)
    return result


def stopped_gradient(
    x: Float[Array, "*s"], *, fn: Literal["round", "sign", "floor"], scale: Annotated[float, Uniform(0.5, 3)]
) -> Float[Array, "*s"]:
    """the gradient of a straight-through `fn` of `scale` times `x`, squared"""

    def through(v):
        return v + lax.stop_gradient(getattr(jnp, fn)(v) - v)

    return jax.grad(lambda v: jnp.sum(through(scale * v) ** 2))(x)


def composed(
    x: Float[Array, "*s"],
    *,
    inner: Callable[[Float[Array, "*s"]], Float[Array, "*s"]],
    outer: Callable[[Float[Array, "*s"]], Float[Array, "*s"]],
) -> Float[Array, "*s"]:
    """`outer` of `inner` of `x`, each compiled as a function of its own"""
    first = jax.jit(inner)
    second = jax.jit(outer)
    return second(first(x)) + x
