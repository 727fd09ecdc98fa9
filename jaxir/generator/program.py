"""A program: template calls that feed one another, before it becomes text."""

from __future__ import annotations

import dataclasses

from jaxir.generator.templates import OptionValue, Template
from jaxir.sample import ArraySpec


@dataclasses.dataclass(frozen=True)
class Ref:
    """Where an argument comes from: an input of the program, or the result of one of its calls."""

    kind: str  #: "input" or "call"
    index: int


@dataclasses.dataclass(frozen=True)
class Input:
    """An input of a program; `hint` is the name it would like to have."""

    spec: ArraySpec
    hint: str


@dataclasses.dataclass(frozen=True, eq=False)
class Call:
    """One use of a template: its options, arguments, and the sub-programs in its holes."""

    template: Template
    options: dict[str, OptionValue]
    arguments: tuple[Ref, ...]
    holes: dict[str, Program]
    results: tuple[ArraySpec, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Program:
    """Calls in dependency order; the last one is the root, whose results are the program's."""

    inputs: tuple[Input, ...]
    calls: tuple[Call, ...]

    @property
    def root(self) -> Call:
        return self.calls[-1]

    @property
    def results(self) -> tuple[ArraySpec, ...]:
        return self.root.results

    def templates(self) -> tuple[Template, ...]:
        """Every template used, sub-programs included, in source order."""
        return tuple(call.template for call in all_calls(self))


def all_calls(program: Program) -> list[Call]:
    """Every call, those of sub-programs included, in source order."""
    found: list[Call] = []
    for call in program.calls:
        for inner in call.holes.values():
            found.extend(all_calls(inner))
        found.append(call)
    return found


@dataclasses.dataclass(frozen=True)
class Wrap:
    """A transform around a program, from the inside out.

    * `grad`, `value_and_grad`: `argnums` says with respect to what; `reduce` (`sum`, `mean`) makes a scalar.
    * `vmap`: `in_axes` is 0 or None for each input; `size` is the batch size.
    * `jvp`: tangents become further inputs.
    * `checkpoint`: rematerialise; it only shows under `grad`.
    """

    transform: str
    argnums: tuple[int, ...] = ()
    reduce: str = ""
    in_axes: tuple[int | None, ...] = ()
    size: int = 0
