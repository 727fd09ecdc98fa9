"""The StableHLO reference interpreter on one program.

It needs no compilation (about 0.3 ms where a compile takes 25 ms), and it is a second implementation, not the compiler
that JAX uses. Foreign IR may kill or hang it: run it in a worker process that may die, with a deadline.

What it lacks and NumPy or SciPy have (`jaxir.executor.hostcalls`) is run by them: the module is inlined and cut at each
such op into stages, and the arrays go from stage to stage.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from jax.interpreters import mlir
from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo
from jaxlib.mlir.passmanager import PassManager

from jaxir.errors import Rejected
from jaxir.executor.cures import CURES, declare, widen_results
from jaxir.executor.hostcalls import HOST_OPS, HostCall, is_host_call
from jaxir.executor.inputs import element_name, numpy_dtype
from jaxir.executor.numpy_rules import Type
from jaxir.extractor.program import Program, parse
from jaxir.sample import ArraySpec

Array = npt.NDArray[Any]

stablehlo.register_stablehlo_passes()


def _constant(array: Array) -> ir.Attribute:
    contiguous: Any = np.ascontiguousarray(array)
    return ir.DenseElementsAttr.get(contiguous, type=mlir.dtype_to_ir_type(array.dtype), shape=array.shape)


def _functions(module: Any) -> dict[str, ir.Operation]:
    return {ir.StringAttr(view.operation.attributes["sym_name"]).value: view.operation for view in module.body}


def _block(function: ir.Operation) -> Any:
    return function.regions[0].blocks[0]


def _pass(module: Any, pipeline: str) -> None:
    PassManager.parse(f"builtin.module({pipeline})").run(module.operation)


class _Stage:
    """One module under the interpreter. It takes the program's module over and changes it."""

    def __init__(self, module: Any, names: set[str], outputs: Sequence[ArraySpec]) -> None:
        self.module = module
        self.outputs = tuple(outputs)
        with self.module.context, ir.Location.unknown():
            if any(name.startswith("chlo.") for name in names):
                _pass(self.module, "func.func(chlo-legalize-to-stablehlo)")
                names = names | CURES.keys()  # an expansion may hold any op
            if names & CURES.keys():
                found: list[ir.Operation] = []

                def collect(op: ir.Operation) -> ir.WalkResult:
                    if op.name in CURES:
                        found.append(op)
                    return ir.WalkResult.ADVANCE

                self.module.operation.walk(collect)
                for op in reversed(found):  # a token's users before the token
                    CURES[op.name](op)
            widen_results(_functions(self.module)["main"])
            if not self.module.operation.verify():
                raise Rejected("run", "prepared module does not verify")

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        with self.module.context, ir.Location.unknown():
            attributes = [_constant(array) for array in inputs]
            raw = iter([np.array(result) for result in stablehlo.eval_module(self.module, attributes)])
        results = []
        for spec in self.outputs:
            array = next(raw)
            made = np.empty(array.shape, numpy_dtype(spec.dtype))
            if spec.dtype.startswith("complex"):
                made.real, made.imag = array, next(raw)  # a sum with 1j times infinity would have NaNs
            else:
                made[...] = array
            results.append(made)
        return results


@dataclasses.dataclass(frozen=True)
class _Cut:
    """A call of the host, and the stage that computes its operands."""

    stage: _Stage
    call: HostCall


class Interpreter:
    """The StableHLO reference interpreter on one program. It takes the program's module over and changes it."""

    def __init__(self, program: Program, outputs: Sequence[ArraySpec]) -> None:
        names = {op.name for op in program.ops()}
        if "stablehlo.composite" in names:
            with program.module.context:
                _pass(program.module, "func.func(stablehlo-legalize-composite-to-call)")
        self._cuts: list[_Cut] = []
        module = program.module
        if any(is_host_call(op, program.types) for op in program.ops()):
            module = self._cut(module, names)
        self._last = _Stage(module, names, outputs)

    def _cut(self, module: Any, names: set[str]) -> Any:
        """Make the stages but the last, whose module is returned."""
        with module.context, ir.Location.unknown():
            _inline_host_calls(module)
            text = str(module)
            flat = parse(text)
            places = [place for place, op in enumerate(flat.main.ops) if is_host_call(op, flat.types)]
            for number, place in enumerate(places):
                op = flat.main.ops[place]
                takes, gives = (
                    [(flat.types[value].dims, element_name(flat.types[value].element)) for value in values]
                    for values in (op.operands, op.results)
                )
                operands = [ArraySpec(dims, dtype) for dims, dtype in takes]
                stage = _Stage(_staged(text, places[: number + 1], to_the_end=False), names, operands)
                self._cuts.append(_Cut(stage, HostCall(op, [Type(dims, numpy_dtype(dtype)) for dims, dtype in gives])))
            return _staged(text, places, to_the_end=True)

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """Run on arrays of the argument types; results have the types of `outputs`."""
        known = list(inputs)
        for cut in self._cuts:
            known += cut.call.run(cut.stage.run(known))
        return self._last.run(known)


def _inline_host_calls(module: Any) -> None:
    """Put into `main` what it calls, where that leads to a host call (MLIR's own pass leaves StableHLO as it is)."""
    functions = _functions(module)

    @functools.cache
    def holds(name: str) -> bool:
        ops = [view.operation for view in _block(functions[name]).operations]
        return any(op.name in HOST_OPS or holds_call(op) for op in ops)

    def holds_call(op: ir.Operation) -> bool:
        return op.name == "func.call" and holds(_callee(op))

    pending = [view.operation for view in _block(functions["main"]).operations]
    while pending:
        op = pending.pop()
        if holds_call(op):
            pending += _inlined(op, functions[_callee(op)])


def _callee(op: ir.Operation) -> str:
    return ir.FlatSymbolRefAttr(op.attributes["callee"]).value


def _inlined(call: ir.Operation, function: ir.Operation) -> list[ir.Operation]:
    """Replace a call by copies of the function's ops, which are returned."""
    block = _block(function)
    values: dict[ir.Value[Any], ir.Value[Any]] = dict(zip(block.arguments, call.operands, strict=True))

    def renamed(op: ir.Operation) -> ir.WalkResult:
        for position, operand in enumerate(op.operands):
            if operand in values:
                op.operands[position] = values[operand]
        return ir.WalkResult.ADVANCE

    *body, terminator = [view.operation for view in block.operations]
    copies = []
    for op in body:
        copy = op.clone(ip=ir.InsertionPoint(call)).operation
        copy.walk(renamed)
        values.update(zip(op.results, copy.results, strict=True))
        copies.append(copy)
    for result, operand in zip(call.results, terminator.operands, strict=True):
        result.replace_all_uses_with(values[operand])
    call.erase()
    return copies


def _staged(text: str, places: Sequence[int], *, to_the_end: bool) -> Any:
    """A module without some ops of `main`: their results are further arguments of it.

    Args:
        text: of a module whose host calls are all in `main`.
        places: of host calls, in order.
        to_the_end: compute the results of `main`; otherwise the operands of the last of these host calls.
    """
    module = ir.Module.parse(text)
    functions = _functions(module)
    block = _block(functions["main"])
    ops = [view.operation for view in block.operations]
    terminator = ops[-1]
    given = [ops[place] for place in places]
    if not to_the_end:
        with ir.InsertionPoint(terminator):
            ended = ir.Operation.create("func.return", operands=list(given.pop().operands))
        terminator.erase()
        terminator = ended
    for op in given:
        for result in op.results:
            result.replace_all_uses_with(block.add_argument(result.type, ir.Location.unknown()))
    declare(functions["main"], [operand.type for operand in terminator.operands])
    for op in reversed(ops[:-1]):
        if not any(True for result in op.results for _ in result.uses):
            op.erase()
    _pass(module, "symbol-dce")
    return module
