"""Eigenvectors, orthogonal bases, factors and inverses, by short loops."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from jaxir import Uniform


def dominant_eigenpair(
    matrix: Float[Array, "n n"],
    start: Float[Array, "n"],
    *,
    steps: Literal[2, 4, 8],
    normaliser: Literal["euclidean", "largest", "sum"],
    symmetric: Literal[False, True],
) -> tuple[Float[Array, ""], Float[Array, "n"]]:
    """the dominant eigenvalue and eigenvector by `steps` power iterations"""
    if symmetric:
        operator = 0.5 * (matrix + matrix.T)
    else:
        operator = matrix
    if normaliser == "euclidean":

        def multiply(_, vector):
            image = operator @ vector
            return image / (jnp.linalg.norm(image) + 1e-3)

    elif normaliser == "largest":

        def multiply(_, vector):
            image = operator @ vector
            return image / (jnp.max(jnp.abs(image)) + 1e-3)

    else:

        def multiply(_, vector):
            image = operator @ vector
            return image / (jnp.sum(jnp.abs(image)) + 1e-3)

    eigenvector = lax.fori_loop(0, steps, multiply, start)
    eigenvalue = eigenvector @ operator @ eigenvector / (eigenvector @ eigenvector + 1e-3)
    return eigenvalue, eigenvector


def principal_component(
    samples: Float[Array, "m n"],
    start: Float[Array, "n"],
    *,
    steps: Literal[2, 4, 8],
    scaling: Literal["centred", "standardised"],
) -> tuple[Float[Array, "n"], Float[Array, "m"]]:
    """the first principal component of the samples by `steps` power iterations, and their scores"""
    centred = samples - jnp.mean(samples, axis=0)
    if scaling == "centred":
        data = centred
    else:
        data = centred / (jnp.std(samples, axis=0) + 1e-2)

    def multiply(_, direction):
        image = (data @ direction) @ data
        return image / (jnp.linalg.norm(image) + 1e-3)

    component = lax.fori_loop(0, steps, multiply, start)
    return component, data @ component


def gram_schmidt(
    vectors: Float[Array, "k n"], *, sweep: Literal["classical", "modified", "twice"]
) -> Float[Array, "k n"]:
    """orthonormal vectors by Gram-Schmidt"""
    order = jnp.arange(vectors.shape[0])[:, None]
    if sweep == "classical":

        def orthogonalise(index, basis):
            earlier = jnp.where(order < index, basis, 0)
            rest = basis[index] - (earlier @ basis[index]) @ earlier
            return basis.at[index].set(rest / (jnp.linalg.norm(rest) + 1e-3))

    elif sweep == "modified":

        def orthogonalise(index, basis):
            pivot = basis[index] / (jnp.linalg.norm(basis[index]) + 1e-3)
            shadows = jnp.where(order > index, jnp.outer(basis @ pivot, pivot), 0)
            return (basis - shadows).at[index].set(pivot)

    else:

        def orthogonalise(index, basis):
            earlier = jnp.where(order < index, basis, 0)
            once = basis[index] - (earlier @ basis[index]) @ earlier
            rest = once - (earlier @ once) @ earlier
            return basis.at[index].set(rest * lax.rsqrt(rest @ rest + 1e-4))

    return lax.fori_loop(0, vectors.shape[0], orthogonalise, vectors)


def cholesky_by_columns(
    samples: Float[Array, "m n"],
    *,
    ridge: Annotated[float, Uniform(0.2, 1.0)],
    update: Literal["outer", "masked"],
) -> Float[Array, "n n"]:
    """the Cholesky factor of a regularised Gram matrix, column by column"""
    gram = samples.T @ samples / samples.shape[0] + ridge * jnp.eye(samples.shape[1], dtype=samples.dtype)

    def eliminate(index, carry):
        rest, factor = carry
        column = rest[:, index] * lax.rsqrt(jnp.maximum(rest[index, index], 1e-2))
        if update == "outer":
            lower = jnp.where(jnp.arange(gram.shape[0]) >= index, column, 0)
        else:
            lower = column * (jnp.arange(gram.shape[0]) >= index)
        return rest - jnp.outer(lower, lower), factor.at[:, index].set(lower)

    return lax.fori_loop(0, gram.shape[0], eliminate, (gram, jnp.zeros_like(gram)))[1]


def inverse_iteration(
    matrix: Float[Array, "*b n n"], *, steps: Literal[2, 4, 6], start: Literal["transpose", "scaled identity"]
) -> Float[Array, "*b n n"]:
    """an approximate inverse of a shifted matrix by `steps` Newton-Schulz iterations"""
    shifted = matrix + 2 * jnp.eye(matrix.shape[-1], dtype=matrix.dtype)
    if start == "transpose":
        size = jnp.sum(jnp.square(shifted), axis=(-2, -1), keepdims=True)
        guess = jnp.swapaxes(shifted, -1, -2) / size
    else:
        size = jnp.max(jnp.sum(jnp.abs(shifted), axis=-1, keepdims=True), axis=-2, keepdims=True)
        guess = jnp.eye(matrix.shape[-1], dtype=matrix.dtype) / size
    return lax.fori_loop(0, steps, lambda _, inverse: 2 * inverse - inverse @ shifted @ inverse, guess)
