"""Scans and maps around a step that is given as a hole."""

from collections.abc import Callable
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

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
    """the last change in `length` steps of the recurrence in which `step` joins the last two terms"""

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
    """the bounded fold of `step` over the rows of `xs` where `mask` holds, plus the first row"""

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
    """the fold by `high` where a row's mean is above `threshold` and by `low` elsewhere, and the choices"""

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
    """the gradient with respect to `init` of the `loss` of the squared end state of a scan"""

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
    """`fn` of matching rows of `x` and `y`, in batches of `batch`"""
    return lax.map(lambda pair: fn(*pair), (x, y), batch_size=batch)


def pairwise_kernel(
    x: Float[Array, "m d"],
    y: Float[Array, "n d"],
    *,
    kernel: Callable[[Float[Array, "d"], Float[Array, "d"]], Float[Array, ""]],
) -> Float[Array, "m n"]:
    """the matrix of `kernel` between the rows of `x` and the rows of `y`"""
    return jax.vmap(lambda row: jax.vmap(lambda other: kernel(row, other))(y))(x)


def chunked_map(
    x: Float[Array, "2*m n"], *, fn: Callable[[Float[Array, "2 n"]], Float[Array, "n"]], reverse: Literal[False, True]
) -> Float[Array, "m n"]:
    """`fn` of each pair of rows plus the bounded running sum of what came before"""
    chunks = x.reshape(-1, 2, x.shape[1])

    def body(total, chunk):
        value = fn(chunk)
        return jnp.clip(total + value, -4, 4), total + value

    _, sums = lax.scan(body, jnp.zeros_like(x[0]), chunks, reverse=reverse)
    return sums
