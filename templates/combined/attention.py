"""Attention over sequences and the position codes that go with it."""

from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from jaxir import Uniform


def _lags(scores):
    rows = lax.broadcasted_iota(jnp.int32, scores.shape, scores.ndim - 2)
    columns = lax.broadcasted_iota(jnp.int32, scores.shape, scores.ndim - 1)
    return rows - columns


def _angles(length, half, dtype):
    rates = jnp.exp(jnp.arange(half, dtype=jnp.float32) * (-4.0 / half))
    return (jnp.arange(length, dtype=jnp.float32)[:, None] * rates).astype(dtype)


def attention(
    queries: Float[Array, "*b q d"],
    keys: Float[Array, "*b k d"],
    values: Float[Array, "*b k v"],
    *,
    mask: Literal["none", "causal", "window", "distance"],
) -> Float[Array, "*b q v"]:
    """the scaled dot-product attention over the keys"""
    scores = jnp.einsum("...qd,...kd->...qk", queries, keys) * queries.shape[-1] ** -0.5
    if mask == "none":
        visible = scores
    elif mask == "causal":
        visible = jnp.where(_lags(scores) >= 0, scores, jnp.finfo(scores.dtype).min)
    elif mask == "window":
        visible = jnp.where(jnp.abs(_lags(scores)) <= 1, scores, jnp.finfo(scores.dtype).min)
    else:
        visible = scores - 0.25 * jnp.abs(_lags(scores)).astype(scores.dtype)
    return jax.nn.softmax(visible, axis=-1) @ values


def masked_attention(
    queries: Float[Array, "*b q d"],
    keys: Float[Array, "*b k d"],
    values: Float[Array, "*b k v"],
    visible: Bool[Array, "q k"],
    *,
    cap: Annotated[float, Uniform(2.0, 20.0)],
    capped: Literal[False, True],
) -> Float[Array, "*b q v"]:
    """the attention over the keys that a boolean mask leaves visible"""
    scores = queries @ jnp.swapaxes(keys, -1, -2) / jnp.sqrt(jnp.asarray(keys.shape[-1], keys.dtype))
    if capped:
        logits = cap * jnp.tanh(scores / cap)
    else:
        logits = scores
    logits_seen = jnp.where(visible, logits, -1e4)
    weights = jnp.exp(logits_seen - jnp.max(logits_seen, axis=-1, keepdims=True)) * visible
    return weights @ values / (jnp.sum(weights, axis=-1, keepdims=True) + 1e-3)


def multi_head_attention(
    x: Float[Array, "*b t m"],
    query_weights: Float[Array, "m h d"],
    key_weights: Float[Array, "m h d"],
    value_weights: Float[Array, "m h d"],
    output_weights: Float[Array, "h d m"],
    *,
    causal: Literal[False, True],
    residual: Literal[False, True],
) -> Float[Array, "*b t m"]:
    """the multi-head self-attention of a sequence"""
    queries = jnp.einsum("...tm,mhd->...htd", x, query_weights)
    keys = jnp.einsum("...sm,mhd->...hsd", x, key_weights)
    values = jnp.einsum("...sm,mhd->...hsd", x, value_weights)
    scores = jnp.einsum("...htd,...hsd->...hts", queries, keys) / queries.shape[-1] ** 0.5
    if causal:
        logits = jnp.where(_lags(scores) >= 0, scores, jnp.finfo(x.dtype).min)
    else:
        logits = scores
    heads = jnp.einsum("...hts,...hsd->...htd", jax.nn.softmax(logits, axis=-1), values)
    mixed = jnp.einsum("...htd,hdm->...tm", heads, output_weights)
    if residual:
        result = x + mixed
    else:
        result = mixed
    return result


def cross_attention(
    x: Float[Array, "*b t m"],
    memory: Float[Array, "*b s m"],
    query_weights: Float[Array, "m d"],
    key_weights: Float[Array, "m d"],
    *,
    similarity: Literal["dot", "cosine", "distance"],
) -> Float[Array, "*b t m"]:
    """the memory averaged by its similarity to the sequence"""
    queries = x @ query_weights
    keys = memory @ key_weights
    if similarity == "dot":
        scores = jnp.einsum("...td,...sd->...ts", queries, keys)
    elif similarity == "cosine":
        scores = 8 * jnp.einsum(
            "...td,...sd->...ts",
            queries / (jnp.linalg.norm(queries, axis=-1, keepdims=True) + 1e-3),
            keys / (jnp.linalg.norm(keys, axis=-1, keepdims=True) + 1e-3),
        )
    else:
        scores = -jnp.sum(jnp.square(queries[..., :, None, :] - keys[..., None, :, :]), axis=-1)
    weights = jax.nn.softmax(scores, axis=-1)
    return jnp.einsum("...ts,...sm->...tm", weights, memory)


def grouped_query_attention(
    queries: Float[Array, "t g r d"],
    keys: Float[Array, "s g d"],
    values: Float[Array, "s g d"],
    *,
    normalised: Literal["softmax", "sigmoid", "relu"],
) -> Float[Array, "t g r d"]:
    """the attention in which each group of query heads shares one key and value head"""
    scores = jnp.einsum("tgrd,sgd->grts", queries, keys) * keys.shape[-1] ** -0.5
    if normalised == "softmax":
        weights = jax.nn.softmax(scores, axis=-1)
    elif normalised == "sigmoid":
        weights = jax.nn.sigmoid(scores)
    else:
        weights = jnp.square(jax.nn.relu(scores)) / keys.shape[0]
    return jnp.einsum("grts,sgd->tgrd", weights, values)


def additive_attention(
    query: Float[Array, "*b d"],
    keys: Float[Array, "*b k d"],
    query_weights: Float[Array, "d h"],
    key_weights: Float[Array, "d h"],
    readout: Float[Array, "h"],
) -> tuple[Float[Array, "*b d"], Float[Array, "*b k"]]:
    """the additive attention of one query, and its weights"""
    hidden = jnp.tanh((query @ query_weights)[..., None, :] + keys @ key_weights)
    scores = hidden @ readout
    shifted = jnp.exp(scores - jnp.max(scores, axis=-1, keepdims=True))
    weights = shifted / jnp.sum(shifted, axis=-1, keepdims=True)
    return jnp.sum(weights[..., None] * keys, axis=-2), weights


def linear_attention(
    queries: Float[Array, "t d"],
    keys: Float[Array, "t d"],
    values: Float[Array, "t v"],
    *,
    feature: Literal["elu", "relu", "exp"],
    causal: Literal["scan", "cumsum", "none"],
) -> Float[Array, "t v"]:
    """the linear attention with positive feature maps"""
    if feature == "elu":
        query_features, key_features = jax.nn.elu(queries) + 1, jax.nn.elu(keys) + 1
    elif feature == "relu":
        query_features, key_features = jax.nn.relu(queries) + 0.1, jax.nn.relu(keys) + 0.1
    else:
        query_features, key_features = jnp.exp(queries), jnp.exp(keys)
    if causal == "scan":

        def advance(memory, row):
            query, key, value = row
            numerator = memory[0] + key[:, None] * value
            denominator = memory[1] + key
            return (numerator, denominator), query @ numerator / (query @ denominator)

        start = (jnp.zeros((keys.shape[1], values.shape[1]), keys.dtype), jnp.zeros_like(keys[0]))
        _, result = lax.scan(advance, start, (query_features, key_features, values))
    elif causal == "cumsum":
        numerators = jnp.cumsum(key_features[:, :, None] * values[:, None, :], axis=0)
        denominators = jnp.sum(query_features * jnp.cumsum(key_features, axis=0), axis=-1)
        result = jnp.einsum("td,tdv->tv", query_features, numerators) / denominators[:, None]
    else:
        numerators = query_features @ (key_features.T @ values)
        result = numerators / (query_features @ jnp.sum(key_features, axis=0))[:, None]
    return result


def positional_encoding(
    x: Float[Array, "*b t 2*n"],
    *,
    layout: Literal["halves", "interleaved"],
    strength: Annotated[float, Uniform(0.1, 1.0)],
) -> Float[Array, "*b t 2*n"]:
    """the sequence plus its sinusoidal position code"""
    angles = _angles(x.shape[-2], x.shape[-1] // 2, x.dtype)
    if layout == "halves":
        code = jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], axis=-1)
    else:
        code = jnp.stack([jnp.sin(angles), jnp.cos(angles)], axis=-1).reshape(x.shape[-2:])
    return x + strength * code


def rotary_embedding(
    x: Float[Array, "*b t 2*n"], *, layout: Literal["halves", "interleaved"]
) -> Float[Array, "*b t 2*n"]:
    """the sequence with its feature pairs rotated by their position"""
    angles = _angles(x.shape[-2], x.shape[-1] // 2, x.dtype)
    sine, cosine = jnp.sin(angles), jnp.cos(angles)
    if layout == "halves":
        first, second = jnp.split(x, 2, axis=-1)
        rotated = jnp.concatenate([first * cosine - second * sine, second * cosine + first * sine], axis=-1)
    else:
        first, second = x[..., 0::2], x[..., 1::2]
        rotated = jnp.stack([first * cosine - second * sine, second * cosine + first * sine], axis=-1).reshape(x.shape)
    return rotated


def relative_bias_attention(
    values: Float[Array, "*b t d"],
    bias_table: Float[Array, "2*t-1"],
    *,
    kernel: Literal["softmax", "exponential decay"],
) -> Float[Array, "*b t d"]:
    """the values mixed by a learned bias of the relative position"""
    length = values.shape[-2]
    offsets = jnp.arange(length)[:, None] - jnp.arange(length)[None, :]
    bias = bias_table[offsets + length - 1]
    if kernel == "softmax":
        weights = jax.nn.softmax(bias, axis=-1)
    else:
        weights = jnp.where(offsets >= 0, jnp.exp(-jnp.abs(bias) * offsets.astype(values.dtype)), 0)
    return weights @ values
