"""Initial weights by jax.nn.initializers, in layers that use them."""

from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax.nn import initializers
from jaxtyping import AbstractDtype, Array, Float, UInt32

from jaxir import Uniform


class Wide(AbstractDtype):
    """Types of weights that a decomposition may be asked for."""

    dtypes = ("float64", "float32")


def fresh_linear(
    key: UInt32[Array, "2"],
    x: Wide[Array, "*b n"],
    *,
    init: Literal["glorot_normal", "glorot_uniform", "xavier_normal", "xavier_uniform", "he_normal", "he_uniform"],
) -> Wide[Array, "*b n"]:
    """a linear layer with fresh `init` weights"""
    weights = getattr(initializers, init)()(key, (x.shape[-1], x.shape[-1]), x.dtype)
    return x @ weights


def fresh_projection(
    key: UInt32[Array, "2"],
    x: Wide[Array, "*b n"],
    *,
    init: Literal["lecun_normal", "lecun_uniform", "kaiming_normal", "kaiming_uniform"],
    width: Literal[4, 8],
) -> Wide[Array, "*b"]:
    """the mean over hidden units of a rectified layer with fresh `init` weights"""
    weights = getattr(initializers, init)()(key, (x.shape[-1], width), x.dtype)
    return jnp.mean(jnp.maximum(x @ weights, 0.1 * x @ weights), axis=-1)


def fresh_embedding(
    key: UInt32[Array, "2"],
    scores: Wide[Array, "*b n"],
    *,
    init: Literal["normal", "uniform", "truncated_normal"],
    scale: Annotated[float, Uniform(0.1, 1.0)],
) -> Wide[Array, "*b 4"]:
    """a mixture of fresh `init` embeddings, weighted by the softmax of scores"""
    table = getattr(initializers, init)(scale)(key, (scores.shape[-1], 4), scores.dtype)
    return jax.nn.softmax(scores, axis=-1) @ table


def fresh_orthogonal_layer(
    key: UInt32[Array, "2"], x: Wide[Array, "*b n"], *, gain: Annotated[float, Uniform(0.5, 2.0)]
) -> Wide[Array, "*b n"]:
    """`x` plus its image under fresh orthogonal weights"""
    return x + x @ initializers.orthogonal(gain)(key, (x.shape[-1], x.shape[-1]), x.dtype)


def fresh_delta_kernel(key: UInt32[Array, "2"], x: Wide[Array, "n 2"], *, size: Literal[1, 3]) -> Wide[Array, "n 4"]:
    """a convolution over time with a fresh delta-orthogonal kernel"""
    kernel = initializers.delta_orthogonal()(key, (size, 2, 4), x.dtype)
    return jax.lax.conv_general_dilated(x[None], kernel, (1,), "SAME", dimension_numbers=("NWC", "WIO", "NWC"))[0]


def fresh_scaled_weights(
    key: UInt32[Array, "2"],
    x: Wide[Array, "*b n"],
    *,
    mode: Literal["fan_in", "fan_out", "fan_avg", "fan_geo_avg"],
    distribution: Literal["normal", "uniform", "truncated_normal"],
) -> Wide[Array, "*b 3"]:
    """a linear layer with weights scaled by '`mode`' from the `distribution` distribution"""
    init = initializers.variance_scaling(2.0, mode, distribution)
    return x @ init(key, (x.shape[-1], 3), x.dtype)


def fresh_normalisation(
    key: UInt32[Array, "2"], x: Float[Array, "*b n"], *, bias: Annotated[float, Uniform(0.05, 0.5)]
) -> Float[Array, "*b n"]:
    """layer normalisation with noisy unit scale and constant bias"""
    scale = initializers.ones(key, (x.shape[-1],), x.dtype)
    scale = scale + initializers.normal(0.1)(key, (x.shape[-1],), x.dtype)
    shift = initializers.constant(bias)(key, (x.shape[-1],), x.dtype)
    return jax.nn.standardize(x, axis=-1) * scale + shift


def fresh_dense_stack(
    key: UInt32[Array, "2"],
    x: Wide[Array, "*b n"],
    *,
    depth: Literal[1, 2, 3],
    init: Literal["he_normal", "glorot_uniform", "lecun_normal"],
    activation: Literal["relu", "tanh", "gelu"],
) -> Wide[Array, "*b n"]:
    """`depth` dense layers of fresh `init` weights and zero biases, with skip connections"""
    hidden = x
    for layer_key in jax.random.split(key, depth):
        weights = getattr(initializers, init)()(layer_key, (x.shape[-1], x.shape[-1]), x.dtype)
        biases = initializers.zeros(layer_key, (x.shape[-1],), x.dtype)
        hidden = hidden + getattr(jax.nn, activation)(hidden @ weights + biases)
    return hidden


def fresh_low_rank_update(
    key: UInt32[Array, "2"], x: Wide[Array, "*b n"], up: Wide[Array, "2 m"]
) -> Wide[Array, "*b m"]:
    """an adapter whose first factor is fresh Kaiming noise"""
    down = initializers.kaiming_uniform()(key, (x.shape[-1], 2), x.dtype)
    return x @ down @ up
