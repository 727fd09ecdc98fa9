"""Dense layers, normalisations and blocks built from them."""

from collections.abc import Callable
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from jaxir import Uniform


def _contract(x, weights):
    return lax.dot_general(x, weights, (((x.ndim - 1,), (0,)), ((), ())))


def linear(
    inputs: Float[Array, "*b m"],
    weights: Float[Array, "m n"],
    bias: Float[Array, "n"],
    *,
    form: Literal["matmul", "einsum", "dot_general", "transposed"],
) -> Float[Array, "*b n"]:
    """the output of an affine layer on the inputs"""
    if form == "matmul":
        projected = inputs @ weights
    elif form == "einsum":
        projected = jnp.einsum("...m,mn->...n", inputs, weights)
    elif form == "dot_general":
        projected = _contract(inputs, weights)
    else:
        projected = jnp.moveaxis(jnp.tensordot(weights, inputs, axes=((0,), (-1,))), 0, -1)
    return projected + bias


def quadratic(
    x: Float[Array, "*s"],
    a: Float[Array, ""],
    b: Float[Array, ""],
    c: Float[Array, ""],
    *,
    form: Literal["powers", "horner", "square", "polyval"],
) -> Float[Array, "*s"]:
    """the quadratic polynomial with the coefficients `a`, `b` and `c`"""
    if form == "powers":
        value = a * x**2 + b * x + c
    elif form == "horner":
        value = (a * x + b) * x + c
    elif form == "square":
        value = a * jnp.square(x + b / (2 * a)) + (c - b * b / (4 * a))
    else:
        value = jnp.polyval(jnp.stack([a, b, c]), x)
    return value


def mlp(
    x: Float[Array, "*b m"],
    hidden_weights: Float[Array, "m h"],
    hidden_bias: Float[Array, "h"],
    output_weights: Float[Array, "h n"],
    output_bias: Float[Array, "n"],
    *,
    activation: Callable[[Float[Array, "*b h"]], Float[Array, "*b h"]],
) -> Float[Array, "*b n"]:
    """the output of a two-layer perceptron with `activation` between its layers"""
    hidden = activation(x @ hidden_weights + hidden_bias)
    return hidden @ output_weights + output_bias


def deep_mlp(
    x: Float[Array, "*b n"],
    weights: Float[Array, "l n n"],
    biases: Float[Array, "l n"],
    *,
    activation: Literal["tanh", "relu", "silu", "soft_sign"],
    skip: Literal["none", "add", "average"],
) -> Float[Array, "*b n"]:
    """the output of a perceptron of stacked equal layers, applied by scan"""

    def layer(hidden, parameters):
        matrix, offset = parameters
        return getattr(jax.nn, activation)(hidden @ matrix + offset), None

    deep, _ = lax.scan(layer, x, (weights, biases))
    if skip == "none":
        result = deep
    elif skip == "add":
        result = x + deep
    else:
        result = 0.5 * (x + deep)
    return result


def layer_norm(
    x: Float[Array, "*b n"],
    scale: Float[Array, "n"],
    bias: Float[Array, "n"],
    *,
    variance: Literal["centred", "moments", "library"],
) -> Float[Array, "*b n"]:
    """the layer normalisation of `x` over the features"""
    mean = jnp.mean(x, axis=-1, keepdims=True)
    if variance == "centred":
        spread = jnp.mean(jnp.square(x - mean), axis=-1, keepdims=True)
    elif variance == "moments":
        spread = jnp.maximum(jnp.mean(x * x, axis=-1, keepdims=True) - mean * mean, 0)
    else:
        spread = jnp.var(x, axis=-1, keepdims=True)
    return (x - mean) * lax.rsqrt(spread + 1e-5) * scale + bias


def rms_norm(
    x: Float[Array, "*b n"],
    scale: Float[Array, "n"],
    *,
    form: Literal["rsqrt", "sqrt", "norm"],
    centre: Literal["zero", "one"],
) -> Float[Array, "*b n"]:
    """the root-mean-square normalisation of `x` over the features"""
    if form == "rsqrt":
        normed = x * lax.rsqrt(jnp.mean(jnp.square(x), axis=-1, keepdims=True) + 1e-5)
    elif form == "sqrt":
        normed = x / jnp.sqrt(jnp.mean(x * x, axis=-1, keepdims=True) + 1e-5)
    else:
        normed = x * x.shape[-1] ** 0.5 / (jnp.linalg.norm(x, axis=-1, keepdims=True) + 1e-3)
    if centre == "zero":
        gain = scale
    else:
        gain = 1 + scale
    return normed * gain


def batch_norm(
    x: Float[Array, "b *s c"],
    scale: Float[Array, "c"],
    bias: Float[Array, "c"],
    running_mean: Float[Array, "c"],
    running_variance: Float[Array, "c"],
    *,
    momentum: Annotated[float, Uniform(0.8, 0.99)],
) -> tuple[Float[Array, "b *s c"], Float[Array, "c"], Float[Array, "c"]]:
    """the batch normalisation of `x` in training, and the new running statistics"""
    axes = tuple(range(x.ndim - 1))
    mean = jnp.mean(x, axis=axes)
    variance = jnp.var(x, axis=axes)
    normed = (x - mean) * lax.rsqrt(variance + 1e-5) * scale + bias
    new_mean = momentum * running_mean + (1 - momentum) * mean
    new_variance = momentum * running_variance + (1 - momentum) * variance
    return normed, new_mean, new_variance


def batch_norm_inference(
    x: Float[Array, "*b c"],
    scale: Float[Array, "c"],
    bias: Float[Array, "c"],
    mean: Float[Array, "c"],
    variance: Float[Array, "c"],
    *,
    folded: Literal[False, True],
) -> Float[Array, "*b c"]:
    """the batch normalisation of `x` with stored statistics"""
    gain = scale * lax.rsqrt(jnp.abs(variance) + 1e-3)
    if folded:
        normed = x * gain + (bias - mean * gain)
    else:
        normed = (x - mean) * gain + bias
    return normed


def group_norm(
    x: Float[Array, "*b n 2*c"],
    scale: Float[Array, "2*c"],
    bias: Float[Array, "2*c"],
    *,
    grouping: Literal["blocks", "strided", "instance"],
) -> Float[Array, "*b n 2*c"]:
    """the normalisation of `x` over positions and groups of channels"""
    if grouping == "blocks":
        grouped = x.reshape((*x.shape[:-1], 2, x.shape[-1] // 2))
        axes = (-3, -1)
    elif grouping == "strided":
        grouped = x.reshape((*x.shape[:-1], x.shape[-1] // 2, 2))
        axes = (-3, -2)
    else:
        grouped = x
        axes = (-2,)
    centred = grouped - jnp.mean(grouped, axis=axes, keepdims=True)
    deviation = jnp.sqrt(jnp.mean(jnp.square(centred), axis=axes, keepdims=True) + 1e-5)
    return (centred / deviation).reshape(x.shape) * scale + bias


def weight_norm_linear(
    x: Float[Array, "*b m"],
    directions: Float[Array, "m n"],
    gains: Float[Array, "n"],
    *,
    axis: Literal[0, 1],
) -> Float[Array, "*b n"]:
    """the output of a linear layer whose weights are normalised and then scaled by `gains`"""
    lengths = jnp.sqrt(jnp.sum(jnp.square(directions), axis=axis, keepdims=True))
    return x @ (directions / (lengths + 1e-3) * gains)


def spectral_norm_step(
    weights: Float[Array, "m n"],
    left: Float[Array, "m"],
    *,
    steps: Literal[1, 2, 3],
    bound: Literal["exact", "at most one"],
) -> tuple[Float[Array, "m n"], Float[Array, "m"]]:
    """the weights after spectral normalisation by power iteration, and the new left vector"""

    def refine(_, vector):
        image = weights @ (vector @ weights)
        return image / (jnp.linalg.norm(image) + 1e-3)

    left_vector = lax.fori_loop(0, steps, refine, left)
    sigma = jnp.linalg.norm(left_vector @ weights)
    if bound == "exact":
        divisor = sigma + 1e-3
    else:
        divisor = jnp.maximum(sigma, 1)
    return weights / divisor, left_vector


def lora_linear(
    x: Float[Array, "*b m"],
    weights: Float[Array, "m n"],
    down: Float[Array, "m r"],
    up: Float[Array, "r n"],
    *,
    alpha: Annotated[float, Uniform(0.5, 4.0)],
    merged: Literal[False, True],
) -> Float[Array, "*b n"]:
    """the output of a linear layer with a low-rank adapter"""
    strength = alpha / down.shape[1]
    if merged:
        result = x @ (weights + strength * (down @ up))
    else:
        result = x @ weights + strength * ((x @ down) @ up)
    return result


def residual_block(
    x: Float[Array, "*b n"],
    scale: Float[Array, "n"],
    *,
    layer: Callable[[Float[Array, "*b n"]], Float[Array, "*b n"]],
    placement: Literal["pre norm", "post norm", "layer scale"],
) -> Float[Array, "*b n"]:
    """the output of a residual block around `layer`"""
    if placement == "pre norm":
        size = jnp.mean(jnp.square(x), axis=-1, keepdims=True)
        result = x + layer(x * lax.rsqrt(size + 1e-5) * scale)
    elif placement == "post norm":
        size = x + layer(x)
        result = size * lax.rsqrt(jnp.mean(jnp.square(size), axis=-1, keepdims=True) + 1e-5) * scale
    else:
        size = jnp.tanh(scale)
        result = x + size * layer(x)
    return result


def highway_layer(
    x: Float[Array, "*b n"],
    gate_weights: Float[Array, "n n"],
    gate_bias: Float[Array, "n"],
    *,
    transform: Callable[[Float[Array, "*b n"]], Float[Array, "*b n"]],
) -> Float[Array, "*b n"]:
    """the output of a highway layer that mixes its input with `transform` of it"""
    gate = jax.nn.sigmoid(x @ gate_weights + gate_bias)
    return gate * transform(x) + (1 - gate) * x


def squeeze_excite(
    images: Float[Array, "*b h w c"],
    squeeze: Float[Array, "c r"],
    excite: Float[Array, "r c"],
    *,
    pool: Literal["mean", "max"],
) -> Float[Array, "*b h w c"]:
    """the images with channels reweighted by squeeze and excitation"""
    summary = getattr(jnp, pool)(images, axis=(-3, -2))
    hidden = jax.nn.relu(summary @ squeeze)
    weights = jax.nn.sigmoid(hidden @ excite)
    return images * weights[..., None, None, :]


def bilinear_layer(
    left: Float[Array, "*b m"],
    right: Float[Array, "*b n"],
    tensor: Float[Array, "k m n"],
    *,
    form: Literal["einsum", "two products"],
) -> Float[Array, "*b k"]:
    """the output of a bilinear layer on two feature vectors"""
    if form == "einsum":
        result = jnp.einsum("...m,kmn,...n->...k", left, tensor, right)
    else:
        result = jnp.sum(jnp.tensordot(left, tensor, axes=((-1,), (1,))) * right[..., None, :], axis=-1)
    return result


def embedding_lookup(
    table: Float[Array, "v n"],
    tokens: Int[Array, "*b"],
    *,
    form: Literal["take", "index", "one hot"],
    scaled: Literal[False, True],
) -> Float[Array, "*b n"]:
    """the embedding vectors of the tokens"""
    ids = tokens.astype(jnp.int32) % table.shape[0]
    if form == "take":
        vectors = jnp.take(table, ids, axis=0)
    elif form == "index":
        vectors = table.at[ids].get(mode="clip")
    else:
        vectors = jax.nn.one_hot(ids, table.shape[0], dtype=table.dtype) @ table
    if scaled:
        result = vectors * table.shape[1] ** 0.5
    else:
        result = vectors
    return result


def mixture_of_experts(
    x: Float[Array, "b m"],
    router: Float[Array, "m e"],
    experts: Float[Array, "e m n"],
    *,
    routing: Literal["soft", "top one", "threshold"],
) -> Float[Array, "b n"]:
    """the output of a mixture of linear experts, gated by a router"""
    gates = jax.nn.softmax(x @ router, axis=-1)
    if routing == "soft":
        chosen = gates
    elif routing == "top one":
        chosen = gates * jax.nn.one_hot(jnp.argmax(gates, axis=-1), gates.shape[-1], dtype=x.dtype)
    else:
        chosen = jnp.where(gates >= jnp.mean(gates, axis=-1, keepdims=True), gates, 0)
    outputs = jnp.einsum("bm,emn->ben", x, experts)
    return jnp.einsum("be,ben->bn", chosen, outputs)
