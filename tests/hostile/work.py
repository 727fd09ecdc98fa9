"""What the child processes of the isolation tests do; importing this module starts no backend."""

from __future__ import annotations

from typing import Any

import jax
from jax.interpreters import mlir
from jaxlib import xla_client
from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo

from jaxir.errors import Rejected
from jaxir.extractor.lower import load
from jaxir.extractor.program import parse


def execute(payload: dict[str, Any]) -> dict[str, Any]:
    """Run a source and, where it defines `kernel`, trace and call it on one number."""
    try:
        kernel = load(payload["python_source"], "kernel")
    except Rejected as rejected:
        if rejected.reason == "no such function":
            return {"ran": True}
        raise
    return {"result": float(jax.jit(kernel)(1.0))}


def _interpret(module: ir.Module) -> str:
    arguments = []
    for argument in module.body.operations[0].operation.regions[0].blocks[0].arguments:
        arguments.append(ir.DenseElementsAttr.get_splat(argument.type, _one(ir.RankedTensorType(argument.type))))
    stablehlo.eval_module(module, arguments)
    return "interpreted"


def _one(kind: ir.RankedTensorType) -> ir.Attribute:
    element = kind.element_type
    return ir.IntegerAttr.get(element, 1) if isinstance(element, ir.IntegerType) else ir.FloatAttr.get(element, 1.0)


def _compile(module: ir.Module) -> str:
    client = jax.devices("cpu")[0].client
    devices = xla_client.DeviceList(tuple(client.local_devices()[:1]))
    client.compile_and_load(str(module), devices, xla_client.CompileOptions()).execute([])
    return "compiled and run"


def run_module(payload: dict[str, Any]) -> dict[str, Any]:
    """Take a module as far as `payload["action"]` says, without jaxir's own checks: only the process protects."""
    context = mlir.make_ir_context()
    context.enable_multithreading(False)
    with context, ir.Location.unknown():
        try:
            module = ir.Module.parse(payload["stablehlo"])
            done = {"parse": str, "interpret": _interpret, "compile": _compile}[payload["action"]](module)
        except Exception as error:
            return {"refused": type(error).__name__}
    return {"did": payload["action"] if payload["action"] == "parse" else done}


def try_modules(payload: dict[str, Any]) -> dict[str, Any]:
    """Parse and interpret many modules; the number of the one that is tried is printed, so that a death tells."""
    seen = {"refused": 0, "interpreted": 0}
    for number, text in enumerate(payload["texts"]):
        print(f"at {number}", flush=True)
        try:
            program = parse(text)
            with program.module.context, ir.Location.unknown():
                seen[_interpret(program.module)] += 1
        except Exception:
            seen["refused"] += 1
    return seen
