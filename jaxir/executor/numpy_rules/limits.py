"""What the NumPy oracle does not evaluate, each with the reason: whole primitives, and some equations of others."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from types import NoneType
from typing import Any, Final

import jax
import numpy as np

_HOST: Final = "calls the host"
_DEVICES: Final = "needs several devices"
_STATE: Final = "reads or writes a mutable reference"

#: Known limits by primitive; one that stands neither here nor in the rules has no rule yet.
LIMITS: Final[dict[str, str]] = {
    **dict.fromkeys(("pure_callback", "io_callback", "debug_callback", "debug_print", "infeed", "outfeed"), _HOST),
    **dict.fromkeys(("ragged_all_to_all", "pbroadcast", "xla_pmap"), _DEVICES),
    **dict.fromkeys(("get", "swap", "addupdate", "new_ref", "ref", "run_state", "freeze"), _STATE),
    "rng_uniform": "draws from a generator that the platform chooses",
    "random_gamma": "draws by rejection from a private sampler",
    "approx_top_k": "its result is approximate",
    "ffi_call": "calls foreign code",
    "custom_partitioning": "calls foreign code",
    "pallas_call": "calls a hand-written device kernel",
}


@dataclasses.dataclass(frozen=True)
class Condition:
    """Equations of a primitive that has a rule, which the rule does not fit.

    Attributes:
        primitive: its name; a trailing `*` stands for any rest.
        reason: why not.
        when: whether an equation is such a one.
    """

    primitive: str
    reason: str
    when: Callable[[Any], bool]

    def concerns(self, primitive: str) -> bool:
        """Whether equations of a primitive may be under this limit."""
        if self.primitive.endswith("*"):
            return primitive.startswith(self.primitive[:-1])
        return primitive == self.primitive


def _unknown_value(equation: Any) -> bool:
    for variable in (*equation.invars, *equation.outvars):
        dtype = getattr(variable.aval, "dtype", None)
        # Plain types are told apart first: to make their names takes time. A token has no type.
        if not isinstance(dtype, np.dtype | NoneType) and str(dtype) != "key<fry>":
            return True
    return False


def _payload(equation: Any) -> bool:
    return not equation.params["is_stable"] and equation.params["num_keys"] < len(equation.invars)


def _old_counters(equation: Any) -> bool:
    return not jax.config.jax_threefry_partitionable  # type: ignore[attr-defined]  # options are made at run time


def _other_groups(equation: Any) -> bool:
    numbers = equation.params["ragged_dot_dimension_numbers"]
    plain = numbers.dot_dimension_numbers == (((1,), (1,)), ((), ())) and equation.params["group_offset"] is None
    return not (plain and numbers.lhs_ragged_dimensions == (0,) and numbers.rhs_group_dimensions == (0,))


CONDITIONS: Final = (
    Condition("*", "has a value that is no array, threefry key or token", _unknown_value),
    Condition("ragged_dot_general", "has only a rule for groups of rows", _other_groups),
    Condition("random_*", "counts otherwise where jax_threefry_partitionable is off", _old_counters),
    Condition("sort", "an unstable sort may order what equal keys carry as it likes", _payload),
)
