"""Products of vectors, matrices and tensors."""

from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Inexact, Num, Shaped


def dot(x: Num[Array, "*b n"], y: Num[Array, "n"]) -> Num[Array, "*b"]:
    """the dot product of each row of `x` with `y`"""
    return jnp.dot(x, y)


def matmul(a: Num[Array, "*b m k"], b: Num[Array, "*b k n"]) -> Num[Array, "*b m n"]:
    """the matrix product of `a` and `b`"""
    return jnp.matmul(a, b)


def vector_dot(x: Num[Array, "*b n"], y: Num[Array, "*b n"]) -> Num[Array, "*b"]:
    """the inner product of matching rows, with `x` conjugated"""
    return jnp.vecdot(x, y)


def outer_product(x: Shaped[Array, "*b m"], y: Shaped[Array, "*b n"]) -> Shaped[Array, "*b m n"]:
    """the outer product of matching rows"""
    return x[..., :, None] * y[..., None, :]


def rank_one_update(
    a: Num[Array, "*b m n"], x: Num[Array, "*b m"], y: Num[Array, "*b n"], *, sign: Literal["plus", "minus"]
) -> Num[Array, "*b m n"]:
    """`a` `sign` the outer product of `x` and `y`"""
    outer = jnp.einsum("...i,...j->...ij", x, y)
    if sign == "plus":
        result = a + outer
    else:
        result = a - outer
    return result


def kronecker(
    a: Num[Array, "m m"], b: Num[Array, "n n"], *, combine: Literal["product", "sum"]
) -> Num[Array, "m*n m*n"]:
    """the Kronecker `combine` of two square matrices"""
    if combine == "product":
        result = jnp.kron(a, b)
    else:
        left = jnp.kron(a, jnp.eye(b.shape[0], dtype=b.dtype))
        right = jnp.kron(jnp.eye(a.shape[0], dtype=a.dtype), b)
        result = left + right
    return result


def block_matrix(
    a: Shaped[Array, "*b m k"], b: Shaped[Array, "*b n l"], *, diagonal: Literal["main", "anti"]
) -> Shaped[Array, "*b m+n k+l"]:
    """the matrix with the blocks `a` and `b` on its `diagonal` diagonal and zeros elsewhere"""
    upper_gap = jnp.zeros((*a.shape[:-1], b.shape[-1]), a.dtype)
    lower_gap = jnp.zeros((*b.shape[:-1], a.shape[-1]), b.dtype)
    if diagonal == "main":
        rows = [jnp.concatenate([a, upper_gap], axis=-1), jnp.concatenate([lower_gap, b], axis=-1)]
    else:
        rows = [jnp.concatenate([upper_gap, a], axis=-1), jnp.concatenate([b, lower_gap], axis=-1)]
    return jnp.concatenate(rows, axis=-2)


def square_einsum(
    a: Shaped[Array, "n n"],
    b: Shaped[Array, "n n"],
    *,
    equation: Literal["ij,jk->ik", "ij,kj->ik", "ji,jk->ik", "ij,ij->ij", "ij,ji->ij", "ij,jk->ki", "ii,ij->ij"],
) -> Shaped[Array, "n n"]:
    """an Einstein sum of two square matrices"""
    return jnp.einsum(equation, a, b)


def reduced_einsum(
    a: Num[Array, "n n"],
    x: Num[Array, "n"],
    *,
    equation: Literal["ij,j->i", "ij,i->j", "ii,i->i", "ij,i->i", "ij,j->j", "ii,j->j"],
) -> Num[Array, "n"]:
    """an Einstein sum of a square matrix and a vector"""
    return jnp.einsum(equation, a, x)


def triple_einsum(
    x: Inexact[Array, "b i"],
    w: Inexact[Array, "i j"],
    y: Inexact[Array, "b j"],
    *,
    equation: Literal["bi,ij,bj->b", "bi,ij,bj->bi"],
) -> Inexact[Array, "b"]:
    """the bilinear form of matching rows of `x` and `y`"""
    form = jnp.einsum(equation, x, w, y)
    return jnp.sum(form.reshape(x.shape[0], -1), axis=-1)


def tensor_contract(a: Num[Array, "*b k l"], b: Num[Array, "k l n"]) -> Num[Array, "*b n"]:
    """the contraction of the last two axes of `a` with the first two of `b`"""
    return jnp.tensordot(a, b, axes=2)


def matrix_chain(
    a: Shaped[Array, "*b m k"], b: Shaped[Array, "k l"], c: Shaped[Array, "l n"], *, order: Literal["left", "right"]
) -> Shaped[Array, "*b m n"]:
    """the product of three matrices, associated from the `order`"""
    if order == "left":
        result = (a @ b) @ c
    else:
        result = a @ (b @ c)
    return result
