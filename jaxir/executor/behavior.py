"""What a kernel does, as a hash: exact (`digest`) and up to rounding (`behavior`)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: Below this share of an array's largest magnitude a value is rounding noise.
_NOISE: Final = 1e-5


def digest(outputs: Sequence[Array]) -> str:
    """sha256 of arrays: element type, shape and bytes of each."""
    total = hashlib.sha256()
    for array in outputs:
        total.update(f"{array.dtype}[{','.join(map(str, array.shape))}]\n".encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


#: 1e-307 to 1e308 as literals: NumPy's `power` may differ in the last bit between processors, and ties would flip.
_POWERS: Final = np.array([float(f"1e{exponent}") for exponent in range(-307, 309)])


def _rounded(array: Array) -> bytes:
    """An array to three significant digits: integers times powers of ten; one zero, one NaN."""
    if array.dtype == np.bool_ or array.dtype.kind in "iu":
        return array.tobytes()
    if array.dtype.kind == "c":
        return _rounded(array.real) + _rounded(array.imag)
    values = array.astype(np.float64)
    finite = np.isfinite(values)
    magnitude = np.where(finite, np.abs(values), 0.0)
    floor = _NOISE * float(magnitude.max(initial=0.0))
    kept = magnitude > max(floor, np.finfo(np.float64).tiny)
    exponent = np.floor(np.log10(np.where(kept, magnitude, 1.0)))
    scale = _POWERS[np.clip(exponent - 2, -307, 308).astype(np.int64) + 307]
    digits = np.rint(np.where(kept, values, 0.0) / scale)
    overflow = np.abs(digits) >= 1000
    digits, exponent = np.where(overflow, digits / 10, digits), np.where(overflow, exponent + 1, exponent)
    special = np.where(np.isnan(values), 1, np.where(finite, 0, np.where(values > 0, 2, 3)))
    exponent = np.where(kept, exponent, 0)
    return np.stack([digits, exponent, special]).astype(np.int64).tobytes()


def behavior(runs: Sequence[Sequence[Array]]) -> str:
    """32 hex digits of the outputs of several runs, rounded to three significant digits."""
    total = hashlib.blake2b(digest_size=16)
    for outputs in runs:
        for array in outputs:
            total.update(f"{array.dtype}[{','.join(map(str, array.shape))}]\n".encode())
            total.update(_rounded(array))
    return total.hexdigest()
