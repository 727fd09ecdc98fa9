"""Evaluate a jaxpr with NumPy: an implementation of JAX's primitives that shares nothing with XLA.

A traced function is a jaxpr: equations of primitives over typed variables. `evaluate` runs it equation by equation with
the rules of `numpy_rules`; no JAX operation is called and nothing is lowered or compiled.

    program = Evaluator(traced.jaxpr)
    results = program.run(inputs)

Sub-jaxprs of loops and branches are prepared once and run as often as needed. The same rules run in 64 bits throughout
(`precise=True`), and the difference, `rounding_error`, is what rounding alone does to a result: two right
implementations may differ by about that much and should not by more.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
from jax.extend.core import Literal

from jaxir.errors import Rejected
from jaxir.executor.numpy_rules import CONDITIONS, LIMITS, RULES, Array, Call, Rule, Type
from jaxir.executor.numpy_rules.dtypes import KEY, kind

#: Equations that one run may execute before it counts as one that never ends; they take a few us each.
MAX_STEPS: Final = 200_000


#: Primitives that mean a certain type and no wider one, in 64-bit evaluation too: they round on purpose or count bits.
_TYPED: Final = frozenset({"convert_element_type", "bitcast_convert_type", "nextafter"})


def _type(aval: Any) -> Type:
    """The type as NumPy stores it; typed threefry keys are pairs of words."""
    dtype = KEY if str(aval.dtype).startswith("key<") else np.dtype(aval.dtype)
    return Type(tuple(aval.shape), dtype)


def _keep(declared: Type) -> Type:
    return declared


def _in_64_bits(declared: Type) -> Type:
    letter = kind(declared.dtype)
    if letter not in "fc":
        return declared
    return Type(declared.shape, np.dtype(np.float64 if letter == "f" else np.complex128))


def _typed(rule: Rule, ins: Sequence[Type], declared: Call, outs: Sequence[Type]) -> Rule:
    """A rule that works in the declared types between operands and results of 64 bits."""

    def apply(call: Call, *operands: Array) -> Array:
        narrow = [value.astype(one.dtype) for value, one in zip(operands, ins, strict=True)]
        made: Any = rule(declared, *narrow)
        return made.astype(outs[0].dtype)  # type: ignore[no-any-return]

    return apply


def _open(jaxpr: Any) -> tuple[Any, Sequence[Any]]:
    """The jaxpr and the constants of a closed jaxpr, or of an open one, which has none."""
    return (jaxpr.jaxpr, jaxpr.consts) if hasattr(jaxpr, "consts") else (jaxpr, ())


def _inner(params: Any) -> Iterator[Any]:
    """The jaxprs among the parameters of an equation."""
    for value in params.values():
        for one in value if isinstance(value, (tuple, list)) else (value,):
            if hasattr(one, "eqns"):
                yield one


def _equations(jaxpr: Any) -> Iterator[Any]:
    """All equations, those of sub-jaxprs included."""
    for equation in _open(jaxpr)[0].eqns:
        yield equation
        for inner in _inner(equation.params):
            yield from _equations(inner)


def missing(closed_jaxpr: Any) -> set[str]:
    """Names of the primitives of a jaxpr, sub-jaxprs included, that have no rule."""
    return {equation.primitive.name for equation in _equations(closed_jaxpr)} - RULES.keys()


def limit(closed_jaxpr: Any) -> str:
    """Why a jaxpr cannot be evaluated, `primitive: reason`, or "" where it can."""
    for name in sorted(missing(closed_jaxpr)):
        return f"{name}: {LIMITS.get(name, 'has no rule')}"
    for equation in _equations(closed_jaxpr):
        for condition in CONDITIONS:
            if condition.concerns(equation):
                return f"{equation.primitive.name}: {condition.reason}"
    return ""


@dataclasses.dataclass(frozen=True, slots=True)
class _Step:
    """One equation: values of slots to values of slots."""

    rule: Rule
    call: Call
    ins: tuple[int, ...]
    outs: tuple[int, ...]
    multiple: bool  #: the rule gives a list


class _Code:
    """A jaxpr as steps over numbered slots; slots of literals are filled beforehand."""

    def __init__(self, evaluator: Evaluator, jaxpr: Any) -> None:
        self.slots: list[Any] = []
        numbers: dict[int, int] = {}

        def define(variable: Any) -> int:
            numbers[id(variable)] = len(self.slots)
            self.slots.append(None)
            return numbers[id(variable)]

        def use(atom: Any) -> int:
            if isinstance(atom, Literal):
                declared = _type(atom.aval)
                self.slots.append(np.asarray(atom.val, declared.dtype).astype(evaluator.stored(declared).dtype))
                return len(self.slots) - 1
            return numbers[id(atom)]

        self.parameters = [define(variable) for variable in (*jaxpr.constvars, *jaxpr.invars)]
        self.steps: list[_Step] = []
        for equation in jaxpr.eqns:
            name = equation.primitive.name
            declared = tuple(_type(variable.aval) for variable in equation.outvars)
            outs = tuple(map(evaluator.stored, declared))
            rule = RULES[name]
            if name in _TYPED and evaluator.precise:
                operands = [_type(atom.aval) for atom in equation.invars]
                rule = _typed(rule, operands, Call(name, equation.params, declared, evaluator.call), outs)
            call = Call(name, equation.params, outs, evaluator.call)
            ins = tuple(map(use, equation.invars))
            results = tuple(map(define, equation.outvars))
            self.steps.append(_Step(rule, call, ins, results, equation.primitive.multiple_results))
        self.results = list(map(use, jaxpr.outvars))


class Evaluator:
    """One closed jaxpr, ready to run on any inputs of its types.

    Args:
        closed_jaxpr: what `jax.jit(f).trace(...).jaxpr` gives.
        precise: compute in 64 bits whatever the types say; floats and complex numbers come out in 64 bits.

    Raises:
        Rejected: stage `run`, for a jaxpr with a `limit`.
    """

    def __init__(self, closed_jaxpr: Any, *, precise: bool = False) -> None:
        reason = limit(closed_jaxpr)
        if reason:
            raise Rejected("run", "numpy oracle cannot run it", reason)
        self.precise = precise
        self.stored: Callable[[Type], Type] = _in_64_bits if precise else _keep
        self._jaxpr = closed_jaxpr
        self._prepared: dict[int, tuple[_Code, list[Array]]] = {}
        self._ins, self._outs = (
            [self.stored(_type(variable.aval)) for variable in variables]
            for variables in (_open(closed_jaxpr)[0].invars, _open(closed_jaxpr)[0].outvars)
        )
        self._steps = 0

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """The flat results for arrays of the argument types.

        Raises:
            Rejected: stage `run`, after `MAX_STEPS` equations.
        """
        self._steps = 0
        with np.errstate(all="ignore"):
            operands = [np.asarray(value).astype(one.dtype) for value, one in zip(inputs, self._ins, strict=True)]
            results = self.call(self._jaxpr, operands)
        for result, out in zip(results, self._outs, strict=True):
            if result.shape != out.shape:
                raise TypeError(f"a rule gave the shape {result.shape} where tracing found {out.shape}")
        return results

    def call(self, jaxpr: Any, operands: Sequence[Array]) -> list[Array]:
        """Results of a jaxpr, closed or without constants, on its operands."""
        found = self._prepared.get(id(jaxpr))
        if found is None:
            opened, consts = _open(jaxpr)
            # The jaxpr is held by the program, so that its id stays its own.
            arrays = [np.asarray(const) for const in consts]
            types = [self.stored(Type(array.shape, array.dtype)) for array in arrays]
            arrays = [array.astype(one.dtype, copy=False) for array, one in zip(arrays, types, strict=True)]
            found = self._prepared[id(jaxpr)] = (_Code(self, opened), arrays)
        code, consts = found
        values = code.slots.copy()
        for slot, value in zip(code.parameters, [*consts, *operands], strict=True):
            values[slot] = value
        self._steps += len(code.steps) + 1
        if self._steps > MAX_STEPS:
            raise Rejected("run", "too many steps", f"more than {MAX_STEPS} equations")
        for step in code.steps:
            made: Any = step.rule(step.call, *[values[slot] for slot in step.ins])
            results = made if step.multiple else (made,)
            for slot, result, out in zip(step.outs, results, step.call.outs, strict=True):
                array = np.asarray(result)
                if array.dtype != out.dtype:
                    raise TypeError(f"the rule of '{step.call.name}' gave {array.dtype}, not {out.dtype}")
                values[slot] = array
        return [values[slot] for slot in code.results]


def evaluate(closed_jaxpr: Any, inputs: Sequence[Array]) -> list[Array]:
    """The flat results of a closed jaxpr on arrays of its argument types.

    Raises:
        Rejected: stage `run`, for a jaxpr with a `limit` and for one that does not end.
    """
    return Evaluator(closed_jaxpr).run(inputs)


def rounding_error(closed_jaxpr: Any, inputs: Sequence[Array]) -> list[Array]:
    """For each element of each result the distance between evaluation as typed and in 64 bits.

    It is inf where only one of them is finite, and 0 for results without fractions that are equal.

    Raises:
        Rejected: as `evaluate`.
    """
    errors = []
    for typed, precise in zip(
        Evaluator(closed_jaxpr).run(inputs), Evaluator(closed_jaxpr, precise=True).run(inputs), strict=True
    ):
        if kind(precise.dtype) not in "iufcb":
            errors.append(np.where(typed == precise, 0.0, np.inf))
            continue
        wide = np.complex128 if kind(precise.dtype) == "c" else np.float64
        expected, actual = precise.astype(wide), typed.astype(wide)
        with np.errstate(all="ignore"):
            distance = np.abs(expected - actual)
        same = (expected == actual) | (np.isnan(expected) & np.isnan(actual))
        errors.append(np.where(same, 0.0, np.where(np.isnan(distance), np.inf, distance)))
    return errors
