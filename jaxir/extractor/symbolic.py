"""Kernels with symbolic dims: `float32[b,4]` stands for every size of `b`, and the module for all of them.

Their StableHLO text is that of `jax.export.export(jax.jit(f), platforms=...)(*structs).mlir_module()`, printed without
source locations, which would name the file that a kernel happened to be executed from. `refined` gives the module for
one choice of sizes, which every oracle can run. See https://docs.jax.dev/en/latest/export/shape_poly.html.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import jax
import jax.export
from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo
from jaxlib.mlir.passmanager import PassManager

from jaxir.errors import Rejected
from jaxir.extractor.program import TensorType, parse
from jaxir.sample import ArraySpec

#: Calls that one module may hold once each has a function of its own.
MOST_CALLS: Final = 2_000

stablehlo.register_stablehlo_passes()


def symbols(specs: Iterable[ArraySpec]) -> tuple[str, ...]:
    """Names of the symbolic dims in the order in which they occur."""
    return tuple(dict.fromkeys(dim for spec in specs for dim in spec.shape if isinstance(dim, str)))


def spec_of(value: Any) -> ArraySpec:
    """The spec of an array or a traced value; symbolic dims as JAX prints them."""
    return ArraySpec(tuple(dim if isinstance(dim, int) else str(dim) for dim in value.shape), str(value.dtype))


def structs(specs: Sequence[ArraySpec]) -> list[jax.ShapeDtypeStruct]:
    """Specs as JAX traces them; equal names are equal dims."""
    scope = jax.export.SymbolicScope() if symbols(specs) else None

    def shape(spec: ArraySpec) -> tuple[Any, ...]:
        if all(isinstance(dim, int) for dim in spec.shape):
            return spec.shape
        return tuple(jax.export.symbolic_shape(",".join(map(str, spec.shape)), scope=scope))

    return [
        jax.ShapeDtypeStruct(shape(spec), jax.numpy.dtype(spec.dtype))  # type: ignore[no-untyped-call]  # jax
        for spec in specs
    ]


def exported_text(function: Callable[..., Any], specs: Sequence[ArraySpec], platforms: Sequence[str]) -> str:
    """StableHLO text of a function for every size of its symbolic dims."""
    jitted: Any = function if hasattr(function, "lower") else jax.jit(function)
    exported = jax.export.export(jitted, platforms=tuple(platforms))(*structs(specs))
    return str(parse(exported.mlir_module()).module)


def refined(text: str, inputs: Sequence[ArraySpec]) -> str:
    """The module for one choice of sizes, without dynamic ops and without the assertions on its arguments.

    Args:
        text: StableHLO text of `exported_text`.
        inputs: the argument types, sizes known.

    Raises:
        Rejected: stage `run`, where some type stays unknown.
    """
    program = parse(text)
    module, main = program.module, program.main
    types = [_sized(program.types[number], spec) for number, spec in zip(main.arguments, inputs, strict=True)]
    with module.context, ir.Location.unknown():
        for op in list(_calls(module, "stablehlo.custom_call")):
            if ir.StringAttr(op.attributes["call_target_name"]).value == "shape_assertion":
                op.erase()
        if next(_calls(module, "stablehlo.composite"), None):
            passes = PassManager.parse("builtin.module(func.func(stablehlo-legalize-composite-to-call))")
            passes.run(module.operation)
        _separate(module)
        refine = "stablehlo-refine-shapes,func.func(stablehlo-canonicalize-dynamism),symbol-dce"
        try:
            first = f"stablehlo-refine-arguments{{types={','.join(types)}}},{refine}"
            PassManager.parse(f"builtin.module({first})").run(module.operation)
            while "?" in str(module) and _fold(module):
                PassManager.parse(f"builtin.module({refine})").run(module.operation)
        except ir.MLIRError as error:
            raise Rejected("run", "shapes cannot be refined", " ".join(str(error).split())[:300]) from None
        made = str(module)
    if "?" in made:
        raise Rejected("run", "shapes cannot be refined", "a dynamic dim remains")
    return made


def _sized(value_type: TensorType, spec: ArraySpec) -> str:
    return f"tensor<{''.join(f'{size}x' for size in spec.shape)}{value_type.element}>"


def _calls(module: ir.Module | ir.Operation, name: str) -> Iterator[ir.Operation]:
    """The ops of a name inside of a module or function."""
    found: list[ir.Operation] = []

    def look(op: ir.Operation) -> ir.WalkResult:
        if op.name == name:
            found.append(op)
        return ir.WalkResult.ADVANCE

    module.operation.walk(look)
    return iter(found)


def _separate(module: ir.Module) -> None:
    """Give each call a function of its own: the refinement knows one set of sizes a function."""
    functions = {ir.StringAttr(view.operation.attributes["sym_name"]).value: view.operation for view in module.body}
    pending = [functions["main"]]
    count = 0
    while pending:
        for call in _calls(pending.pop(), "func.call"):
            count += 1
            if count > MOST_CALLS:
                raise Rejected("run", "shapes cannot be refined", f"more than {MOST_CALLS} calls")
            callee = ir.FlatSymbolRefAttr(call.attributes["callee"]).value
            made = functions[callee].clone(ip=ir.InsertionPoint(module.body))
            made.attributes["sym_name"] = ir.StringAttr.get(f"{callee}.call{count}")
            made.attributes["sym_visibility"] = ir.StringAttr.get("private")
            call.attributes["callee"] = ir.FlatSymbolRefAttr.get(f"{callee}.call{count}")
            pending.append(made)


def _fold(module: ir.Module) -> bool:
    """Replace calls on constants by their results, integers that sizes are made of; False if there is none.

    The refinement folds arithmetic of sizes itself, but not all of it: comparisons of booleans, say, stay.
    """
    calls = [call for call in _calls(module, "func.call") if _is_integral(call) and all(map(_constant, call.operands))]
    for call in calls:
        arguments = [_constant(operand).attributes["value"] for operand in call.operands]
        values = _results(module, ir.FlatSymbolRefAttr(call.attributes["callee"]).value, arguments)
        with ir.InsertionPoint(call):
            for result, value in zip(call.results, values, strict=True):
                result.replace_all_uses_with(stablehlo.constant(value))
        call.erase()
    return bool(calls)


def _is_integral(call: ir.Operation) -> bool:
    types = [ir.RankedTensorType(result.type) for result in call.results]
    return all(isinstance(one.element_type, ir.IntegerType) and one.has_static_shape for one in types)


def _constant(value: ir.Value[Any]) -> Any:
    """The op that makes a constant, or None."""
    owner = getattr(value.owner, "operation", None)  # a block, where the value is an argument, has none
    return owner if owner is not None and owner.name == "stablehlo.constant" else None


def _results(module: ir.Module, name: str, arguments: Sequence[ir.Attribute]) -> list[ir.Attribute]:
    """What a function returns for some arguments."""
    copy = ir.Module.parse(str(module))
    for view in copy.body:
        symbol = ir.StringAttr(view.operation.attributes["sym_name"]).value
        if symbol in (name, "main"):
            view.operation.attributes["sym_name"] = ir.StringAttr.get("main" if symbol == name else "entry")
            visibility = ir.StringAttr.get("public" if symbol == name else "private")
            view.operation.attributes["sym_visibility"] = visibility
    PassManager.parse("builtin.module(symbol-dce)").run(copy.operation)
    return list(stablehlo.eval_module(copy, arguments))
