"""What a rule is, and the table of them: one NumPy function for each JAX primitive.

A rule takes a `Call` and the operands and gives the result, or a list of results for a primitive with several. Rules
never change an operand. Their results have exactly the element types that `Call.outs` names.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Type:
    """Shape and element type of one value, as tracing found them."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


#: What stands for a token, as in JAX: no elements.
TOKEN: Final = Type((0,), np.dtype(bool))


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """One equation of a jaxpr, as a rule sees it.

    Attributes:
        name: the primitive.
        params: its parameters, read as data.
        outs: types of the results. A reducer that is traced for scalars is run on whole arrays, so an elementwise rule
            must not rely on their shapes.
        run: evaluates a sub-jaxpr of `params` on operands.
    """

    name: str
    params: Mapping[str, Any]
    outs: tuple[Type, ...]
    run: Callable[[Any, Sequence[Array]], list[Array]]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Element type of the first result."""
        return self.outs[0].dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the first result."""
        return self.outs[0].shape


Rule: TypeAlias = Callable[..., Array | list[Array]]

#: The rule of each primitive, by the primitive's name.
RULES: Final[dict[str, Rule]] = {}


def add_rule(name: str, function: Rule) -> None:
    """Register a rule; a second one for a primitive is a bug."""
    if name in RULES:
        raise ValueError(f"primitive '{name}' has a rule already")
    RULES[name] = function


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Decorate the rule of one or several primitives."""

    def register(function: Rule) -> Rule:
        for name in names:
            add_rule(name, function)
        return function

    return register
