"""Random matrices of each type that LAPACK has."""

import numpy as np

RNG = np.random.default_rng(7)
DTYPES = ("float32", "float64", "complex64", "complex128")


def matrix(dtype: str, *shape: int) -> np.ndarray:
    values = RNG.normal(size=shape)
    return (values + 1j * RNG.normal(size=shape) if "complex" in dtype else values).astype(dtype)
