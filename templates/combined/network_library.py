"""The functions of jax.nn that stand for whole steps: attention, standardisation, gates, and jax.image."""

from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jaxtyping import AbstractDtype, Array, Bool, Float

from jaxir import Uniform


class Wide(AbstractDtype):
    """Types with enough digits for interpolation weights."""

    dtypes = ("float64", "float32")


def attention_of_library(
    query: Wide[Array, "b t h d"],
    key: Wide[Array, "b s h d"],
    value: Wide[Array, "b s h d"],
    *,
    scale: Annotated[float, Uniform(0.2, 1.0)],
    is_causal: Literal[False, True],
) -> Wide[Array, "b t h d"]:
    """scaled dot-product attention of several heads"""
    return jax.nn.dot_product_attention(query, key, value, scale=scale, is_causal=is_causal)


def attention_with_bias(
    query: Wide[Array, "t h d"],
    key: Wide[Array, "s h d"],
    value: Wide[Array, "s h d"],
    bias: Wide[Array, "h t s"],
    mask: Bool[Array, "s"],
) -> Wide[Array, "t h d"]:
    """attention with a bias on the scores and keys that are hidden"""
    visible = jnp.broadcast_to(mask.at[0].set(True), bias.shape)
    return jax.nn.dot_product_attention(query, key, value, bias=bias, mask=visible)


def local_attention(
    query: Wide[Array, "t 2 d"], memory: Wide[Array, "t 1 d"], *, window: Literal[1, 2, 3]
) -> Wide[Array, "t 2 d"]:
    """attention of two heads to one head of neighbours at most `window` steps away"""
    return jax.nn.dot_product_attention(query, memory, memory, local_window_size=window)


def standardised(
    x: Float[Array, "*b n"], *, axis: Literal[-1, 0], epsilon: Annotated[float, Uniform(0.001, 0.1)]
) -> Float[Array, "*b n"]:
    """`x` with zero mean and unit variance along axis `axis`"""
    return jax.nn.standardize(x, axis=axis, epsilon=epsilon)


def standardised_by_running_moments(
    x: Float[Array, "*b n"], mean: Float[Array, "n"], variance: Float[Array, "n"]
) -> Float[Array, "*b n"]:
    """`x` standardised by given moments"""
    return jax.nn.standardize(x, mean=mean, variance=jnp.abs(variance) + 0.1)


def gated_by_half(x: Float[Array, "*b 2*n"]) -> Float[Array, "*b n"]:
    """a gated linear unit over the last axis"""
    return jax.nn.glu(x, axis=-1)


def log_mean_exp(x: Float[Array, "*b n"], *, keepdims: Literal[False]) -> Float[Array, "*b"]:
    """the logarithm of the mean of exponentials over the last axis"""
    return jax.nn.logmeanexp(x, axis=-1, keepdims=keepdims)


def log_one_minus_exponential(x: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the logarithm of one minus the exponential of minus a positive number"""
    return jax.nn.log1mexp(jnp.abs(x) + 0.05)


def sparse_gate(
    x: Float[Array, "*s"], *, fn: Literal["sparse_sigmoid", "sparse_plus", "squareplus", "hard_swish", "hard_silu"]
) -> Float[Array, "*s"]:
    """`x` times the activation `fn` of it"""
    return x * getattr(jax.nn, fn)(x)


def residual_of_identity(
    x: Float[Array, "*s"], *, fn: Literal["mish", "celu", "selu", "swish", "soft_sign"]
) -> Float[Array, "*s"]:
    """the distance of the activation `fn` from the identity"""
    return jax.nn.identity(x) - getattr(jax.nn, fn)(x)


def resized_rows(
    x: Wide[Array, "b 4 n"], *, method: Literal["nearest", "linear", "cubic", "lanczos3", "lanczos5"]
) -> Wide[Array, "b 7 n"]:
    """the second axis resampled to seven points by `method` interpolation"""
    return jax.image.resize(x, (x.shape[0], 7, x.shape[2]), method)


def shrunk_image(
    image: Wide[Array, "2*m 2*n"], *, method: Literal["linear", "cubic", "lanczos3"], antialias: Literal[False, True]
) -> Wide[Array, "m n"]:
    """an image of half the size by `method` interpolation"""
    shape = (image.shape[0] // 2, image.shape[1] // 2)
    return jax.image.resize(image, shape, method, antialias=antialias)


def enlarged_image(
    image: Wide[Array, "m n"], *, method: Literal["nearest", "linear", "cubic"]
) -> Wide[Array, "2*m 2*n"]:
    """an image of twice the size by `method` interpolation"""
    return jax.image.resize(image, (2 * image.shape[0], 2 * image.shape[1]), method=method)


def moved_image(
    image: Wide[Array, "m n"],
    scale: Wide[Array, "2"],
    translation: Wide[Array, "2"],
    *,
    method: Literal["linear", "cubic", "lanczos3"],
) -> Wide[Array, "m n"]:
    """an image that was scaled and moved, by `method` interpolation"""
    return jax.image.scale_and_translate(image, image.shape, (0, 1), jnp.abs(scale) + 0.5, 0.3 * translation, method)


def stretched_columns(
    image: Wide[Array, "m n"], factor: Wide[Array, ""], *, antialias: Literal[False, True]
) -> Wide[Array, "m n"]:
    """an image whose columns were stretched around the left edge"""
    scale = 1 + jnp.abs(factor)[None]
    shift = jnp.zeros((1,), image.dtype)
    return jax.image.scale_and_translate(image, image.shape, (1,), scale, shift, "linear", antialias=antialias)
