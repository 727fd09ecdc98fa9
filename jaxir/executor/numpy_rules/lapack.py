"""Decompositions by NumPy and SciPy: eigenvalues, singular values, orthogonal and Schur factors, reflectors.

Factors are unique only up to signs, phases or order. These rules take those that LAPACK's algorithm gives, as XLA's CPU
code does, but in 64 bits: kernels whose results depend on such a choice may differ between the oracles, and are refused
then.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.linalg

from jaxir.executor.numpy_rules.dtypes import exact
from jaxir.executor.numpy_rules.registry import Array, Call, rule


def _stacked(
    call: Call, function: Callable[..., Sequence[Array]], *operands: Array, ranks: Sequence[int]
) -> list[Array]:
    """`function` on each item of stacks in 64 bits, as results of the call's types; NaN where it does not converge.

    Args:
        call: the equation.
        function: what one item of each operand gives.
        operands: stacks with the same leading dims.
        ranks: how many trailing dims an item of each operand has.
    """
    batch = operands[0].shape[: operands[0].ndim - ranks[0]]
    count = math.prod(batch)
    stacks = [
        operand.reshape((count, *operand.shape[operand.ndim - rank :])).astype(exact(operand.dtype))
        for operand, rank in zip(operands, ranks, strict=True)
    ]
    results = [np.full((count, *out.shape[len(batch) :]), np.nan).astype(out.dtype) for out in call.outs]
    for number in range(count):
        try:
            made = function(*(stack[number] for stack in stacks))
        except (np.linalg.LinAlgError, ValueError):
            continue  # not finite, or no convergence
        for result, item in zip(results, made, strict=True):
            result[number] = item
    return [result.reshape(out.shape) for result, out in zip(results, call.outs, strict=True)]


@rule("eigh")
def _eigh(call: Call, x: Array) -> list[Array]:
    """Eigenvectors and ascending eigenvalues of the Hermitian matrix whose one triangle is read."""
    subset = call.params["subset_by_index"]
    first, last = subset or (0, x.shape[-1])

    def decompose(matrix: Array) -> Sequence[Array]:
        values, vectors = np.linalg.eigh(matrix, "L" if call.params["lower"] else "U")
        return vectors[:, first:last], values[first:last]

    return _stacked(call, decompose, x, ranks=[2])


@rule("eig")
def _eig(call: Call, x: Array) -> list[Array]:
    """Eigenvalues, and left and right eigenvectors of unit length where they are asked for."""
    left, right = call.params["compute_left_eigenvectors"], call.params["compute_right_eigenvectors"]

    def decompose(matrix: Array) -> Sequence[Array]:
        found: Any = scipy.linalg.eig(matrix, left=left, right=right)
        return found if left or right else [found]

    return _stacked(call, decompose, x, ranks=[2])


@rule("svd")
def _svd(call: Call, x: Array) -> list[Array]:
    """Descending singular values, and both factors where they are asked for."""
    params = call.params
    first, last = params["subset_by_index"] or (0, min(x.shape[-2:]))

    def decompose(matrix: Array) -> Sequence[Array]:
        if not params["compute_uv"]:
            return [np.linalg.svd(matrix, compute_uv=False)[first:last]]
        u, values, vh = np.linalg.svd(matrix, full_matrices=params["full_matrices"])
        if params["subset_by_index"]:
            u, vh = u[:, first:last], vh[first:last]
        return values[first:last], u, vh

    return _stacked(call, decompose, x, ranks=[2])


@rule("qr")
def _qr(call: Call, x: Array) -> list[Array]:
    mode = "full" if call.params["full_matrices"] else "economic"
    pivoting = call.params["pivoting"]
    return _stacked(call, lambda matrix: scipy.linalg.qr(matrix, mode=mode, pivoting=pivoting), x, ranks=[2])


def _packed(factors: Any) -> Sequence[Array]:
    """Reflectors below the diagonal of R, and their scalars."""
    (packed, scalars), _ = factors
    return packed, scalars


@rule("geqrf")
def _geqrf(call: Call, x: Array) -> list[Array]:
    return _stacked(call, lambda matrix: _packed(scipy.linalg.qr(matrix, mode="raw")), x, ranks=[2])


def _reflections(packed: Array, scalars: Array, conjugate: bool = False) -> Array:
    """The product of H_i = I - tau_i v_i v_i^H (or of their inverses, backwards), v_i below a unit diagonal."""
    rows = packed.shape[0]
    product = np.eye(rows, dtype=packed.dtype)
    for column, scalar in enumerate(scalars):
        vector = np.concatenate([np.zeros(column), [1], packed[column + 1 :, column]])
        product = product - scalar * np.outer(product @ vector, np.conj(vector))
    return np.conj(product.T) if conjugate else product


@rule("householder_product")
def _householder_product(call: Call, packed: Array, scalars: Array) -> Array:
    columns = packed.shape[-1]

    def multiply(matrix: Array, taus: Array) -> Sequence[Array]:
        return [_reflections(matrix, taus)[:, :columns]]

    return _stacked(call, multiply, packed, scalars, ranks=[2, 1])[0]


@rule("ormqr")
def _ormqr(call: Call, packed: Array, scalars: Array, matrix: Array) -> Array:
    """Q c, c Q, or the same with the conjugate transpose of Q."""
    params = call.params

    def multiply(reflectors: Array, taus: Array, c: Array) -> Sequence[Array]:
        q = _reflections(reflectors, taus, conjugate=params["transpose"])
        return [q @ c if params["left"] else c @ q]

    return _stacked(call, multiply, packed, scalars, matrix, ranks=[2, 1, 2])[0]


@rule("hessenberg")
def _hessenberg(call: Call, x: Array) -> list[Array]:
    """The Hessenberg form with the reflectors below it, and their scalars (LAPACK's gehrd)."""

    def reduce(matrix: Array) -> Sequence[Array]:
        (gehrd,) = scipy.linalg.get_lapack_funcs(("gehrd",), (matrix,))
        packed, scalars, _ = gehrd(matrix)
        return packed, scalars

    return _stacked(call, reduce, x, ranks=[2])


@rule("tridiagonal")
def _tridiagonal(call: Call, x: Array) -> list[Array]:
    """Reflectors, diagonal, off-diagonal and scalars (LAPACK's sytrd and hetrd)."""

    def reduce(matrix: Array) -> Sequence[Array]:
        name = "hetrd" if np.iscomplexobj(matrix) else "sytrd"
        (trd,) = scipy.linalg.get_lapack_funcs((name,), (matrix,))
        packed, diagonal, beside, scalars, _ = trd(matrix, lower=call.params["lower"])
        return packed, diagonal, beside, scalars

    return _stacked(call, reduce, x, ranks=[2])


@rule("schur")
def _schur(call: Call, x: Array) -> list[Array]:
    def decompose(matrix: Array) -> Sequence[Array]:
        form, vectors = scipy.linalg.schur(matrix, "complex" if np.iscomplexobj(matrix) else "real")
        return [form, vectors][: len(call.outs)]

    return _stacked(call, decompose, x, ranks=[2])


@rule("cholesky_update")
def _cholesky_update(call: Call, factor: Array, vector: Array) -> Array:
    """The upper factor of R^T R + w w^T."""

    def update(upper: Array, added: Array) -> Sequence[Array]:
        return [np.linalg.cholesky(upper.T @ upper + np.outer(added, added)).T]

    return _stacked(call, update, factor, vector, ranks=[2, 1])[0]


@rule("symmetric_product")
def _symmetric_product(call: Call, a: Array, c: Array) -> Array:
    wide = a.astype(exact(a.dtype))
    product = call.params["alpha"] * (wide @ np.swapaxes(wide, -1, -2)) + call.params["beta"] * c
    return np.asarray(product).astype(call.dtype)
