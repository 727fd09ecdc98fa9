"""Contractions in all their forms: precisions, accumulators and algorithms, ragged groups, general convolutions."""

from typing import Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, BFloat16, Complex, Float, Float16, Float32, Int8, Int32, Num, UInt32


def dot_by_algorithm(
    a: Float32[Array, "m k"],
    b: Float32[Array, "k n"],
    *,
    algorithm: Literal["F32_F32_F32", "BF16_BF16_F32", "BF16_BF16_F32_X3", "BF16_BF16_F32_X6"],
) -> Float32[Array, "m n"]:
    """a matrix product by the `algorithm` algorithm"""
    return lax.dot(a, b, precision=getattr(lax.DotAlgorithmPreset, algorithm))


def dot_with_accumulator(a: BFloat16[Array, "*b m k"], b: BFloat16[Array, "*b k n"]) -> Float32[Array, "*b m n"]:
    """a batched matrix product in bfloat16 that is added up in 32 bits"""
    return jnp.matmul(a, b, preferred_element_type=jnp.float32)


def half_dot_with_accumulator(a: Float16[Array, "m k"], b: Float16[Array, "k n"]) -> Float32[Array, "m n"]:
    """a matrix product of half-precision numbers that is added up in 32 bits"""
    return lax.dot(a, b, preferred_element_type=jnp.float32)


def integer_dot(a: Int8[Array, "m k"], b: Int8[Array, "k n"]) -> Int32[Array, "m n"]:
    """a matrix product of bytes that is added up in 32-bit integers"""
    return lax.dot(a, b, preferred_element_type=jnp.int32)


def quantised_linear(
    x: Float32[Array, "m k"], weights: Int8[Array, "k n"], scale: Float32[Array, "n"]
) -> Float32[Array, "m n"]:
    """a linear layer with byte weights: inputs scaled to bytes, an integer product, and scaled back"""
    size = jnp.max(jnp.abs(x), axis=1, keepdims=True) / 63 + 1e-6
    whole = jnp.round(x / size).astype(jnp.int8)
    product = lax.dot_general(whole, weights, (((1,), (0,)), ((), ())), preferred_element_type=jnp.int32)
    return product.astype(jnp.float32) * size * scale


def precise_dot(
    a: Float[Array, "m k"], b: Float[Array, "k n"], *, precision: Literal["default", "high", "highest"]
) -> Float[Array, "m n"]:
    """a matrix product at the `precision` precision"""
    return jnp.dot(a, b, precision=precision)


def general_dot(
    a: Num[Array, "k b m"], b: Num[Array, "n k b"], *, order: Literal["batch", "outer"]
) -> Num[Array, "b m n"]:
    """a contraction with the batch dim in the middle of `a` and at the end of `b`"""
    if order == "batch":
        result = lax.dot_general(a, b, (((0,), (1,)), ((1,), (2,))))
    else:
        result = jnp.einsum("kbm,nkb->bmn", a, b)
    return result


def double_contraction(a: Num[Array, "i k l"], b: Num[Array, "l k j"]) -> Num[Array, "i j"]:
    """a contraction over two dims that stand in different orders"""
    return lax.dot_general(a, b, (((1, 2), (1, 0)), ((), ())))


def ragged_groups(
    x: Float[Array, "m k"], owners: UInt32[Array, "m"], experts: Float[Array, "g k n"]
) -> Float[Array, "m n"]:
    """rows sorted by their expert, each multiplied with the matrix of its own, as a ragged product"""
    count = experts.shape[0]
    chosen = owners % count
    sizes = jnp.bincount(chosen, length=count).astype(jnp.int32)
    return lax.ragged_dot(x[jnp.argsort(chosen)], experts, sizes)


def conv_channels_last(
    x: Float[Array, "b n c"],
    kernel: Float[Array, "k c o"],
    *,
    dilation: Literal[1, 2],
    precision: Literal["default", "highest"],
) -> Float[Array, "b n o"]:
    """a convolution over the middle axis with dilation `dilation`, channels last, same length"""
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=(1,),
        padding="SAME",
        rhs_dilation=(dilation,),
        dimension_numbers=("NWC", "WIO", "NWC"),
        precision=precision,
    )


def conv_upsampled_pair(x: Float[Array, "b c n"], kernel: Float[Array, "o c 3"]) -> Float[Array, "b o 2*n-1"]:
    """a convolution of rows that are spread out by zeros between their entries"""
    return lax.conv_general_dilated(x, kernel, window_strides=(1,), padding=[(1, 1)], lhs_dilation=(2,))


def conv_reversed(x: Float[Array, "b c n"], kernel: Float[Array, "o c 3"]) -> Float[Array, "b o n"]:
    """a true convolution, with the kernel reversed, and with reflected ends"""
    padded = jnp.pad(x, ((0, 0), (0, 0), (1, 1)), mode="edge")
    return lax.conv(padded, lax.rev(kernel, (2,)), (1,), "VALID")


def conv_in_groups(
    x: Float[Array, "b 2*c n"], kernel: Float[Array, "2*o c k"], *, direction: Literal["SAME", "SAME_LOWER"]
) -> Float[Array, "b 2*o n"]:
    """a convolution in two groups of channels with `direction` padding"""
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=(1,),
        padding=direction,
        feature_group_count=2,
        dimension_numbers=("NCH", "OIH", "NCH"),
    )


def conv_in_batches(x: Float[Array, "2*b c n"], kernel: Float[Array, "2*o c 3"]) -> Float[Array, "b 2*o n"]:
    """a convolution whose two batch groups make two groups of results"""
    return lax.conv_general_dilated(x, kernel, window_strides=(1,), padding=[(1, 1)], batch_group_count=2)


def conv_with_accumulator(x: BFloat16[Array, "b c n"], kernel: BFloat16[Array, "o c 3"]) -> Float32[Array, "b o n"]:
    """a convolution of bfloat16 numbers that is added up in 32 bits"""
    return lax.conv_general_dilated(x, kernel, (1,), [(1, 1)], preferred_element_type=jnp.float32)


def conv_kernel_gradient(
    x: Float32[Array, "b c n"], kernel: Float32[Array, "o c 3"], target: Float32[Array, "b o n"]
) -> Float32[Array, "o c 3"]:
    """the gradient of a convolution's squared error with respect to its kernel"""

    def loss(k):
        return jnp.sum((lax.conv_general_dilated(x, k, (1,), [(1, 1)]) - target) ** 2)

    return jax.grad(loss)(kernel)


def image_patches(image: Float[Array, "b c h w"]) -> Float[Array, "b 4*c h-1 w-1"]:
    """the windows of two by two pixels as channels, taken by a convolution"""
    return lax.conv_general_dilated_patches(image, (2, 2), (1, 1), "VALID")


def volume_conv(x: Float[Array, "d h w"], kernels: Float[Array, "o 2 2 1"]) -> Float[Array, "o d-1 h-1 w"]:
    """one volume under several filters in three spatial dims"""
    return lax.conv_general_dilated(x[None, None], kernels[:, None], (1, 1, 1), "VALID")[0]


def back_substitution(
    matrix: Float[Array, "n n"],
    right: Float[Array, "n m"],
    *,
    lower: Literal[True, False],
    transpose: Literal[True, False],
    unit: Literal[True, False],
) -> Float[Array, "n m"]:
    """the solution of a triangular system whose diagonal is kept away from zero"""
    n = matrix.shape[0]
    main = jnp.eye(n, dtype=matrix.dtype)
    safe = 0.5 * matrix * (1 - main) + (1 + jnp.abs(matrix)) * main
    return lax.linalg.triangular_solve(
        safe, right, left_side=True, lower=lower, transpose_a=transpose, unit_diagonal=unit
    )


def half_substitution(
    matrix: BFloat16[Array, "n n"],
    right: BFloat16[Array, "n m"],
    *,
    lower: Literal[True, False],
    transpose: Literal[True, False],
) -> BFloat16[Array, "n m"]:
    """the solution of a triangular system in bfloat16 whose diagonal outweighs the rest"""
    main = jnp.eye(matrix.shape[0], dtype=matrix.dtype)
    safe = 0.25 * matrix * (1 - main) + (1 + jnp.abs(matrix)) * main
    return lax.linalg.triangular_solve(safe, right, left_side=True, lower=lower, transpose_a=transpose)


def substitution_from_right(
    left: Float[Array, "*b m n"], matrix: Float[Array, "*b n n"], *, lower: Literal[True, False]
) -> Float[Array, "*b m n"]:
    """the solutions of batched triangular systems that multiply from the right"""
    main = jnp.eye(matrix.shape[-1], dtype=matrix.dtype)
    safe = 0.5 * matrix * (1 - main) + (1 + jnp.abs(matrix)) * main
    return lax.linalg.triangular_solve(safe, left, left_side=False, lower=lower)


def hermitian_substitution(
    matrix: Complex[Array, "n n"],
    right: Complex[Array, "n m"],
    *,
    lower: Literal[True, False],
    transpose: Literal[True, False],
) -> Complex[Array, "n m"]:
    """the solution of a triangular system with the conjugate of a complex matrix"""
    main = jnp.eye(matrix.shape[0], dtype=matrix.dtype)
    safe = 0.5 * matrix * (1 - main) + (2 + jnp.abs(matrix)) * main
    return lax.linalg.triangular_solve(
        safe, right, left_side=True, lower=lower, transpose_a=transpose, conjugate_a=True
    )


def fast_range(
    x: UInt32[Array, "*s"], *, buckets: Literal[7, 100, 1000, 4096], multiplier: Literal[2654435769, 2246822519]
) -> UInt32[Array, "*s"]:
    """the bucket of each number among `buckets`: a multiplicative hash and the upper half of a product"""
    hashed = x * jnp.uint32(multiplier)
    return lax.mulhi(hashed, jnp.full_like(hashed, buckets))


def fixed_point_scale(x: Int32[Array, "*s"], factor: Int32[Array, "*s"]) -> Int32[Array, "*s"]:
    """numbers times factors between -1 and 1 that are held as fixed point, by the upper half of the product"""
    scaled = jnp.left_shift(x, 16)
    return lax.mulhi(scaled, jnp.left_shift(factor, 24))
