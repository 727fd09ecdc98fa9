"""Activation functions of neural networks."""

from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from jaxir import Uniform


def _two_sided(logits):
    decay = jnp.exp(-jnp.abs(logits))
    return jnp.where(logits >= 0, 1 / (1 + decay), decay / (1 + decay))


def _soft_maximum(x):
    return jnp.maximum(x, 0) + jnp.log1p(jnp.exp(-jnp.abs(x)))


def sigmoid(
    logits: Float[Array, "*s"], *, form: Literal["logistic", "quotient", "tanh", "two sided"]
) -> Float[Array, "*s"]:
    """the logistic sigmoid of the logits"""
    if form == "logistic":
        probability = lax.logistic(logits)
    elif form == "quotient":
        probability = 1 / (1 + jnp.exp(-logits))
    elif form == "tanh":
        probability = 0.5 * (1 + jnp.tanh(0.5 * logits))
    else:
        probability = _two_sided(logits)
    return probability


def softmax(
    logits: Float[Array, "*b n"], *, form: Literal["shift", "logsumexp", "library"], axis: Literal[-1, 0]
) -> Float[Array, "*b n"]:
    """the softmax along one axis of the logits"""
    if form == "shift":
        weights = jnp.exp(logits - jnp.max(logits, axis=axis, keepdims=True))
        probabilities = weights / jnp.sum(weights, axis=axis, keepdims=True)
    elif form == "logsumexp":
        probabilities = jnp.exp(logits - jax.nn.logsumexp(logits, axis=axis, keepdims=True))
    else:
        probabilities = jax.nn.softmax(logits, axis=axis)
    return probabilities


def relu(
    x: Float[Array, "*s"], *, form: Literal["maximum", "where", "gate", "mirror", "library"]
) -> Float[Array, "*s"]:
    """the rectified linear unit of `x`"""
    if form == "maximum":
        y = jnp.maximum(x, 0)
    elif form == "where":
        y = jnp.where(x > 0, x, 0)
    elif form == "gate":
        y = x * (x > 0)
    elif form == "mirror":
        y = 0.5 * (x + jnp.abs(x))
    else:
        y = jax.nn.relu(x)
    return y


def nn_activation(
    x: Float[Array, "*s"],
    *,
    fn: Literal[
        "celu",
        "elu",
        "gelu",
        "hard_sigmoid",
        "hard_silu",
        "hard_tanh",
        "leaky_relu",
        "log_sigmoid",
        "mish",
        "relu6",
        "selu",
        "silu",
        "soft_sign",
        "softplus",
        "sparse_plus",
        "squareplus",
    ],
) -> Float[Array, "*s"]:
    """an activation function of `x`"""
    return getattr(jax.nn, fn)(x)


def gaussian_gate(x: Float[Array, "*s"], *, form: Literal["erf", "tanh", "sigmoid"]) -> Float[Array, "*s"]:
    """the gaussian error linear unit, written out"""
    if form == "erf":
        gate = 0.5 * (1 + lax.erf(x * 0.7071067811865476))
    elif form == "tanh":
        gate = 0.5 * (1 + jnp.tanh(0.7978845608028654 * (x + 0.044715 * x**3)))
    else:
        gate = jax.nn.sigmoid(1.702 * x)
    return x * gate


def swish(
    x: Float[Array, "*b n"], sharpness: Float[Array, "n"], *, gate: Literal["sigmoid", "hard"]
) -> Float[Array, "*b n"]:
    """the swish of `x` with the sharpness `sharpness` for each feature"""
    steered = sharpness * x
    if gate == "sigmoid":
        opening = 1 / (1 + jnp.exp(-steered))
    else:
        opening = jnp.clip(steered / 6 + 0.5, 0, 1)
    return x * opening


def exponential_linear(
    x: Float[Array, "*s"],
    *,
    alpha: Annotated[float, Uniform(0.5, 1.7)],
    variant: Literal["elu", "celu", "selu"],
) -> Float[Array, "*s"]:
    """an exponential linear unit whose alpha is `alpha`"""
    negative = jnp.minimum(x, 0)
    if variant == "elu":
        y = jnp.where(x > 0, x, alpha * jnp.expm1(negative))
    elif variant == "celu":
        y = jnp.maximum(x, 0) + alpha * jnp.expm1(negative / alpha)
    else:
        y = 1.0507 * jnp.where(x > 0, x, alpha * jnp.expm1(negative))
    return y


def parametric_relu(
    x: Float[Array, "*b n"], slopes: Float[Array, "n"], *, form: Literal["where", "sum"]
) -> Float[Array, "*b n"]:
    """the leaky rectifier of `x` with one learned slope for each feature"""
    if form == "where":
        y = jnp.where(x > 0, x, slopes * x)
    else:
        y = jnp.maximum(x, 0) + slopes * jnp.minimum(x, 0)
    return y


def self_gated(x: Float[Array, "*s"], *, gate: Literal["mish", "serf", "logish", "phish"]) -> Float[Array, "*s"]:
    """a smooth activation that multiplies its input by a gate of itself"""
    if gate == "mish":
        opening = jnp.tanh(_soft_maximum(x))
    elif gate == "serf":
        opening = lax.erf(_soft_maximum(x))
    elif gate == "logish":
        opening = jnp.log1p(_two_sided(x))
    else:
        opening = jnp.tanh(0.5 * x * (1 + lax.erf(x * 0.7071067811865476)))
    return x * opening


def smooth_rectifier(
    x: Float[Array, "*s"],
    *,
    beta: Annotated[float, Uniform(0.5, 2.0)],
    form: Literal["log1p", "logaddexp", "squareplus"],
) -> Float[Array, "*s"]:
    """a smooth rectifier of sharpness `beta`"""
    if form == "log1p":
        y = _soft_maximum(beta * x) / beta
    elif form == "logaddexp":
        y = jnp.logaddexp(beta * x, 0) / beta
    else:
        y = 0.5 * (x + jnp.sqrt(jnp.square(x) + 1 / beta))
    return y


def sparsemax(logits: Float[Array, "*b n"]) -> Float[Array, "*b n"]:
    """the projection of the logits onto the probability simplex (sparsemax)"""
    ordered = jnp.flip(jnp.sort(logits, axis=-1), axis=-1)
    ranks = jnp.arange(1, logits.shape[-1] + 1, dtype=logits.dtype)
    inside = 1 + ranks * ordered > jnp.cumsum(ordered, axis=-1)
    support = jnp.sum(inside, axis=-1, keepdims=True).astype(logits.dtype)
    mass = jnp.sum(jnp.where(inside, ordered, 0), axis=-1, keepdims=True)
    return jnp.maximum(logits - (mass - 1) / support, 0)


def gated_linear_unit(
    x: Float[Array, "*b 2*n"],
    *,
    gate: Literal["sigmoid", "silu", "gelu", "relu", "tanh"],
    layout: Literal["halves", "interleaved"],
) -> Float[Array, "*b n"]:
    """the gated linear unit of two halves of the features"""
    if layout == "halves":
        value, control = jnp.split(x, 2, axis=-1)
    else:
        value, control = x[..., 0::2], x[..., 1::2]
    return value * getattr(jax.nn, gate)(control)


def maxout(x: Float[Array, "*b m"], weights: Float[Array, "m n k"], bias: Float[Array, "n k"]) -> Float[Array, "*b n"]:
    """the output of a maxout layer, the largest of several affine maps for each unit"""
    pieces = jnp.einsum("...m,mnk->...nk", x, weights) + bias
    return jnp.max(pieces, axis=-1)


def tempered_softmax(
    logits: Float[Array, "*b n"],
    temperature: Float[Array, ""],
    *,
    output: Literal["softmax", "log-softmax", "normalised score"],
) -> Float[Array, "*b n"]:
    """the `output` of the logits after temperature scaling"""
    scaled = logits / jnp.maximum(temperature, 0.05)
    shifted = scaled - lax.stop_gradient(jnp.max(scaled, axis=-1, keepdims=True))
    if output == "softmax":
        result = jnp.exp(shifted) / jnp.sum(jnp.exp(shifted), axis=-1, keepdims=True)
    elif output == "log-softmax":
        result = shifted - jnp.log(jnp.sum(jnp.exp(shifted), axis=-1, keepdims=True))
    else:
        result = shifted / jnp.sqrt(jnp.mean(jnp.square(shifted), axis=-1, keepdims=True) + 1e-3)
    return result
