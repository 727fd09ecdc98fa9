"""Classical machine learning: clustering, kernels, regression and data augmentation."""

from collections.abc import Callable
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Float32, Int

from jaxir import Uniform


def _squared_distances(left, right):
    return jnp.sum(jnp.square(left[..., :, None, :] - right[..., None, :, :]), axis=-1)


def pairwise_distances(
    left: Float[Array, "*b m d"],
    right: Float[Array, "*b n d"],
    *,
    metric: Literal["euclidean", "expanded", "manhattan", "chebyshev", "cosine"],
) -> Float[Array, "*b m n"]:
    """the distances between two sets of points"""
    if metric == "euclidean":
        distances = jnp.sqrt(_squared_distances(left, right) + 1e-3)
    elif metric == "expanded":
        squares = jnp.sum(left**2, axis=-1)[..., :, None] + jnp.sum(right**2, axis=-1)[..., None, :]
        distances = jnp.maximum(squares - 2 * left @ jnp.swapaxes(right, -1, -2), 0)
    elif metric == "manhattan":
        distances = jnp.sum(jnp.abs(left[..., :, None, :] - right[..., None, :, :]), axis=-1)
    elif metric == "chebyshev":
        distances = jnp.max(jnp.abs(left[..., :, None, :] - right[..., None, :, :]), axis=-1)
    else:
        lengths = jnp.linalg.norm(left, axis=-1)[..., :, None] * jnp.linalg.norm(right, axis=-1)[..., None, :]
        distances = 1 - left @ jnp.swapaxes(right, -1, -2) / (lengths + 1e-3)
    return distances


def kernel_matrix(
    left: Float[Array, "m d"],
    right: Float[Array, "n d"],
    *,
    kernel: Literal["gaussian", "laplace", "polynomial", "matern", "rational", "periodic"],
    scale: Annotated[float, Uniform(0.5, 2.0)],
) -> Float[Array, "m n"]:
    """the kernel matrix between two sets of points"""
    if kernel == "polynomial":
        matrix = (left @ right.T / left.shape[1] + scale) ** 2
    else:
        squares = _squared_distances(left, right) / scale
        if kernel == "gaussian":
            matrix = jnp.exp(-0.5 * squares)
        elif kernel == "rational":
            matrix = 1 / (1 + 0.5 * squares)
        else:
            distances = jnp.sqrt(squares + 1e-3)
            if kernel == "laplace":
                matrix = jnp.exp(-distances)
            elif kernel == "matern":
                matrix = (1 + 1.732 * distances) * jnp.exp(-1.732 * distances)
            else:
                matrix = jnp.exp(-2 * jnp.square(jnp.sin(jnp.pi * distances)))
    return matrix


def gram_of(
    points: Float[Array, "m d"],
    *,
    kernel: Callable[[Float[Array, "d"], Float[Array, "d"]], Float[Array, ""]],
    centred: Literal[False, True],
) -> Float[Array, "m m"]:
    """the matrix of `kernel` between all pairs of points"""
    gram = jax.vmap(lambda left: jax.vmap(lambda right: kernel(left, right))(points))(points)
    if centred:
        rows = gram - jnp.mean(gram, axis=0)
        result = rows - jnp.mean(rows, axis=1, keepdims=True)
    else:
        result = gram
    return result


def gaussian_process_mean(
    inputs: Float[Array, "m d"],
    targets: Float[Array, "m"],
    queries: Float[Array, "n d"],
    *,
    noise: Annotated[float, Uniform(0.2, 1.0)],
    steps: Literal[2, 4, 8],
    kernel: Literal["gaussian", "rational", "laplace"],
) -> Float[Array, "n"]:
    """the posterior mean of a Gaussian process by `steps` conjugate gradient steps"""
    if kernel == "gaussian":

        def covariance(left, right):
            return jnp.exp(-0.5 * _squared_distances(left, right))

    elif kernel == "rational":

        def covariance(left, right):
            return 1 / (1 + _squared_distances(left, right))

    else:

        def covariance(left, right):
            return jnp.exp(-jnp.sqrt(_squared_distances(left, right) + 1e-3))

    gram = covariance(inputs, inputs)

    def improve(_, carry):
        weights, residual, direction = carry
        image = gram @ direction + noise * direction
        energy = residual @ residual
        length = energy / (direction @ image + 1e-3)
        remainder = residual - length * image
        turned = remainder + remainder @ remainder / (energy + 1e-3) * direction
        return weights + length * direction, remainder, turned

    weights = lax.fori_loop(0, steps, improve, (jnp.zeros_like(targets), targets, targets))[0]
    return covariance(queries, inputs) @ weights


def gaussian_process_posterior(
    inputs: Float32[Array, "m d"],
    targets: Float32[Array, "m"],
    queries: Float32[Array, "n d"],
    *,
    noise: Annotated[float, Uniform(0.2, 1.0)],
) -> tuple[Float32[Array, "n"], Float32[Array, "n"]]:
    """the posterior mean and variance of a Gaussian process by a Cholesky factor"""
    gram = jnp.exp(-0.5 * _squared_distances(inputs, inputs)) + noise * jnp.eye(inputs.shape[0])
    cross = jnp.exp(-0.5 * _squared_distances(queries, inputs))
    factor = jnp.linalg.cholesky(gram)
    whitened = lax.linalg.triangular_solve(factor, cross.T, left_side=True, lower=True)
    shifted = lax.linalg.triangular_solve(factor, targets[:, None], left_side=True, lower=True)
    return (whitened.T @ shifted)[:, 0], 1 - jnp.sum(jnp.square(whitened), axis=0)


def k_means_step(
    points: Float[Array, "m d"],
    centres: Float[Array, "k d"],
    *,
    assignment: Literal["hard", "soft", "fuzzy"],
    update: Literal["mean", "half way"],
) -> tuple[Float[Array, "k d"], Float[Array, ""]]:
    """the cluster centres after one k-means step, and the mean squared distance"""
    squares = _squared_distances(points, centres)
    if assignment == "hard":
        shares = jax.nn.one_hot(jnp.argmin(squares, axis=1), centres.shape[0], dtype=points.dtype)
    elif assignment == "soft":
        shares = jax.nn.softmax(-4 * squares, axis=1)
    else:
        closeness = 1 / (squares + 0.1)
        shares = jnp.square(closeness / jnp.sum(closeness, axis=1, keepdims=True))
    counts = jnp.sum(shares, axis=0)[:, None]
    means = shares.T @ points / (counts + 1e-3)
    if update == "mean":
        moved = jnp.where(counts > 0, means, centres)
    else:
        moved = 0.5 * (means + centres)
    return moved, jnp.mean(jnp.min(squares, axis=1))


def nearest_neighbours(
    queries: Float[Array, "m d"],
    points: Float[Array, "n+2 d"],
    targets: Float[Array, "n+2"],
    *,
    weighting: Literal["inverse", "gaussian", "triangular"],
) -> Float[Array, "m"]:
    """the regression by the two nearest neighbours of each query"""
    closeness, nearest = lax.top_k(-_squared_distances(queries, points), 2)
    if weighting == "inverse":
        weights = 1 / (0.1 - closeness)
        predictions = jnp.sum(weights * targets[nearest], axis=-1) / jnp.sum(weights, axis=-1)
    elif weighting == "gaussian":
        weights = jax.nn.softmax(closeness, axis=-1)
        predictions = jnp.einsum("mk,mk->m", weights, targets[nearest])
    else:
        weights = jnp.maximum(1 + 0.25 * closeness, 0)
        predictions = jnp.vecdot(weights, targets[nearest]) / (jnp.sum(weights, axis=-1) + 1e-2)
    return predictions


def logistic_regression_step(
    features: Float[Array, "m n"],
    labels: Int[Array, "m"],
    weights: Float[Array, "n"],
    bias: Float[Array, ""],
    *,
    gradient: Literal["closed form", "automatic"],
    learning_rate: Annotated[float, Uniform(0.05, 0.5)],
) -> tuple[Float[Array, "n"], Float[Array, ""]]:
    """the weights and bias of a logistic regression after one gradient step"""
    targets = (labels % 2).astype(features.dtype)
    if gradient == "closed form":
        errors = jax.nn.sigmoid(features @ weights + bias) - targets
        weight_grad, bias_grad = errors @ features / features.shape[0], jnp.mean(errors)
    else:

        def loss(slope, offset):
            logits = features @ slope + offset
            return jnp.mean(jnp.logaddexp(logits, 0) - targets * logits)

        weight_grad, bias_grad = jax.grad(loss, argnums=(0, 1))(weights, bias)
    return weights - learning_rate * weight_grad, bias - learning_rate * bias_grad


def train_linear_model(
    features: Float[Array, "m n"],
    targets: Float[Array, "m"],
    weights: Float[Array, "n"],
    *,
    link: Callable[[Float[Array, "m"]], Float[Array, "m"]],
    learning_rate: Annotated[float, Uniform(0.01, 0.2)],
    steps: Literal[1, 2, 4],
) -> tuple[Float[Array, "n"], Float[Array, ""]]:
    """the weights of a linear model behind the link `link` after gradient steps, and the loss"""

    def loss(guess):
        return jnp.mean(jnp.square(link(features @ guess) - targets))

    def descend(_, guess):
        return guess - learning_rate * jax.grad(loss)(guess)

    trained = lax.fori_loop(0, steps, descend, weights)
    return trained, loss(trained)


def perceptron_epoch(
    features: Float[Array, "m n"],
    labels: Int[Array, "m"],
    weights: Float[Array, "n"],
    *,
    rule: Literal["perceptron", "passive aggressive", "widrow-hoff"],
) -> Float[Array, "n"]:
    """the weights of an online linear classifier after one pass over the samples"""
    signs = (2 * (labels % 2)).astype(features.dtype) - 1

    def learn(current, sample):
        row, sign = sample
        score = row @ current
        if rule == "perceptron":
            size = jnp.where(sign * score <= 0, sign, 0)
        elif rule == "passive aggressive":
            size = sign * jnp.maximum(1 - sign * score, 0) / (row @ row + 0.1)
        else:
            size = 0.1 * (sign - score)
        return current + size * row, None

    return lax.scan(learn, weights, (features, signs))[0]


def mixup(
    samples: Float[Array, "b *s"],
    labels: Float[Array, "b k"],
    fraction: Float[Array, ""],
    *,
    partner: Literal["reversed", "rolled"],
) -> tuple[Float[Array, "b *s"], Float[Array, "b k"]]:
    """the samples and the labels mixed with those of a partner"""
    share = jnp.clip(fraction, 0, 1)
    if partner == "reversed":
        mixed = share * samples + (1 - share) * samples[::-1]
        mixed_labels = share * labels + (1 - share) * labels[::-1]
    else:
        mixed = share * samples + (1 - share) * jnp.roll(samples, 1, axis=0)
        mixed_labels = share * labels + (1 - share) * jnp.roll(labels, 1, axis=0)
    return mixed, mixed_labels


def whiten(
    samples: Float[Array, "m *s"], *, scaling: Literal["standard", "range", "robust", "rank"]
) -> Float[Array, "m *s"]:
    """the samples scaled feature by feature"""
    if scaling == "standard":
        centred = samples - jnp.mean(samples, axis=0)
        scaled = centred / (jnp.std(samples, axis=0) + 1e-2)
    elif scaling == "range":
        low = jnp.min(samples, axis=0)
        scaled = (samples - low) / (jnp.max(samples, axis=0) - low + 1e-2)
    elif scaling == "robust":
        centre = jnp.median(samples, axis=0)
        scaled = (samples - centre) / (jnp.median(jnp.abs(samples - centre), axis=0) + 1e-2)
    else:
        below = jnp.sum(samples[None] < samples[:, None], axis=1)
        scaled = below.astype(samples.dtype) / samples.shape[0] + 0.1 * samples
    return scaled


def factorisation_step(
    matrix: Float[Array, "m n"],
    left: Float[Array, "m k"],
    right: Float[Array, "k n"],
    *,
    rule: Literal["multiplicative", "gradient", "automatic"],
    penalty: Literal["none", "ridge"],
) -> tuple[Float[Array, "m k"], Float[Array, "k n"]]:
    """both factors of a matrix factorisation after one update"""
    if rule == "multiplicative":
        rows, columns, entries = jnp.abs(left) + 1e-2, jnp.abs(right) + 1e-2, jnp.abs(matrix)
        new_left = rows * (entries @ columns.T) / (rows @ columns @ columns.T + 1e-2)
        new_right = columns * (new_left.T @ entries) / (new_left.T @ new_left @ columns + 1e-2)
    elif rule == "gradient":
        errors = left @ right - matrix
        new_left = left - 0.1 * errors @ right.T
        new_right = right - 0.1 * left.T @ errors
    else:

        def loss(rows, columns):
            return jnp.mean(jnp.logaddexp(jnp.square(rows @ columns - matrix), 0))

        left_grads, right_grads = jax.grad(loss, argnums=(0, 1))(left, right)
        new_left, new_right = left - left_grads, right - right_grads
    if penalty == "none":
        factors = (new_left, new_right)
    else:
        factors = (new_left - 0.01 * left, new_right - 0.01 * right)
    return factors
