"""Products of arrays: dot_general, einsum, matrix and vector products in all precisions."""

from typing import Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, BFloat16, Float, Float16, Float32, Inexact, Int, Int8, Int32, Num, UInt8


def contract_last_axes(a: Num[Array, "m k"], b: Num[Array, "n k"]) -> Num[Array, "m n"]:
    """the dot products of all rows of `a` with all rows of `b`"""
    return lax.dot_general(a, b, (((1,), (1,)), ((), ())))


def contract_in_batches(a: Num[Array, "b m k"], c: Num[Array, "b k n"]) -> Num[Array, "b m n"]:
    """the products of the matrices `a` and `c`, batch by batch"""
    return lax.dot_general(a, c, dimension_numbers=(((2,), (1,)), ((0,), (0,))))


def contract_transposed(a: Num[Array, "k b m"], c: Num[Array, "b n k"]) -> Num[Array, "b m n"]:
    """the sums of products of `a` and `c` with the batch in the middle of `a`"""
    return lax.dot_general(a, c, (((0,), (2,)), ((1,), (0,))))


def batch_of_dots(a: Num[Array, "b k"], c: Num[Array, "b k"]) -> Num[Array, "b"]:
    """the dot product of each row of `a` with the same row of `c`"""
    return lax.dot_general(a, c, (((1,), (1,)), ((0,), (0,))))


def outer_by_dot_general(a: Num[Array, "m"], b: Num[Array, "n"]) -> Num[Array, "m n"]:
    """the outer product of `a` and `b`"""
    return lax.dot_general(a, b, (((), ()), ((), ())))


def dot_two_precisions(
    a: Float[Array, "m k"],
    b: Float[Array, "k n"],
    *,
    left: Literal["DEFAULT", "HIGH", "HIGHEST"],
    right: Literal["DEFAULT", "HIGHEST"],
) -> Float[Array, "m n"]:
    """the matrix product with precision `left` for `a` and `right` for `b`"""
    precision = (getattr(lax.Precision, left), getattr(lax.Precision, right))
    return lax.dot(a, b, precision=precision)


def wide_product_of_brain_floats(a: BFloat16[Array, "b m k"], c: BFloat16[Array, "b k n"]) -> Float32[Array, "b m n"]:
    """the products of bfloat16 matrices, summed in single precision"""
    return lax.dot_general(a, c, (((2,), (1,)), ((0,), (0,))), preferred_element_type=jnp.float32)


def mixed_sign_product(a: UInt8[Array, "m k"], b: Int8[Array, "k n"]) -> Int32[Array, "m n"]:
    """the matrix product of unsigned and signed bytes in 32 bits"""
    return lax.dot_general(a, b, (((1,), (0,)), ((), ())), preferred_element_type=jnp.int32)


def mixed_type_product(a: BFloat16[Array, "m k"], b: Float32[Array, "k n"]) -> Float32[Array, "m n"]:
    """the matrix product of bfloat16 and single precision numbers"""
    return lax.dot_general(a, b, (((1,), (0,)), ((), ())), preferred_element_type=jnp.float32)


def matrix_and_vector(
    a: Num[Array, "*b m n"], x: Num[Array, "*b n"], *, fn: Literal["matvec", "einsum"]
) -> Num[Array, "*b m"]:
    """the matrices `a` times the vectors `x`"""
    if fn == "matvec":
        product = jnp.matvec(a, x)
    else:
        product = jnp.einsum("...mn,...n->...m", a, x)
    return product


def batched_matrix_product(a: Num[Array, "b m k"], c: Num[Array, "b k n"]) -> Num[Array, "b m n"]:
    """the products of two stacks of matrices"""
    return lax.batch_matmul(a, c)


def vector_and_matrix(
    x: Num[Array, "*b m"], a: Num[Array, "*b m n"], *, fn: Literal["vecmat", "einsum"]
) -> Num[Array, "*b n"]:
    """the conjugate of the vectors `x` times the matrices `a`"""
    if fn == "vecmat":
        product = jnp.vecmat(x, a)
    else:
        product = jnp.einsum("...m,...mn->...n", jnp.conj(x), a)
    return product


def vector_products(
    x: Num[Array, "n"], y: Num[Array, "n"], *, fn: Literal["dot", "vdot", "vecdot", "inner"]
) -> Num[Array, ""]:
    """the `fn` product of `x` and `y`"""
    return getattr(jnp, fn)(x, y)


def lax_dot(x: Num[Array, "m n"], y: Num[Array, "n"]) -> Num[Array, "m"]:
    """the matrix `x` times the vector `y`"""
    return lax.dot(x, y)


def inner_of_rows(a: Num[Array, "m k"], b: Num[Array, "n k"]) -> Num[Array, "m n"]:
    """the inner products of the rows of `a` and `b`"""
    return jnp.inner(a, b)


def outer_or_kron(x: Num[Array, "m"], y: Num[Array, "n"], *, fn: Literal["outer", "kron"]) -> Num[Array, "m*n"]:
    """all products of entries of `x` and `y`, by `fn`"""
    return jnp.ravel(getattr(jnp, fn)(x, y))


def tensordot_axes(
    a: Num[Array, "m k l"], b: Num[Array, "l k n"], *, how: Literal["pairs", "count"]
) -> Num[Array, "m n"]:
    """the contraction of `a` and `b` over two axes given by `how`"""
    if how == "pairs":
        result = jnp.tensordot(a, b, axes=((1, 2), (1, 0)))
    else:
        result = jnp.tensordot(a, jnp.swapaxes(b, 0, 1), axes=2)
    return result


def einsum_pattern(
    a: Num[Array, "n n"],
    b: Num[Array, "n n"],
    *,
    pattern: Literal["ij,jk->ik", "ij,kj->ki", "ij,ij->ij", "ij,ji->ij", "ij,jk->ki", "ji,jk->ik"],
) -> Num[Array, "n n"]:
    """the einsum `pattern` of `a` and `b`"""
    return jnp.einsum(pattern, a, b)


def einsum_to_vector(
    a: Num[Array, "m n"], b: Num[Array, "n k"], *, pattern: Literal["ij,jk->i", "ij,jk,jk->i"]
) -> Num[Array, "m"]:
    """the einsum `pattern` of `a` and `b`"""
    if pattern == "ij,jk->i":
        result = jnp.einsum(pattern, a, b)
    else:
        result = jnp.einsum(pattern, a, b, b)
    return result


def einsum_of_three(
    a: Num[Array, "m k"], b: Num[Array, "k l"], c: Num[Array, "l n"], *, optimize: Literal["optimal", "greedy", False]
) -> Num[Array, "m n"]:
    """the product of three matrices by one einsum, optimised `optimize`"""
    return jnp.einsum("mk,kl,ln->mn", a, b, c, optimize=optimize)


def einsum_of_halves(a: Float16[Array, "b m k"], c: Float16[Array, "b n k"]) -> Float32[Array, "b m n"]:
    """the products of `a` with the transposes of `c`, summed in single precision"""
    return jnp.einsum("bmk,bnk->bmn", a, c, preferred_element_type=jnp.float32)


def ragged_product(
    x: Inexact[Array, "4 k"], weights: Inexact[Array, "2 k n"], split: Int[Array, ""]
) -> Inexact[Array, "4 n"]:
    """the rows of `x` times one of two matrices: the first rows, up to `split`, the first matrix"""
    first = jnp.clip(split, 1, 3).astype(jnp.int32)
    return lax.ragged_dot(x, weights, jnp.stack([first, 4 - first]))


def ragged_product_in_general(
    x: Float32[Array, "m 4"], y: Float32[Array, "4 n"], split: Int[Array, ""]
) -> Float32[Array, "2 m n"]:
    """the products of the columns of `x` before and behind `split` with those rows of `y`"""
    first = jnp.clip(split, 1, 3).astype(jnp.int32)
    numbers = lax.RaggedDotDimensionNumbers(
        dot_dimension_numbers=(((1,), (0,)), ((), ())), lhs_ragged_dimensions=(1,), rhs_group_dimensions=()
    )
    return lax.ragged_dot_general(x, y, jnp.stack([first, 4 - first]), numbers)


def scaled_product(
    a: Float[Array, "1 m 4"], c: Float[Array, "1 n 4"], scale: Float[Array, "1 m 2"]
) -> Float32[Array, "1 m n"]:
    """the product of 8-bit floats with a scale for each pair of columns"""
    left, right = a.astype(jnp.float8_e4m3fn), c.astype(jnp.float8_e4m3fn)
    scales = (jnp.abs(scale) + 0.5).astype(jnp.float8_e8m0fnu)
    ones = jnp.ones((1, c.shape[1], 2), jnp.float8_e8m0fnu)
    numbers = (((2,), (2,)), ((0,), (0,)))
    return lax.scaled_dot(
        left, right, lhs_scale=scales, rhs_scale=ones, dimension_numbers=numbers, preferred_element_type=jnp.float32
    )


def gradient_of_product(
    a: Float[Array, "m k"], b: Float[Array, "k n"], target: Float[Array, "m n"], *, argnum: Literal[0]
) -> Float[Array, "m k"]:
    """the gradient of the squared distance of the product of `a` and `b` from `target` with respect to `a`"""
    return jax.grad(lambda left, right: jnp.sum((left @ right - target) ** 2), argnums=argnum)(a, b)


def matrix_power_chain(a: Num[Array, "n n"], x: Num[Array, "n"], *, steps: Literal[2, 3]) -> Num[Array, "n"]:
    """the vector `x` multiplied by the matrix `a` `steps` times"""
    if steps == 2:
        result = a @ (a @ x)
    else:
        result = a @ (a @ (a @ x))
    return result
