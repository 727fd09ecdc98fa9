"""Random matrices of each type that LAPACK has."""

import numpy as np

DTYPES = ("float32", "float64", "complex64", "complex128")


def matrix(dtype: str, *shape: int) -> np.ndarray:
    """The same for the same type and shape, whichever tests came before."""
    rng = np.random.default_rng([DTYPES.index(dtype), *shape])
    values = rng.normal(size=shape)
    return (values + 1j * rng.normal(size=shape) if "complex" in dtype else values).astype(dtype)
