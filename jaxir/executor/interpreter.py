"""The StableHLO reference interpreter on one program.

It needs no compilation (about 0.3 ms where a compile takes 25 ms), and it is a second implementation, not the compiler
that JAX uses. Foreign IR may kill or hang it: run it in a worker process that may die, with a deadline.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from jax.interpreters import mlir
from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo
from jaxlib.mlir.passmanager import PassManager

from jaxir.errors import Rejected
from jaxir.executor.cures import CURES, widen_results
from jaxir.executor.inputs import numpy_dtype
from jaxir.extractor.program import Program
from jaxir.sample import ArraySpec

Array = npt.NDArray[Any]

stablehlo.register_stablehlo_passes()


def _constant(array: Array) -> ir.Attribute:
    contiguous: Any = np.ascontiguousarray(array)
    return ir.DenseElementsAttr.get(contiguous, type=mlir.dtype_to_ir_type(array.dtype), shape=array.shape)


class Interpreter:
    """The StableHLO reference interpreter on one program. It takes the program's module over and changes it."""

    def __init__(self, program: Program, outputs: Sequence[ArraySpec]) -> None:
        self.module = program.module
        self.outputs = tuple(outputs)
        names = {op.name for op in program.ops()}
        with self.module.context, ir.Location.unknown():
            if "stablehlo.composite" in names:
                passes = PassManager.parse("builtin.module(func.func(stablehlo-legalize-composite-to-call))")
                passes.run(self.module.operation)
            if any(name.startswith("chlo.") for name in names):
                passes = PassManager.parse("builtin.module(func.func(chlo-legalize-to-stablehlo))")
                passes.run(self.module.operation)
                names |= CURES.keys()  # an expansion may hold any op
            if names & CURES.keys():
                found: list[ir.Operation] = []

                def collect(op: ir.Operation) -> ir.WalkResult:
                    if op.name in CURES:
                        found.append(op)
                    return ir.WalkResult.ADVANCE

                self.module.operation.walk(collect)
                for op in found:
                    CURES[op.name](op)
            functions = {ir.StringAttr(view.operation.attributes["sym_name"]).value: view for view in self.module.body}
            widen_results(functions["main"].operation)
            if not self.module.operation.verify():
                raise Rejected("run", "prepared module does not verify")

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """Run on arrays of the argument types; results have the types of `outputs`."""
        with self.module.context, ir.Location.unknown():
            attributes = [_constant(array) for array in inputs]
            raw = iter([np.array(result) for result in stablehlo.eval_module(self.module, attributes)])
        results = []
        for spec in self.outputs:
            array = next(raw)
            if spec.dtype.startswith("complex"):
                array = array + 1j * next(raw)
            results.append(array.astype(numpy_dtype(spec.dtype)))
        return results
