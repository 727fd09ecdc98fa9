"""Type-check templates by tracing them: is what they declare what JAX computes?"""

from __future__ import annotations

import ast
import dataclasses
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp

from jaxir.generator.compose import Composer, Quota, _Draft
from jaxir.generator.program import Call, Input, Program, Ref
from jaxir.generator.rng import Rng
from jaxir.generator.source import STYLES, write
from jaxir.generator.templates import Hole, Template
from jaxir.sample import DTYPES_64, ArraySpec

#: Drawn programs that a template's holes are tried with: one may have no derivative or no batching rule, which is the
#: candidate's fault (a run rejects it); if none of them works, it is the template's.
FILLERS: Final = 6


@dataclasses.dataclass(frozen=True)
class Problem:
    """A declared type that is wrong, with the place of the declaration."""

    path: str
    line: int
    template: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: template '{self.template}': {self.message}"


class _HoleMismatch(Exception):
    def __init__(self, hole: Hole, message: str) -> None:
        super().__init__(message)
        self.hole = hole


def check_template(template: Template, composers: Mapping[bool, Composer], bindings: int) -> Iterator[Problem]:
    """Trace a template over `bindings` draws of shapes, dtypes and options; yields each distinct problem once.

    The element types that it takes have their turns, those without x64 and those with x64 on alternately. Both the
    function itself and the kernel text that is made of it are traced, in every style.

    Args:
        template: what to check.
        composers: by whether x64 is on, as `plan.composers` gives them.
        bindings: how many draws; a template that takes more element types sees as many of them.
    """
    seen: set[tuple[int, str]] = set()
    drawn = 0
    known = {name for composer in composers.values() for name in composer.shapes.dtypes}
    dtypes = _turns([name for name in template.steered.dtypes if name in known], Rng("types", template.name))
    for number in range(bindings):
        rng = Rng("check", template.name, number)
        quota = Quota(rank=number % 4, dtype=dtypes[number % len(dtypes)] if dtypes else None)
        x64 = quota.dtype in DTYPES_64
        problem: Problem | None = None
        for _ in range(FILLERS if template.holes else 1):
            draft = next(filter(None, (composers[x64].draft(template, rng, quota=quota) for _ in range(8))), None)
            if draft is None:
                break
            drawn += 1
            with jax.enable_x64(x64):
                problem = _check_draft(template, draft) or _check_text(template, draft, STYLES[number % len(STYLES)])
            if not problem:
                break
        if problem and (problem.line, problem.message) not in seen:
            seen.add((problem.line, problem.message))
            yield problem
            if len(seen) >= 3:
                return
    if not drawn:
        message = "no binding of its types is within the limits; check its dims and fixed sizes"
        yield Problem(str(template.source.path), template.line, template.name, message)


def _turns(dtypes: Sequence[str], rng: Rng) -> list[str]:
    """The types in random order, those without and with x64 alternately as long as there are both."""
    mixed = rng.shuffled(dtypes)
    modes = [[name for name in mixed if (name in DTYPES_64) == x64] for x64 in (False, True)]
    return [name for pair in itertools.zip_longest(*modes) for name in pair if name]


def _problem(template: Template, line: int, message: str) -> Problem:
    return Problem(str(template.source.path), line, template.name, message)


def _context(template: Template, draft: _Draft) -> str:
    given = ", ".join(f"{item.name}: {spec}" for item, spec in zip(template.parameters, draft.specs, strict=True))
    chosen = ", ".join(f"{name}={value!r}" for name, value in draft.options.items())
    return f"with {given}" + (f", {chosen}" if chosen else "")


def _structs(specs: tuple[ArraySpec, ...]) -> list[jax.ShapeDtypeStruct]:
    return [
        jax.ShapeDtypeStruct(tuple(map(int, spec.shape)), jnp.dtype(spec.dtype))  # type: ignore[no-untyped-call]  # jax
        for spec in specs
    ]


def _traced(fn: Callable[..., Any], specs: tuple[ArraySpec, ...]) -> Any:
    return jax.eval_shape(fn, *_structs(specs))


def _spec_of(value: Any) -> str:
    return str(ArraySpec(tuple(value.shape), str(value.dtype)))


def _check_draft(template: Template, draft: _Draft) -> Problem | None:
    context = _context(template, draft)
    stubs = {hole.name: _stub(hole, draft.holes[hole.name]) for hole in template.holes}

    def call(*arrays: Any) -> Any:
        return template.fn(*arrays, **draft.options, **stubs)

    try:
        results = _traced(call, draft.specs)
    except _HoleMismatch as error:
        return _problem(template, error.hole.line, f"{error} ({context})")
    except Exception as error:
        first = (str(error).strip().splitlines() or [""])[0]
        return _problem(template, template.line, f"tracing raises {type(error).__name__}: {first} ({context})")
    got = list(results) if isinstance(results, tuple | list) else [results]
    if isinstance(results, tuple | list) != template.returns_tuple or len(got) != len(draft.results):
        declared = f"{len(draft.results)} array(s)" + (" in a tuple" if template.returns_tuple else "")
        return _problem(template, template.line, f"declares {declared}, returns {len(got)} ({context})")
    for declared_type, expected, value in zip(template.results, draft.results, got, strict=True):
        if _spec_of(value) != str(expected):
            line = getattr(_result_line(template), "lineno", template.line)
            message = f"the result is declared {declared_type} = {expected}, traced {_spec_of(value)} ({context})"
            return _problem(template, line, message)
    return None


def _result_line(template: Template) -> Any:
    for node in ast.parse(template.source.path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == template.name:
            return node.returns
    return None


def _stub(hole: Hole, program: Program) -> Callable[..., Any]:
    """Stands in for a hole's body: checks what it is given, returns zeros of the declared type."""

    def stub(*arrays: Any) -> Any:
        if len(arrays) != len(program.inputs):
            raise _HoleMismatch(
                hole, f"hole '{hole.name}' takes {len(program.inputs)} array(s), is given {len(arrays)}"
            )
        for declared, item, value in zip(hole.parameters, program.inputs, arrays, strict=True):
            got = _spec_of(jnp.asarray(value))
            if got != str(item.spec):
                raise _HoleMismatch(
                    hole, f"hole '{hole.name}' is declared to take {declared} = {item.spec}, is given {got}"
                )
        result = program.results[0]
        return jnp.zeros(tuple(map(int, result.shape)), result.dtype)

    return stub


def _check_text(template: Template, draft: _Draft, style: str) -> Problem | None:
    """The kernel text of the same call: the options folded, the names replaced, the holes filled."""
    inputs = tuple(Input(spec, item.name) for spec, item in zip(draft.specs, template.parameters, strict=True))
    references = tuple(Ref("input", position) for position in range(len(inputs)))
    program = Program(inputs, (Call(template, draft.options, references, draft.holes, draft.results),))
    try:
        text = write(program, (), style, docstring=True)
        namespace: dict[str, Any] = {}
        exec(compile(text.source, f"<{template.name}>", "exec"), namespace)
        results = _traced(namespace[text.function_name], draft.specs)
    except Exception as error:
        first = (str(error).strip().splitlines() or [""])[0]
        message = f"its text in style '{style}' raises {type(error).__name__}: {first} ({_context(template, draft)})"
        return _problem(template, template.line, message)
    got = list(results) if isinstance(results, tuple | list) else [results]
    if [_spec_of(value) for value in got] != [str(spec) for spec in draft.results]:
        return _problem(template, template.line, f"its text in style '{style}' gives other types than the function")
    return None
