"""Linear algebra with unique results, and Fourier transforms."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import scipy.linalg

from jaxir.executor.numpy_rules.dtypes import exact
from jaxir.executor.numpy_rules.registry import Array, Call, rule


def _matrices(x: Array) -> Array:
    """A stack of matrices along one axis, in 64 bits."""
    return x.reshape((math.prod(x.shape[:-2]), *x.shape[-2:])).astype(exact(x.dtype))


@rule("cholesky")
def _cholesky(call: Call, x: Array) -> Array:
    """The factor of the lower triangle; the upper one stays, as in LAPACK. NaN where it is not positive definite."""
    stack = _matrices(x)
    result = np.empty_like(stack)
    for number, matrix in enumerate(stack):
        try:
            result[number] = np.linalg.cholesky(matrix) + np.triu(matrix, 1)
        except np.linalg.LinAlgError:
            result[number] = np.nan
    return result.reshape(x.shape).astype(x.dtype)


@rule("triangular_solve")
def _triangular_solve(call: Call, a: Array, b: Array) -> Array:
    params = call.params
    triangle = np.tril(a) if params["lower"] else np.triu(a)
    factors = triangle.astype(exact(a.dtype))
    if params["unit_diagonal"]:
        diagonal = np.arange(a.shape[-1])
        factors[..., diagonal, diagonal] = 1
    if params["conjugate_a"]:
        factors = np.conj(factors)
    if params["transpose_a"]:
        factors = np.swapaxes(factors, -1, -2)
    lower = params["lower"] != params["transpose_a"]
    right = b.astype(exact(b.dtype))
    if not params["left_side"]:
        factors, right, lower = np.swapaxes(factors, -1, -2), np.swapaxes(right, -1, -2), not lower
    solution = _substitute(factors, right, lower)
    return (solution if params["left_side"] else np.swapaxes(solution, -1, -2)).astype(b.dtype)


def _substitute(factors: Array, right: Array, lower: bool) -> Array:
    """Forward or backward substitution over whole stacks; a zero on the diagonal gives inf or NaN, as in XLA."""
    solution = np.zeros_like(right)
    size = factors.shape[-1]
    for row in range(size) if lower else reversed(range(size)):
        known = np.matmul(factors[..., row : row + 1, :], solution)[..., 0, :]
        solution[..., row, :] = (right[..., row, :] - known) / factors[..., row, row, None]
    return solution


def _order(size: int, swaps: Array) -> Array:
    """The order of rows after swapping each with the one that its pivot names, one after the other."""
    order = np.arange(size)
    for position, other in enumerate(swaps):
        order[[position, other]] = order[[other, position]]
    return order


@rule("lu")
def _lu(call: Call, x: Array) -> list[Array]:
    """Packed factors, pivots and the permutation of rows that they amount to."""
    stack = _matrices(x)
    rows = x.shape[-2]
    count = min(x.shape[-2:])
    packed = np.empty_like(stack)
    pivots = np.empty((len(stack), count), np.int64)
    permutations = np.empty((len(stack), rows), np.int64)
    for number, matrix in enumerate(stack):
        with warnings.catch_warnings():
            # A singular matrix has factors like any other.
            warnings.simplefilter("ignore", scipy.linalg.LinAlgWarning)
            packed[number], pivots[number] = scipy.linalg.lu_factor(matrix, check_finite=False)
        permutations[number] = _order(rows, pivots[number])
    return [
        packed.reshape(x.shape).astype(x.dtype),
        pivots.reshape(call.outs[1].shape).astype(call.outs[1].dtype),
        permutations.reshape(call.outs[2].shape).astype(call.outs[2].dtype),
    ]


@rule("lu_pivots_to_permutation")
def _permutation(call: Call, pivots: Array) -> Array:
    size = call.params["permutation_size"]
    stack = pivots.reshape((math.prod(pivots.shape[:-1]), pivots.shape[-1]))
    return np.array([_order(size, swaps) for swaps in stack]).reshape(call.shape).astype(call.dtype)


@rule("tridiagonal_solve")
def _tridiagonal_solve(call: Call, lower: Array, diagonal: Array, upper: Array, right: Array) -> Array:
    size = diagonal.shape[-1]
    matrix = np.zeros((*diagonal.shape, size), exact(diagonal.dtype))
    rows = np.arange(size)
    matrix[..., rows, rows] = diagonal
    matrix[..., rows[1:], rows[:-1]] = lower[..., 1:]
    matrix[..., rows[:-1], rows[1:]] = upper[..., :-1]
    return np.linalg.solve(matrix, right.astype(exact(right.dtype))).astype(right.dtype)


@rule("fft")
def _fft(call: Call, x: Array) -> Array:
    lengths = call.params["fft_lengths"]
    axes = tuple(range(-len(lengths), 0))
    transforms: dict[str, Any] = {
        "FFT": np.fft.fftn,
        "IFFT": np.fft.ifftn,
        "RFFT": np.fft.rfftn,
        "IRFFT": np.fft.irfftn,
    }
    if not x.size:
        return np.zeros(call.shape, call.dtype)
    transform = transforms[call.params["fft_type"].name]
    return np.asarray(transform(x.astype(exact(x.dtype)), lengths, axes)).astype(call.dtype)
