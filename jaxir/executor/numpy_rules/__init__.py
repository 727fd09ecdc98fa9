"""JAX primitives in NumPy and SciPy: `RULES` by primitive name, `LIMITS` with the reason for what is left out.

The rules follow the documentation of `jax.lax` and, where that is silent, the StableHLO specification. They call
neither JAX nor XLA: parameters that tracing left (dimension numbers, sub-jaxprs) are read as data.
"""

from jaxir.executor.numpy_rules import (
    bitwise,
    collectives,
    control,
    elementwise,
    functions,
    generators,
    indexing,
    lapack,
    linalg,
    products,
    random,
    reductions,
    shapes,
    sorting,
    windows,
)
from jaxir.executor.numpy_rules.limits import CONDITIONS, LIMITS, Condition
from jaxir.executor.numpy_rules.registry import RULES, TOKEN, Array, Call, Rule, Type

__all__ = [
    "CONDITIONS",
    "LIMITS",
    "RULES",
    "TOKEN",
    "Array",
    "Call",
    "Condition",
    "Rule",
    "Type",
    "bitwise",
    "collectives",
    "control",
    "elementwise",
    "functions",
    "generators",
    "indexing",
    "lapack",
    "linalg",
    "products",
    "random",
    "reductions",
    "shapes",
    "sorting",
    "windows",
]
