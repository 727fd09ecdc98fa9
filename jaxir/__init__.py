"""jaxir: large, verified data sets of (Python kernel, compiler IR) pairs from JAX.

The public API is re-exported here lazily (PEP 562), so that `import jaxir` and `jaxir --help` do not import jax.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from jaxir.version import __version__

if TYPE_CHECKING:
    from jaxir.errors import Rejected, UserError
    from jaxir.extractor.inspection import extract
    from jaxir.generator.options import Uniform
    from jaxir.sample import ArraySpec, Kernel, Rejection, Sample

_HOMES = {
    "ArraySpec": "jaxir.sample",
    "Kernel": "jaxir.sample",
    "Rejected": "jaxir.errors",
    "Rejection": "jaxir.sample",
    "Sample": "jaxir.sample",
    "Uniform": "jaxir.generator.options",
    "UserError": "jaxir.errors",
    "extract": "jaxir.extractor.inspection",
}

__all__ = [
    "ArraySpec",
    "Kernel",
    "Rejected",
    "Rejection",
    "Sample",
    "Uniform",
    "UserError",
    "__version__",
    "extract",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'jaxir' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
