"""A correction, not a short cut: NumPy constants have one value for x64 off and another for x64 on.

JAX keeps what it made of a NumPy array for as long as anything holds it, such as a cached jaxpr, and does not look
whether x64 was on (`abstract_arrays._canonicalize_ndarray_dtype`, a native function from jaxlib 0.10.2 on). A module's
array that was first traced with x64 off then stays float32 in programs that are traced with x64 on, and their text
depends on what was traced before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from jaxir.extractor.fastpath.patches import private

WANTED = {"dtypes": ("canonicalize_value_handlers", "canonicalize_dtype"), "literals": ("TypedNdArray",)}


def keep_apart() -> bool:
    """Correct JAX in this process, for good; False where a symbol is missing, and then nothing changes."""
    found = private(WANTED)
    try:
        from jaxlib.weakref_lru_cache import weak_key_weak_value_cache
    except ImportError:
        return False
    if isinstance(found, str):
        return False
    dtypes, typed_array = found.dtypes, found.literals.TypedNdArray

    def converter() -> Callable[[Any], Any]:
        # As JAX has it: one constant for one array, as long as both live.
        cached: Callable[[Any], Any] = weak_key_weak_value_cache(
            lambda x: typed_array(np.asarray(x, dtypes.canonicalize_dtype(x.dtype)))
        )
        return cached

    without, with_x64 = converter(), converter()

    def convert(x: Any) -> Any:
        return (with_x64 if jax.config.jax_enable_x64 else without)(x)  # type: ignore[attr-defined]  # made at run time

    dtypes.canonicalize_value_handlers[np.ndarray] = convert
    return True
