"""Losses, divergences and similarities."""

from collections.abc import Callable
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from jaxir import Uniform


def _unit(vectors):
    return vectors * lax.rsqrt(jnp.sum(jnp.square(vectors), axis=-1, keepdims=True) + 1e-3)


def _squared_distance(left, right):
    return jnp.sum(jnp.square(left - right), axis=-1)


def mse(
    predictions: Float[Array, "*s"],
    targets: Float[Array, "*s"],
    *,
    reduction: Literal["mean", "sum", "half", "dot", "root"],
) -> Float[Array, ""]:
    """the squared error of the predictions, reduced to one number"""
    residuals = predictions - targets
    if reduction == "mean":
        loss = jnp.mean(jnp.square(residuals))
    elif reduction == "sum":
        loss = jnp.sum(residuals**2)
    elif reduction == "half":
        loss = 0.5 * jnp.mean(residuals * residuals)
    elif reduction == "dot":
        loss = jnp.vdot(residuals, residuals) / residuals.size
    else:
        loss = jnp.sqrt(jnp.mean(jnp.square(residuals)))
    return loss


def weighted_loss(
    predictions: Float[Array, "*s"],
    targets: Float[Array, "*s"],
    weights: Float[Array, "*s"],
    *,
    penalty: Callable[[Float[Array, "*s"]], Float[Array, "*s"]],
) -> Float[Array, ""]:
    """the weighted mean of `penalty` of the residuals"""
    mass = jnp.abs(weights)
    return jnp.sum(mass * penalty(predictions - targets)) / (jnp.sum(mass) + 1e-3)


def cross_entropy(
    logits: Float[Array, "*b n"],
    labels: Int[Array, "*b"],
    *,
    pick: Literal["one hot", "take along axis", "where"],
    reduction: Literal["mean", "sum"],
) -> Float[Array, ""]:
    """the cross-entropy of the logits with integer labels"""
    classes = labels.astype(jnp.int32) % logits.shape[-1]
    if pick == "one hot":
        one_hot = jax.nn.one_hot(classes, logits.shape[-1], dtype=logits.dtype)
        chosen = jnp.sum(jax.nn.log_softmax(logits, axis=-1) * one_hot, axis=-1)
    elif pick == "take along axis":
        picked = jnp.take_along_axis(logits, classes[..., None], axis=-1)
        chosen = picked[..., 0] - jax.nn.logsumexp(logits, axis=-1)
    else:
        matches = classes[..., None] == jnp.arange(logits.shape[-1])
        shifted = logits - jnp.max(logits, axis=-1, keepdims=True)
        chosen = jnp.sum(jnp.where(matches, shifted, 0), axis=-1) - jnp.log(jnp.sum(jnp.exp(shifted), axis=-1))
    return -getattr(jnp, reduction)(chosen)


def soft_cross_entropy(
    logits: Float[Array, "*b n"],
    targets: Float[Array, "*b n"],
    *,
    smoothing: Annotated[float, Uniform(0.01, 0.3)],
    normalise: Literal["sum", "softmax", "none"],
) -> Float[Array, "*b"]:
    """the cross-entropy of the logits with smoothed target distributions"""
    if normalise == "sum":
        distribution = targets / (jnp.sum(targets, axis=-1, keepdims=True) + 1e-3)
    elif normalise == "softmax":
        distribution = jax.nn.softmax(targets, axis=-1)
    else:
        distribution = targets
    smoothed = (1 - smoothing) * distribution + smoothing / logits.shape[-1]
    shifted = logits - jnp.max(logits, axis=-1, keepdims=True)
    log_probabilities = shifted - jnp.log(jnp.sum(jnp.exp(shifted), axis=-1, keepdims=True))
    return -jnp.sum(smoothed * log_probabilities, axis=-1)


def binary_cross_entropy(
    logits: Float[Array, "*b n"],
    labels: Float[Array, "*b n"],
    positive_weights: Float[Array, "n"],
    *,
    form: Literal["stable", "log sigmoid", "softplus"],
) -> Float[Array, "*b"]:
    """the binary cross-entropy of independent logits, with weights for the positives"""
    if form == "stable":
        negative = jnp.maximum(logits, 0) + jnp.log1p(jnp.exp(-jnp.abs(logits)))
        loss = (1 - labels) * negative + positive_weights * labels * (negative - logits)
    elif form == "log sigmoid":
        negative = -jax.nn.log_sigmoid(-logits)
        loss = (1 - labels) * negative - positive_weights * labels * jax.nn.log_sigmoid(logits)
    else:
        negative = jnp.logaddexp(logits, 0)
        loss = negative - labels * logits + (positive_weights - 1) * labels * (negative - logits)
    return jnp.mean(loss, axis=-1)


def kl_divergence(
    p_logits: Float[Array, "*b n"],
    q_logits: Float[Array, "*b n"],
    *,
    kind: Literal[
        "forward Kullback-Leibler", "reverse Kullback-Leibler", "symmetric Kullback-Leibler", "Jensen-Shannon"
    ],
) -> Float[Array, "*b"]:
    """the `kind` divergence of two categorical distributions"""
    log_p = jax.nn.log_softmax(p_logits, axis=-1)
    log_q = jax.nn.log_softmax(q_logits, axis=-1)
    if kind == "forward Kullback-Leibler":
        divergence = jnp.sum(jnp.exp(log_p) * (log_p - log_q), axis=-1)
    elif kind == "reverse Kullback-Leibler":
        divergence = jnp.sum(jnp.exp(log_q) * (log_q - log_p), axis=-1)
    elif kind == "symmetric Kullback-Leibler":
        divergence = jnp.sum((jnp.exp(log_p) - jnp.exp(log_q)) * (log_p - log_q), axis=-1)
    else:
        log_mean = jnp.logaddexp(log_p, log_q) - 0.6931471805599453
        divergence = 0.5 * jnp.sum(jnp.exp(log_p) * (log_p - log_mean) + jnp.exp(log_q) * (log_q - log_mean), axis=-1)
    return divergence


def huber(
    predictions: Float[Array, "*b n"],
    targets: Float[Array, "*b n"],
    *,
    delta: Annotated[float, Uniform(0.1, 1.0)],
    form: Literal["where", "clip", "pseudo"],
) -> Float[Array, "*b"]:
    """the mean of a Huber loss over each prediction vector"""
    errors = predictions - targets
    if form == "where":
        size = jnp.abs(errors)
        loss = jnp.where(size <= delta, 0.5 * errors**2, delta * (size - 0.5 * delta))
    elif form == "clip":
        size = jnp.abs(errors)
        inner = jnp.minimum(size, delta)
        loss = 0.5 * inner**2 + delta * (size - inner)
    else:
        loss = delta**2 * (jnp.sqrt(1 + jnp.square(errors / delta)) - 1)
    return jnp.mean(loss, axis=-1)


def hinge(
    scores: Float[Array, "*b"],
    labels: Int[Array, "*b"],
    *,
    margin: Annotated[float, Uniform(0.5, 1.5)],
    penalty: Literal["linear", "squared", "smooth"],
    reduction: Literal["mean", "sum", "max"],
) -> Float[Array, ""]:
    """the hinge loss of the scores for odd and even labels"""
    signs = jnp.where(labels % 2 == 1, 1, -1).astype(scores.dtype)
    shortfall = margin - signs * scores
    if penalty == "linear":
        loss = jnp.maximum(shortfall, 0)
    elif penalty == "squared":
        loss = jnp.square(jnp.maximum(shortfall, 0))
    else:
        loss = jnp.logaddexp(shortfall, 0)
    return getattr(jnp, reduction)(loss)


def focal_loss(
    logits: Float[Array, "*b n"],
    targets: Float[Array, "*b n"],
    *,
    focus: Literal[1, 2, 3],
    balance: Literal["none", "alpha"],
) -> Float[Array, "*b"]:
    """the focal loss of binary logits"""
    probability = jax.nn.sigmoid(logits)
    likelihood = probability * targets + (1 - probability) * (1 - targets)
    surprise = -jnp.log(jnp.clip(likelihood, 1e-3, 1)) * jnp.abs(1 - likelihood) ** focus
    if balance == "none":
        weighted = surprise
    else:
        weighted = surprise * (0.25 * targets + 0.75 * (1 - targets))
    return jnp.sum(weighted, axis=-1)


def info_nce(
    anchors: Float[Array, "b n"],
    positives: Float[Array, "b n"],
    *,
    temperature: Annotated[float, Uniform(0.1, 1.0)],
    symmetric: Literal[False, True],
    similarity: Literal["cosine", "dot"],
) -> Float[Array, ""]:
    """the contrastive loss of matching rows against all others"""
    if similarity == "cosine":
        scores = _unit(anchors) @ _unit(positives).T / temperature
    else:
        scores = anchors @ positives.T / (temperature * anchors.shape[1])
    forward = jax.nn.logsumexp(scores, axis=1)
    if symmetric:
        partition = 0.5 * (forward + jax.nn.logsumexp(scores, axis=0))
    else:
        partition = forward
    return jnp.mean(partition - jnp.diagonal(scores))


def triplet_loss(
    anchors: Float[Array, "*b n"],
    positives: Float[Array, "*b n"],
    negatives: Float[Array, "*b n"],
    *,
    margin: Annotated[float, Uniform(0.2, 1.0)],
    distance: Literal["squared", "euclidean", "cosine"],
) -> Float[Array, "*b"]:
    """the triplet loss that pulls positives nearer than negatives"""
    if distance == "squared":
        near, far = _squared_distance(anchors, positives), _squared_distance(anchors, negatives)
    elif distance == "euclidean":
        near = jnp.sqrt(_squared_distance(anchors, positives) + 1e-3)
        far = jnp.sqrt(_squared_distance(anchors, negatives) + 1e-3)
    else:
        near = 1 - jnp.sum(_unit(anchors) * _unit(positives), axis=-1)
        far = 1 - jnp.sum(_unit(anchors) * _unit(negatives), axis=-1)
    return jnp.maximum(near - far + margin, 0)


def quantile_loss(
    predictions: Float[Array, "*b q"],
    targets: Float[Array, "*b"],
    levels: Float[Array, "q"],
    *,
    form: Literal["maximum", "where", "smooth"],
) -> Float[Array, "*b"]:
    """the pinball loss of predicted quantiles"""
    errors = targets[..., None] - predictions
    if form == "maximum":
        loss = jnp.maximum(levels * errors, (levels - 1) * errors)
    elif form == "where":
        loss = errors * jnp.where(errors >= 0, levels, levels - 1)
    else:
        loss = levels * errors + 0.1 * jnp.logaddexp(0, -10 * errors)
    return jnp.mean(loss, axis=-1)


def gaussian_nll(
    mean: Float[Array, "*s"],
    log_variance: Float[Array, "*s"],
    targets: Float[Array, "*s"],
    *,
    likelihood: Literal["gaussian", "laplace", "student"],
) -> Float[Array, ""]:
    """the negative log-likelihood of the targets under predicted location and scale"""
    residuals = targets - mean
    if likelihood == "gaussian":
        loss = 0.5 * (log_variance + jnp.square(residuals) * jnp.exp(-log_variance))
    elif likelihood == "laplace":
        loss = 0.5 * log_variance + jnp.abs(residuals) * jnp.exp(-0.5 * log_variance)
    else:
        loss = 0.5 * log_variance + 2 * jnp.log1p(jnp.square(residuals) * jnp.exp(-log_variance) / 3)
    return jnp.mean(loss)


def overlap_loss(
    probabilities: Float[Array, "*b n"],
    mask: Float[Array, "*b n"],
    *,
    measure: Literal["dice", "jaccard", "tversky"],
) -> Float[Array, "*b"]:
    """one minus the overlap of predicted and true segmentation masks"""
    shared = jnp.sum(probabilities * mask, axis=-1)
    predicted = jnp.sum(probabilities, axis=-1)
    actual = jnp.sum(mask, axis=-1)
    if measure == "dice":
        overlap = (2 * shared + 1) / (predicted + actual + 1)
    elif measure == "jaccard":
        overlap = (shared + 1) / (predicted + actual - shared + 1)
    else:
        overlap = (shared + 1) / (0.3 * predicted + 0.7 * actual + 1)
    return 1 - overlap


def cosine_similarity(
    left: Float[Array, "*b n"],
    right: Float[Array, "*b n"],
    *,
    form: Literal["cosine by norms", "cosine by unit vectors", "angle"],
) -> Float[Array, "*b"]:
    """the `form` of `left` and `right`"""
    if form == "cosine by norms":
        lengths = jnp.linalg.norm(left, axis=-1) * jnp.linalg.norm(right, axis=-1)
        similarity = jnp.sum(left * right, axis=-1) / (lengths + 1e-3)
    elif form == "cosine by unit vectors":
        similarity = jnp.einsum("...n,...n->...", _unit(left), _unit(right))
    else:
        cosines = jnp.sum(_unit(left) * _unit(right), axis=-1)
        similarity = jnp.arccos(jnp.clip(cosines, -0.99, 0.99))
    return similarity


def total_variation(
    image: Float[Array, "*b h+1 w+1"], *, norm: Literal["anisotropic", "squared", "charbonnier"]
) -> Float[Array, "*b"]:
    """the total variation of an image"""
    down = image[..., 1:, :-1] - image[..., :-1, :-1]
    across = image[..., :-1, 1:] - image[..., :-1, :-1]
    if norm == "anisotropic":
        variation = jnp.abs(down) + jnp.abs(across)
    elif norm == "squared":
        variation = down**2 + across**2
    else:
        variation = jnp.sqrt(down**2 + across**2 + 1e-2)
    return jnp.mean(variation, axis=(-2, -1))
