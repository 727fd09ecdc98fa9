"""Structured matrices and matrix functions of jax.scipy.linalg, and the array interface of jax.numpy.linalg."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jax import lax
from jax.scipy import linalg
from jaxtyping import AbstractDtype, Array, Complex, Float, Num

from jaxir import Uniform


class Wide(AbstractDtype):
    """Real types that LAPACK knows."""

    dtypes = ("float64", "float32")


class Field(AbstractDtype):
    """Types that LAPACK knows."""

    dtypes = ("complex128", "complex64", "float64", "float32")


def _dominant(x):
    return x + 2 * x.shape[-1] * jnp.eye(x.shape[-1], dtype=x.dtype)


# Structured matrices


def structured_product(
    c: Float[Array, "n"], x: Float[Array, "n"], *, structure: Literal["toeplitz", "circulant", "hankel", "fiedler"]
) -> Float[Array, "n"]:
    """the product of a `structure` matrix and a vector"""
    return getattr(linalg, structure)(c) @ x


def toeplitz_of_row_and_column(c: Num[Array, "m"], r: Num[Array, "n"]) -> Num[Array, "m n"]:
    """the Toeplitz matrix with a given column and row"""
    return linalg.toeplitz(c, r)


def hankel_of_row_and_column(
    c: Num[Array, "m"], r: Num[Array, "n"], *, fn: Literal["sum", "cumsum"]
) -> Num[Array, "m n"]:
    """the Hankel matrix with a given column and row, added up"""
    matrix = linalg.hankel(c, r)
    if fn == "sum":
        total = matrix + jnp.sum(c).astype(c.dtype)
    else:
        total = jnp.cumsum(matrix, axis=0, dtype=c.dtype)
    return total


def population_after_year(
    births: Float[Array, "n+1"], survival: Float[Array, "n"], ages: Float[Array, "n+1"]
) -> Float[Array, "n+1"]:
    """a population by age after a year, by its Leslie matrix"""
    return linalg.leslie(jnp.abs(births), jnp.abs(survival)) @ ages


def companion_step(
    coefficients: Wide[Array, "n"], state: Wide[Array, "n"], *, kind: Literal["companion", "fiedler_companion"]
) -> Wide[Array, "n"]:
    """a state after one step of the `kind` matrix of a monic polynomial"""
    monic = jnp.concatenate([jnp.ones(1, coefficients.dtype), coefficients])
    return getattr(linalg, kind)(monic) @ state


def convolved_by_matrix(
    kernel: Float[Array, "k"], x: Float[Array, "n+k"], *, mode: Literal["same"]
) -> Float[Array, "n+k"]:
    """a convolution as a matrix product"""
    return linalg.convolution_matrix(kernel, x.shape[0], mode=mode) @ x


def block_diagonal(a: Num[Array, "m n"], b: Num[Array, "p q"]) -> Num[Array, "m+p n+q"]:
    """the block diagonal matrix of two blocks"""
    return linalg.block_diag(a, b)


def walsh_spectrum(x: Float[Array, "*b 8"], *, normalised: Literal[False, True]) -> Float[Array, "*b 8"]:
    """the Walsh-Hadamard transform of the last axis"""
    spectrum = x @ linalg.hadamard(8, dtype=x.dtype)
    if normalised:
        result = spectrum / 8
    else:
        result = spectrum
    return result


def fourier_matrix_product(z: Complex[Array, "n *b"], *, scale: Literal["sqrtn", "n"]) -> Complex[Array, "n *b"]:
    """the discrete Fourier transform of the first axis by its matrix"""
    return jnp.tensordot(linalg.dft(z.shape[0], scale, dtype=z.dtype), z, axes=1)


def helmert_contrasts(x: Wide[Array, "n+1 *b"], *, full: Literal[False]) -> Wide[Array, "n *b"]:
    """the Helmert contrasts of the first axis"""
    return jnp.tensordot(linalg.helmert(x.shape[0], full=full).astype(x.dtype), x, axes=1)


def ill_conditioned_product(
    x: Wide[Array, "n *b"], *, kind: Literal["hilbert", "invhilbert", "pascal", "invpascal"]
) -> Wide[Array, "n *b"]:
    """the product of the `kind` matrix and the first axis"""
    return jnp.tensordot(getattr(linalg, kind)(x.shape[0]).astype(x.dtype), x, axes=1)


# Functions and equations of matrices


def matrix_exponential(
    a: Wide[Array, "n n"], *, time: Annotated[float, Uniform(0.1, 1.0)], part: Literal["whole", "upper triangle"]
) -> Wide[Array, "n n"]:
    """the exponential of `time` times the `part` of a matrix"""
    if part == "upper triangle":
        generator = jnp.triu(a)
    else:
        generator = a
    return linalg.expm(time * generator, upper_triangular=part == "upper triangle")


def linear_flow(
    a: Field[Array, "n n"], state: Field[Array, "n"], *, time: Annotated[float, Uniform(0.1, 0.5)]
) -> Field[Array, "n"]:
    """the state of a linear system of differential equations after a time"""
    return linalg.expm(time * a) @ state


def exponential_sensitivity(a: Wide[Array, "n n"], direction: Wide[Array, "n n"]) -> Wide[Array, "n n"]:
    """the derivative of the matrix exponential in a direction"""
    return linalg.expm_frechet(a / 2, direction, compute_expm=False)


def square_root_of_matrix(a: Wide[Array, "n n"]) -> Wide[Array, "n n"]:
    """the principal square root of a diagonally dominant matrix"""
    return jnp.real(linalg.sqrtm(_dominant(a))).astype(a.dtype)


def function_of_matrix(a: Wide[Array, "n n"], *, fn: Literal["exp", "sin", "cos"]) -> Wide[Array, "n n"]:
    """the matrix function `fn` of a triangular matrix with distinct diagonal"""
    triangle = jnp.triu(a, 1) / 2 + jnp.diag(jnp.arange(1, a.shape[0] + 1) / a.shape[0]).astype(a.dtype)
    return jnp.real(linalg.funm(triangle, getattr(jnp, fn), disp=True)).astype(a.dtype)


def sylvester_solution(
    a: Wide[Array, "m m"], b: Wide[Array, "n n"], c: Wide[Array, "m n"], *, method: Literal["schur", "eigen"]
) -> Wide[Array, "m n"]:
    """the solution of a Sylvester equation with well separated spectra"""
    return jnp.real(linalg.solve_sylvester(_dominant(a), _dominant(b), c, method=method)).astype(c.dtype)


def system_solution(
    a: Field[Array, "n n"], b: Field[Array, "n"], *, assume: Literal["gen", "pos"]
) -> Field[Array, "n"]:
    """the solution of a well conditioned system"""
    if assume == "gen":
        matrix = _dominant(a)
    else:
        matrix = _dominant(a @ jnp.conj(a.T))
    return linalg.solve(matrix, b, assume_a=assume)


def tridiagonal_system(
    lower: Field[Array, "n+2"], diagonal: Field[Array, "n+2"], upper: Field[Array, "n+2"], b: Field[Array, "n+2 k"]
) -> Field[Array, "n+2 k"]:
    """the solution of a diagonally dominant tridiagonal system"""
    return lax.linalg.tridiagonal_solve(lower.at[0].set(0), diagonal + 8, upper.at[-1].set(0), b)


def heat_step(temperature: Wide[Array, "n+2"], *, step: Annotated[float, Uniform(0.1, 1.0)]) -> Wide[Array, "n+2"]:
    """temperatures of a rod after an implicit step"""
    beside = jnp.full_like(temperature, -step)
    middle = jnp.full_like(temperature, 1 + 2 * step)
    solution = lax.linalg.tridiagonal_solve(beside.at[0].set(0), middle, beside.at[-1].set(0), temperature[:, None])
    return solution[:, 0]


def schroedinger_step(
    wave: Complex[Array, "n+2"], potential: Complex[Array, "n+2"], *, step: Annotated[float, Uniform(0.05, 0.5)]
) -> Complex[Array, "n+2"]:
    """a wave function after an implicit step in a potential"""
    beside = jnp.full_like(wave, -1j * step)
    middle = 1 + 1j * step * (2 + jnp.abs(potential))
    solution = lax.linalg.tridiagonal_solve(beside.at[0].set(0), middle, beside.at[-1].set(0), wave[:, None])
    return solution[:, 0]


def inverse_and_determinant(
    a: Wide[Array, "n n"], *, scale: Literal[1, 2]
) -> tuple[Wide[Array, "n n"], Wide[Array, ""]]:
    """the inverse and the determinant of a well conditioned matrix"""
    matrix = jnp.eye(a.shape[0], dtype=a.dtype) + a / (scale * a.shape[0])
    return linalg.inv(matrix), linalg.det(matrix)


# The array interface


def determinants(
    a: Wide[Array, "*b n n"], *, how: Literal["times their determinants", "inverted"]
) -> Wide[Array, "*b n n"]:
    """well conditioned matrices `how`"""
    matrices = jnp.eye(a.shape[-1], dtype=a.dtype) + a / a.shape[-1]
    if how == "times their determinants":
        result = matrices * jnp.linalg.det(matrices)[..., None, None]
    else:
        result = jnp.linalg.inv(matrices)
    return result


def signed_determinant(a: Field[Array, "*b n n"]) -> Field[Array, "*b"]:
    """determinants by their signs and logarithms"""
    sign, logarithm = jnp.linalg.slogdet(a + 2 * jnp.eye(a.shape[-1], dtype=a.dtype))
    return sign * jnp.exp(logarithm).astype(a.dtype)


def log_volume(a: Wide[Array, "*b n n"], *, method: Literal["lu", "qr"]) -> Wide[Array, "*b"]:
    """the logarithms of the volumes that matrices span"""
    return jnp.linalg.slogdet(a + 2 * jnp.eye(a.shape[-1], dtype=a.dtype), method=method)[1]


def diagonal_and_trace(
    a: Float[Array, "*b n n"], *, offset: Literal[0]
) -> tuple[Float[Array, "*b n"], Float[Array, "*b"]]:
    """the diagonals and the traces of matrices"""
    return jnp.linalg.diagonal(a, offset=offset), jnp.linalg.trace(a, offset=offset)


def product_of_stacks(
    a: Num[Array, "*b m k"], b: Num[Array, "*b k n"], *, transposed: Literal[False, True]
) -> Num[Array, "*b m n"]:
    """the matrix product of two stacks"""
    if transposed:
        left, right = jnp.linalg.matrix_transpose(b), jnp.linalg.matrix_transpose(a)
        product = jnp.linalg.matrix_transpose(jnp.linalg.matmul(left, right))
    else:
        product = jnp.linalg.matmul(a, b)
    return product


def chain_product(a: Float[Array, "m k"], b: Float[Array, "k p"], c: Float[Array, "p n"]) -> Float[Array, "m n"]:
    """the product of three matrices in the cheaper order"""
    return jnp.linalg.multi_dot([a, b, c])


def power_of_matrix(a: Wide[Array, "n n"], *, exponent: Literal[2, 3, 5, -1, -2]) -> Wide[Array, "n n"]:
    """the power `exponent` of a well conditioned matrix"""
    return jnp.linalg.matrix_power(jnp.eye(a.shape[0], dtype=a.dtype) + a / (2 * a.shape[0]), exponent)


def outer_and_inner(a: Float[Array, "n"], b: Float[Array, "n"]) -> Float[Array, "n n"]:
    """the outer product minus the inner product of two vectors"""
    return jnp.linalg.outer(a, b) - jnp.linalg.vecdot(a, b)


def scaled_by_inner_products(
    a: Num[Array, "*b n"], b: Num[Array, "*b n"], *, axis: Literal[-1, 0]
) -> Num[Array, "*b n"]:
    """vectors scaled by their inner products along axis `axis`"""
    return a * jnp.expand_dims(jnp.linalg.vecdot(a, b, axis=axis), axis)


def contraction_of_tensors(a: Num[Array, "m k"], b: Num[Array, "k n"], *, axes: Literal[1]) -> Num[Array, "m n"]:
    """the contraction of the last axis with the first"""
    return jnp.linalg.tensordot(a, b, axes=axes)


def cross_products(
    a: Float[Array, "*b 3"], b: Float[Array, "*b 3"], *, unit: Literal[False, True]
) -> Float[Array, "*b 3"]:
    """the cross products of vectors in space"""
    product = jnp.linalg.cross(a, b)
    if unit:
        result = product / (jnp.linalg.vector_norm(product, axis=-1, keepdims=True) + 0.1)
    else:
        result = product
    return result


def norm_of_vectors(x: Float[Array, "*b n"], *, ord: Literal[1, 2, 3, 0.5]) -> Float[Array, "*b"]:
    """the norm of order `ord` of vectors"""
    return jnp.linalg.vector_norm(x, axis=-1, ord=ord)


def tensor_equation(a: Wide[Array, "2 n 2 n"], b: Wide[Array, "2 n"]) -> Wide[Array, "2 n"]:
    """the solution of a linear equation between matrices"""
    size = 2 * a.shape[1]
    return jnp.linalg.tensorsolve(a + jnp.eye(size, dtype=a.dtype).reshape(a.shape) * size * 2, b)


def tensor_inverse(a: Wide[Array, "2 n 2 n"]) -> Wide[Array, "2 n 2 n"]:
    """the inverse of a linear map between matrices"""
    size = 2 * a.shape[1]
    return jnp.linalg.tensorinv(a + jnp.eye(size, dtype=a.dtype).reshape(a.shape) * size * 2, ind=2)
