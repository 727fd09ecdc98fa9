"""Composite operations, optimisation barriers and tokens: structure that the compiler sees and values do not show."""

from collections.abc import Callable
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Num, Real

from jaxir import Uniform


def composite_activation(
    x: Float[Array, "*s"], *, name: Literal["gelu", "silu", "softplus", "mish", "hard_swish", "squareplus"]
) -> Float[Array, "*s"]:
    """the `name` activation as one composite operation"""

    def body(v):
        return getattr(jax.nn, name)(v)

    return lax.composite(body, name=f"nn.{name}", version=1)(x)


def composite_affine(
    x: Float[Array, "*b n"],
    gain: Float[Array, "n"],
    bias: Float[Array, "n"],
    *,
    alpha: Annotated[float, Uniform(0.25, 3.0)],
) -> Float[Array, "*b n"]:
    """an affine map of the last axis as a composite operation with the attribute `alpha`"""

    def body(v, g, b, *, alpha):
        return alpha * v * g + b

    return lax.composite(body, name="nn.affine")(x, gain, bias, alpha=alpha)


def composite_norm(
    x: Float[Array, "*b n"], scale: Float[Array, "n"], *, kind: Literal["rms", "layer", "l1", "max"]
) -> Float[Array, "*b n"]:
    """the `kind` normalisation of the last axis, scaled, as a composite operation"""

    def body(v, s, *, epsilon):
        if kind == "rms":
            size = jnp.sqrt(jnp.mean(v * v, axis=-1, keepdims=True) + epsilon)
        elif kind == "layer":
            v = v - jnp.mean(v, axis=-1, keepdims=True)
            size = jnp.sqrt(jnp.mean(v * v, axis=-1, keepdims=True) + epsilon)
        elif kind == "l1":
            size = jnp.sum(jnp.abs(v), axis=-1, keepdims=True) + epsilon
        else:
            size = jnp.max(jnp.abs(v), axis=-1, keepdims=True) + epsilon
        return v / size * s

    return lax.composite(body, name=f"nn.{kind}_norm", version=2)(x, scale, epsilon=1e-3)


def composite_attention(
    queries: Float[Array, "m d"], keys: Float[Array, "n d"], values: Float[Array, "n e"]
) -> Float[Array, "m e"]:
    """attention of every query to all keys as one composite operation"""

    def body(q, k, v, *, temperature):
        scores = q @ k.T / temperature
        return jax.nn.softmax(scores, axis=-1) @ v

    return lax.composite(body, name="nn.attention")(queries, keys, values, temperature=2.0)


def composite_pair(
    x: Num[Array, "*s"], y: Num[Array, "*s"], *, rotate: Literal["butterfly", "cross"]
) -> tuple[Num[Array, "*s"], Num[Array, "*s"]]:
    """two results of one composite operation on `x` and `y`"""

    def body(a, b):
        if rotate == "butterfly":
            pair = a + b, a - b
        else:
            pair = a * b + a, b - a * b
        return pair

    return lax.composite(body, name=f"signal.{rotate}")(x, y)


def composite_of_step(
    x: Float[Array, "*s"],
    y: Float[Array, "*s"],
    *,
    step: Callable[[Float[Array, "*s"], Float[Array, "*s"]], Float[Array, "*s"]],
) -> Float[Array, "*s"]:
    """`step` of `x` and `y` as a composite operation, applied twice"""

    def body(a, b):
        return step(a, b)

    fused = lax.composite(body, name="model.step")
    return fused(fused(x, y), y)


def composite_in_order(
    x: Real[Array, "*b n"], *, count: Literal[1, 2, 3], direction: Literal["rising", "falling"]
) -> Real[Array, "*b n"]:
    """the sorted last axis, by a composite operation that makes `count` ordering tokens of its own"""

    def body(v):
        token = lax.create_token(v)
        for _ in range(count):
            token = lax.after_all(token, lax.create_token(v))
        if direction == "rising":
            ordered = lax.sort(v)
        else:
            ordered = lax.rev(lax.sort(v), (v.ndim - 1,))
        return ordered

    return lax.composite(body, name=f"order.{direction}")(x)


def ordered_countdown(x: Float[Array, "*s"], *, turns: Literal[2, 3, 4]) -> Float[Array, "*s"]:
    """`turns` damped steps of `x` in a loop whose condition joins ordering tokens"""

    def unfinished(carry):
        turn, _ = carry
        lax.after_all(lax.create_token(turn), lax.create_token(turn))
        return turn < turns

    def body(carry):
        turn, value = carry
        return turn + 1, 0.5 * value + jnp.sin(value)

    _, value = lax.while_loop(unfinished, body, (0, x))
    return value


def barrier_between(
    x: Float[Array, "*s"],
    *,
    first: Callable[[Float[Array, "*s"]], Float[Array, "*s"]],
    second: Callable[[Float[Array, "*s"]], Float[Array, "*s"]],
) -> Float[Array, "*s"]:
    """`second` of `first` of `x`, with a barrier between them that no optimisation crosses"""
    middle = lax.optimization_barrier(first(x))
    return second(middle)


def compensated_pair(x: Float[Array, "*s"], y: Float[Array, "*s"]) -> tuple[Float[Array, "*s"], Float[Array, "*s"]]:
    """the sum of `x` and `y` and the half of their difference, both behind one barrier"""
    total, difference = lax.optimization_barrier((x + y, x - y))
    return total, 0.5 * difference


def pinned_operands(
    a: Num[Array, "*b m k"], b: Num[Array, "*b k n"], *, where: Literal["operands", "result", "both"]
) -> Num[Array, "*b m n"]:
    """a matrix product with barriers at its `where`"""
    if where == "result":
        left, right = a, b
    else:
        left, right = lax.optimization_barrier((a, b))
    product = left @ right
    if where == "operands":
        result = product
    else:
        result = lax.optimization_barrier(product)
    return result


def staged_fold(
    xs: Float[Array, "t *s"],
    *,
    step: Callable[[Float[Array, "*s"], Float[Array, "*s"]], Float[Array, "*s"]],
) -> Float[Array, "*s"]:
    """`step` folded over the leading axis, each turn behind a barrier"""

    def body(carry, x):
        carry, x = lax.optimization_barrier((carry, x))
        return step(carry, x), None

    total, _ = lax.scan(body, jnp.zeros_like(xs[0]), xs)
    return total


def recomputed(
    x: Float[Array, "*s"],
    *,
    inner: Callable[[Float[Array, "*s"]], Float[Array, "*s"]],
    policy: Literal["nothing_saveable", "everything_saveable", "dots_saveable", "dots_with_no_batch_dims_saveable"],
) -> Float[Array, "*s"]:
    """the gradient of the sum of squares of `inner`, which is computed again under the policy `policy`"""

    def loss(v):
        block = jax.checkpoint(lambda u: jnp.tanh(inner(u)), policy=getattr(jax.checkpoint_policies, policy))
        return jnp.sum(block(block(v)) ** 2)

    return jax.grad(loss)(x)
