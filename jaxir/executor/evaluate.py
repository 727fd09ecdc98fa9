"""Evaluate a jaxpr with NumPy: an implementation of JAX's primitives that shares nothing with XLA.

A traced function is a jaxpr: equations of primitives over typed variables. `evaluate` runs it equation by equation with
the rules of `numpy_rules`; no JAX operation is called and nothing is lowered or compiled.

    program = Evaluator(traced.jaxpr)
    results = program.run(inputs)

Sub-jaxprs of loops and branches are prepared once and run as often as needed. How far rounding alone may move a result
is measured in `jaxir.executor.rounding`.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from jax.extend.core import Literal

from jaxir.errors import Rejected
from jaxir.executor.numpy_rules import CONDITIONS, LIMITS, RULES, TOKEN, Array, Call, Condition, Rule, Type
from jaxir.executor.numpy_rules.dtypes import KEY

#: Equations that one run may execute before it counts as one that never ends; they take a few us each.
MAX_STEPS: Final = 200_000


def type_of(aval: Any) -> Type:
    """The type as NumPy stores it; typed threefry keys are pairs of words."""
    if not hasattr(aval, "dtype"):
        return TOKEN
    # Plain types are told apart first: to make their names takes time.
    is_plain = isinstance(aval.dtype, np.dtype)
    dtype = KEY if not is_plain and str(aval.dtype).startswith("key<") else np.dtype(aval.dtype)
    return Type(tuple(aval.shape), dtype)


def _open(jaxpr: Any) -> tuple[Any, Sequence[Any]]:
    """The jaxpr and the constants of a closed jaxpr, or of an open one, which has none."""
    return (jaxpr.jaxpr, jaxpr.consts) if hasattr(jaxpr, "consts") else (jaxpr, ())


def _inner(params: Any) -> Iterator[Any]:
    """The jaxprs among the parameters of an equation, which their names tell."""
    for name, value in params.items():
        if name.endswith(("jaxpr", "jaxprs", "branches")):
            for one in value if isinstance(value, tuple) else (value,):
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


@functools.cache
def _conditions_of(primitive: str) -> tuple[Condition, ...]:
    return tuple(condition for condition in CONDITIONS if condition.concerns(primitive))


def limit(closed_jaxpr: Any) -> str:
    """Why a jaxpr cannot be evaluated, `primitive: reason`, or "" where it can."""
    for equation in _equations(closed_jaxpr):
        name = equation.primitive.name
        if name not in RULES:
            return f"{name}: {LIMITS.get(name, 'has no rule')}"
        for condition in _conditions_of(name):
            if condition.when(equation):
                return f"{name}: {condition.reason}"
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
                self.slots.append(evaluator.store(np.asarray(atom.val, type_of(atom.aval).dtype)))
                return len(self.slots) - 1
            return numbers[id(atom)]

        self.parameters = [define(variable) for variable in (*jaxpr.constvars, *jaxpr.invars)]
        self.steps: list[_Step] = []
        for equation in jaxpr.eqns:
            name = equation.primitive.name
            outs = tuple(evaluator.stored(type_of(variable.aval)) for variable in equation.outvars)
            call = Call(name, equation.params, outs, evaluator.call)
            ins = tuple(map(use, equation.invars))
            results = tuple(map(define, equation.outvars))
            self.steps.append(
                _Step(evaluator.rule_of(equation), call, ins, results, equation.primitive.multiple_results)
            )
        self.results = list(map(use, jaxpr.outvars))


class Evaluator:
    """One closed jaxpr, ready to run on any inputs of its types.

    Args:
        closed_jaxpr: what `jax.jit(f).trace(...).jaxpr` gives.

    Raises:
        Rejected: stage `run`, for a jaxpr with a `limit`.
    """

    def __init__(self, closed_jaxpr: Any) -> None:
        reason = limit(closed_jaxpr)
        if reason:
            raise Rejected("run", "numpy oracle cannot run it", reason)
        self._jaxpr = closed_jaxpr
        self._prepared: dict[int, tuple[_Code, list[Array]]] = {}
        self._outs = [self.stored(type_of(variable.aval)) for variable in _open(closed_jaxpr)[0].outvars]
        self._steps = 0

    def stored(self, declared: Type) -> Type:
        """The type in which values of a declared type are kept."""
        return declared

    def store(self, value: Any) -> Array:
        """A constant or input as it is kept."""
        array = np.asarray(value)
        return array.astype(self.stored(Type(array.shape, array.dtype)).dtype, copy=False)

    def rule_of(self, equation: Any) -> Rule:
        """The rule that evaluates an equation."""
        return RULES[equation.primitive.name]

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """The flat results for arrays of the argument types.

        Raises:
            Rejected: stage `run`, after `MAX_STEPS` equations.
        """
        self._steps = 0
        with np.errstate(all="ignore"):
            results = self.call(self._jaxpr, list(map(self.store, inputs)))
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
            found = self._prepared[id(jaxpr)] = (_Code(self, opened), list(map(self.store, consts)))
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
