"""Optimiser steps: parameters and state in, parameters and state out."""

from collections.abc import Callable
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Float32, Int

from jaxir import Uniform


def sgd_step(
    params: Float[Array, "*s"],
    grads: Float[Array, "*s"],
    *,
    learning_rate: Annotated[float, Uniform(0.001, 0.3)],
    decay: Literal["none", "coupled", "decoupled", "proximal"],
) -> Float[Array, "*s"]:
    """the parameters after one step of stochastic gradient descent"""
    if decay == "none":
        updated = params - learning_rate * grads
    elif decay == "coupled":
        updated = params - learning_rate * (grads + 0.01 * params)
    elif decay == "decoupled":
        updated = 0.99 * params - learning_rate * grads
    else:
        moved = params - learning_rate * grads
        updated = jnp.sign(moved) * jnp.maximum(jnp.abs(moved) - 0.01, 0)
    return updated


def momentum_step(
    params: Float[Array, "*s"],
    grads: Float[Array, "*s"],
    velocity: Float[Array, "*s"],
    *,
    learning_rate: Annotated[float, Uniform(0.001, 0.3)],
    momentum: Annotated[float, Uniform(0.5, 0.95)],
    style: Literal["heavy ball", "nesterov", "dampened", "normalised"],
) -> tuple[Float[Array, "*s"], Float[Array, "*s"]]:
    """the parameters and velocity after one momentum step"""
    if style == "heavy ball":
        new_velocity = momentum * velocity + grads
        direction = new_velocity
    elif style == "nesterov":
        new_velocity = momentum * velocity + grads
        direction = grads + momentum * new_velocity
    elif style == "dampened":
        new_velocity = momentum * velocity + (1 - momentum) * grads
        direction = new_velocity
    else:
        new_velocity = momentum * velocity + grads
        direction = new_velocity * lax.rsqrt(jnp.sum(jnp.square(new_velocity)) + 1e-3)
    return params - learning_rate * direction, new_velocity


def adam_step(
    params: Float[Array, "*s"],
    grads: Float[Array, "*s"],
    first_moment: Float[Array, "*s"],
    second_moment: Float[Array, "*s"],
    count: Int[Array, ""],
    *,
    learning_rate: Annotated[float, Uniform(0.0005, 0.1)],
    variant: Literal["adam", "adamw", "nadam", "adamax"],
) -> tuple[Float[Array, "*s"], Float[Array, "*s"], Float[Array, "*s"]]:
    """the parameters and both moments after one Adam update"""
    time = count.astype(jnp.float32) + 1
    mean = 0.9 * first_moment + 0.1 * grads
    unbiased = mean / (1 - 0.9**time).astype(params.dtype)
    if variant == "adamax":
        spread = jnp.maximum(0.999 * second_moment, jnp.abs(grads))
        step = unbiased / (jnp.abs(spread) + 1e-3)
    else:
        spread = 0.999 * jnp.abs(second_moment) + 0.001 * jnp.square(grads)
        scale = jnp.sqrt(spread / (1 - 0.999**time).astype(params.dtype)) + 1e-6
        if variant == "adam":
            step = unbiased / scale
        elif variant == "adamw":
            step = unbiased / scale + 0.01 * params
        else:
            step = (0.9 * unbiased + 0.1 * grads) / scale
    return params - learning_rate * step, mean, spread


def rmsprop_step(
    params: Float[Array, "*s"],
    grads: Float[Array, "*s"],
    mean_square: Float[Array, "*s"],
    *,
    learning_rate: Annotated[float, Uniform(0.0005, 0.1)],
    decay: Annotated[float, Uniform(0.8, 0.99)],
    scaling: Literal["root of sum", "sum of root", "rsqrt"],
) -> tuple[Float[Array, "*s"], Float[Array, "*s"]]:
    """the parameters and mean square after one RMSProp update"""
    accumulated = decay * jnp.abs(mean_square) + (1 - decay) * grads * grads
    if scaling == "root of sum":
        step = grads / jnp.sqrt(accumulated + 1e-4)
    elif scaling == "sum of root":
        step = grads / (jnp.sqrt(accumulated) + 1e-3)
    else:
        step = grads * lax.rsqrt(accumulated + 1e-4)
    return params - learning_rate * step, accumulated


def adagrad_step(
    params: Float[Array, "*s"],
    grads: Float[Array, "*s"],
    total: Float[Array, "*s"],
    *,
    learning_rate: Annotated[float, Uniform(0.01, 0.5)],
    rank: Literal["full", "norm", "cube root"],
) -> tuple[Float[Array, "*s"], Float[Array, "*s"]]:
    """the parameters and accumulated squares after one AdaGrad update"""
    accumulated = jnp.abs(total) + jnp.square(grads)
    if rank == "full":
        scale = lax.rsqrt(accumulated + 1e-3)
    elif rank == "norm":
        scale = lax.rsqrt(jnp.sum(accumulated) + 1e-3)
    else:
        scale = 1 / jnp.cbrt(accumulated + 1e-2)
    return params - learning_rate * scale * grads, accumulated


def adadelta_step(
    params: Float[Array, "*s"],
    grads: Float[Array, "*s"],
    squared_grads: Float[Array, "*s"],
    squared_steps: Float[Array, "*s"],
    *,
    decay: Annotated[float, Uniform(0.8, 0.99)],
) -> tuple[Float[Array, "*s"], Float[Array, "*s"], Float[Array, "*s"]]:
    """the parameters and both averages after one AdaDelta update"""
    new_squares = decay * jnp.abs(squared_grads) + (1 - decay) * jnp.square(grads)
    step = grads * jnp.sqrt((jnp.abs(squared_steps) + 1e-3) / (new_squares + 1e-3))
    new_steps = decay * jnp.abs(squared_steps) + (1 - decay) * jnp.square(step)
    return params - step, new_squares, new_steps


def lion_step(
    params: Float[Array, "*s"],
    grads: Float[Array, "*s"],
    momentum: Float[Array, "*s"],
    *,
    learning_rate: Annotated[float, Uniform(0.001, 0.1)],
    direction: Literal["sign", "tanh", "clip"],
) -> tuple[Float[Array, "*s"], Float[Array, "*s"]]:
    """the parameters and momentum after one Lion update"""
    blended = 0.9 * momentum + 0.1 * grads
    if direction == "sign":
        update = jnp.sign(blended)
    elif direction == "tanh":
        update = jnp.tanh(10 * blended)
    else:
        update = jnp.clip(10 * blended, -1, 1)
    return params - learning_rate * (update + 0.01 * params), 0.99 * momentum + 0.01 * grads


def clip_by_norm(
    grads: Float[Array, "*s"],
    *,
    limit: Annotated[float, Uniform(0.1, 2.0)],
    norm: Literal["euclidean", "largest", "soft"],
) -> Float[Array, "*s"]:
    """the gradients scaled down to a norm of at most `limit`"""
    if norm == "euclidean":
        length = jnp.sqrt(jnp.sum(jnp.square(grads)))
        scale = jnp.minimum(1, limit / (length + 1e-3))
    elif norm == "largest":
        length = jnp.max(jnp.abs(grads))
        scale = jnp.where(length > limit, limit / (length + 1e-3), 1)
    else:
        length = jnp.sqrt(jnp.sum(jnp.square(grads)))
        scale = limit / (limit + length)
    return grads * scale


def clip_by_global_norm(
    weight_grads: Float[Array, "m n"],
    bias_grads: Float[Array, "n"],
    *,
    limit: Annotated[float, Uniform(0.1, 2.0)],
    form: Literal["concatenate", "sum", "tree"],
    scaling: Literal["minimum", "where"],
) -> tuple[Float[Array, "m n"], Float[Array, "n"], Float[Array, ""]]:
    """the gradients of a layer clipped by their common norm, and that norm"""
    if form == "concatenate":
        length = jnp.linalg.norm(jnp.concatenate([weight_grads.ravel(), bias_grads]))
    elif form == "sum":
        length = jnp.sqrt(jnp.sum(jnp.square(weight_grads)) + jnp.sum(jnp.square(bias_grads)))
    else:
        squares = jax.tree.map(lambda grad: jnp.vdot(grad, grad), [weight_grads, bias_grads])
        length = jnp.sqrt(sum(squares))
    if scaling == "minimum":
        scale = jnp.minimum(limit / (length + 1e-3), 1)
    else:
        scale = jnp.where(length < limit, 1, limit / (length + 1e-3))
    return weight_grads * scale, bias_grads * scale, length


def gradient_descent(
    params: Float[Array, "n"],
    *,
    loss: Callable[[Float[Array, "n"]], Float[Array, ""]],
    learning_rate: Annotated[float, Uniform(0.01, 0.2)],
    steps: Literal[1, 2, 4],
) -> Float[Array, "n"]:
    """an approximate minimiser of the loss `loss` by gradient descent"""
    return lax.fori_loop(0, steps, lambda _, guess: guess - learning_rate * jax.grad(loss)(guess), params)


def backtracking_step(
    params: Float[Array, "n"],
    *,
    loss: Callable[[Float[Array, "n"]], Float[Array, ""]],
    halvings: Literal[2, 3, 4],
) -> tuple[Float[Array, "n"], Float[Array, ""]]:
    """the gradient step on the loss `loss` with a step size found by halving, and that step size"""
    value, grads = jax.value_and_grad(loss)(params)
    slope = jnp.vdot(grads, grads)

    def halve(_, size):
        enough = loss(params - size * grads) <= value - 0.5 * size * slope
        return jnp.where(enough, size, 0.5 * size)

    size = lax.fori_loop(0, halvings, halve, jnp.ones_like(value))
    return params - size * grads, size


def factored_second_moment(
    grads: Float[Array, "m n"],
    row_average: Float[Array, "m"],
    column_average: Float[Array, "n"],
    *,
    decay: Annotated[float, Uniform(0.8, 0.99)],
    clipped: Literal[False, True],
) -> tuple[Float[Array, "m n"], Float[Array, "m"], Float[Array, "n"]]:
    """the Adafactor update of a matrix, and its new row and column averages"""
    squares = jnp.square(grads) + 1e-3
    rows = decay * jnp.abs(row_average) + (1 - decay) * jnp.mean(squares, axis=1)
    columns = decay * jnp.abs(column_average) + (1 - decay) * jnp.mean(squares, axis=0)
    estimate = rows[:, None] * columns / jnp.mean(rows)
    update = grads * lax.rsqrt(estimate)
    if clipped:
        step = update / jnp.maximum(1, jnp.sqrt(jnp.mean(jnp.square(update))))
    else:
        step = update
    return step, rows, columns


def orthogonalised_momentum(
    momentum: Float[Array, "m n"],
    grads: Float[Array, "m n"],
    *,
    steps: Literal[1, 2, 3],
    polynomial: Literal["cubic by rows", "cubic by columns", "quintic"],
) -> Float[Array, "m n"]:
    """the Muon update, the momentum orthogonalised by Newton-Schulz iterations"""
    blended = 0.95 * momentum + grads
    unit = blended / (jnp.linalg.norm(blended) + 1e-2)
    if polynomial == "cubic by rows":

        def polish(_, matrix):
            return 1.5 * matrix - 0.5 * (matrix @ matrix.T) @ matrix

    elif polynomial == "cubic by columns":

        def polish(_, matrix):
            return 1.5 * matrix - 0.5 * matrix @ (matrix.T @ matrix)

    else:

        def polish(_, matrix):
            gram = matrix @ matrix.T
            return 3.4445 * matrix + (2.0315 * gram @ gram - 4.775 * gram) @ matrix

    return lax.fori_loop(0, steps, polish, unit)


def learning_rate_schedule(
    steps: Int[Array, "*s"],
    *,
    peak: Annotated[float, Uniform(0.01, 1.0)],
    shape: Literal["cosine", "linear", "inverse root", "exponential", "cycle"],
) -> Float32[Array, "*s"]:
    """the learning rates of a schedule with warm-up"""
    time = steps.astype(jnp.float32)
    progress = jnp.clip((time - 2) / 8, 0, 1)
    if shape == "cosine":
        decay = 0.5 * (1 + jnp.cos(jnp.pi * progress))
    elif shape == "linear":
        decay = 1 - 0.9 * progress
    elif shape == "inverse root":
        decay = lax.rsqrt(1 + 8 * progress)
    elif shape == "exponential":
        decay = 0.5 ** (2 * progress)
    else:
        decay = jnp.abs(1 - 2 * jnp.mod(2 * progress, 1)) + 0.1
    return peak * jnp.minimum((time + 1) / 3, 1) * decay
