"""Which element types templates take beyond and short of the usual ones: `types.yaml` of a template folder.

A dtype class such as `Float` stands for the types that JAX has everything for: those of 8 to 64 bits that NumPy knows,
and bfloat16. Whether a template is right for float8 or int4 too, or with x64 on, its annotations do not say; this file
does, and `jaxir templates check` holds it to that:

    x64_off: [histogram]                  # what it gives under x64 has other types than it declares
    low_bit:
      - types: [float8_e4m3fn, int4]      # those that its classes mean are taken
        templates: [add, negate]
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from jaxir.config import explain, read_yaml
from jaxir.errors import UserError
from jaxir.sample import LOW_BIT

FILE = "types.yaml"


def _known(name: str) -> str:
    if name not in LOW_BIT:
        raise ValueError(f"expected one of {', '.join(LOW_BIT)}")
    return name


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class LowBit:
    """Low-bit types, and the templates that take them."""

    types: tuple[Annotated[str, AfterValidator(_known)], ...]
    templates: tuple[str, ...]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class ElementTypes:
    """The file; each template that stands in neither list takes the usual types."""

    x64_off: tuple[str, ...] = ()
    low_bit: tuple[LowBit, ...] = ()

    def low_bit_of(self, template: str) -> frozenset[str]:
        """The low-bit types of a template."""
        return frozenset(name for group in self.low_bit if template in group.templates for name in group.types)

    @property
    def names(self) -> frozenset[str]:
        """Every template that it speaks of."""
        return frozenset(self.x64_off).union(*(group.templates for group in self.low_bit))


_OWNERS: Mapping[str, type] = {"": ElementTypes, "low_bit": LowBit}


def read(folder: Path) -> ElementTypes:
    """The file of a template folder; where there is none, an empty one.

    Raises:
        UserError: no YAML, an unknown key, or a type that is no low-bit type.
    """
    path = folder / FILE
    if not path.is_file():
        return ElementTypes()
    try:
        return TypeAdapter(ElementTypes).validate_python(read_yaml(path))
    except ValidationError as error:
        raise UserError(explain(error.errors()[0], path, _OWNERS)) from None
