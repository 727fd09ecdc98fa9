"""Stored IR text, compiled by XLA and run through the client of a device, or of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import jax
import numpy as np
import numpy.typing as npt
from jax.extend.backend import get_backend
from jaxlib import xla_client
from jaxlib.mlir import ir

from jaxir.executor.inputs import numpy_dtype
from jaxir.extractor.program import parse
from jaxir.sample import ArraySpec

Array = npt.NDArray[Any]

#: Few optimisations: a result is wanted, not speed. Both are XLA's debug options.
QUICK: Final = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}

#: What XLA refuses to compile though the module is sound: words of its error -> the known limit (jaxlib 0.10.2).
COMPILER_LIMITS: Final = {
    "custom element sizes on non-sub-byte types": "XLA loses track of packed 2-bit and 4-bit integers",
}


def _initialize_lapack() -> None:
    """Make JAX load SciPy's LAPACK: a call from parsed text kills the process before."""
    spec = jax.ShapeDtypeStruct((1, 1), np.float32)  # type: ignore[no-untyped-call]  # jax has no types here
    jax.jit(jax.lax.linalg.cholesky).lower(spec)


def _index(platforms: Sequence[str], device: Any) -> int:
    """Which of the platforms a device is of; JAX calls CUDA and ROCm devices `gpu`."""
    names = {"gpu": ("cuda", "rocm")}.get(device.platform, (device.platform,))
    return next(number for number, platform in enumerate(platforms) if platform in names)


def _whole(text: str) -> str:
    """A module for several devices whose arguments and results are whole on each: else the compiler splits them."""
    module = parse(text).module
    with module.context, ir.Location.unknown():
        views = [view.operation for view in module.body]
        mesh = next(ir.StringAttr(op.attributes["sym_name"]).value for op in views if op.name == "sdy.mesh")
        main = next(op for op in views if op.name == "func.func" and str(op.attributes["sym_name"]) == '"main"')
        signature = ir.FunctionType(ir.TypeAttr(main.attributes["function_type"]).value)
        for name, types in (("arg_attrs", signature.inputs), ("res_attrs", signature.results)):
            dims = [", ".join(["{}"] * ir.RankedTensorType(one).rank) for one in types]
            places = [ir.Attribute.parse(f"#sdy.sharding<@{mesh}, [{text}]>") for text in dims]
            main.attributes[name] = ir.ArrayAttr.get([ir.DictAttr.get({"sdy.sharding": place}) for place in places])
        return str(module)


class Executable:
    """A module that was compiled for one device, or for several that each hold all arguments and results.

    Args:
        text: StableHLO text with one `main`.
        outputs: types of its flat results.
        device: where it runs; by default the first one of JAX's default platform.
        platforms: what it was lowered for; a module for several takes the index of one as its first argument.
        options: XLA's debug options.
        num_devices: partitions of the module; they run on the first devices of the platform of `device`.

    Raises:
        Exception: whatever XLA raises for a module that it cannot compile.
    """

    def __init__(
        self,
        text: str,
        outputs: Sequence[ArraySpec],
        *,
        device: Any = None,
        platforms: Sequence[str] = ("cpu",),
        options: dict[str, Any] | None = None,
        x64: bool = False,
        num_devices: int = 1,
    ) -> None:
        if "@lapack_" in text:
            _initialize_lapack()
        self.device = device or jax.devices()[0]
        self.outputs = tuple(outputs)
        self.leading = [] if len(platforms) == 1 else [np.int32(_index(platforms, self.device))]
        self.x64 = x64
        compile_options = xla_client.CompileOptions()
        compile_options.env_option_overrides = [
            (name, str(value)) for name, value in (QUICK if options is None else options).items()
        ]
        build = compile_options.executable_build_options
        client = get_backend(self.device.platform)
        used = tuple(client.local_devices()[:num_devices]) if num_devices > 1 else (self.device,)
        build.device_assignment = xla_client.DeviceAssignment.create(np.array([[device.id for device in used]]))
        if num_devices > 1:
            build.num_partitions = num_devices
            build.use_spmd_partitioning = True
            build.use_shardy_partitioner = True
        devices = xla_client.DeviceList(used)
        self.placement: Any = self.device
        if num_devices > 1:
            mesh = jax.sharding.Mesh(np.array(used), ("devices",))
            self.placement = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())  # type: ignore[no-untyped-call]
        text = _whole(text) if num_devices > 1 else text
        self.executable = client.compile_and_load(text, devices, compile_options)

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """Run on arrays of the argument types; results are flat."""
        with jax.enable_x64(self.x64):
            placed = [jax.device_put(array, self.placement) for array in (*self.leading, *inputs)]
            results = self.executable.execute_sharded(placed).disassemble_into_single_device_arrays()
            arrays = [np.asarray(result[0]) for result in results]
        types = [numpy_dtype(spec.dtype) for spec in self.outputs]
        return [array.astype(dtype, copy=False) for array, dtype in zip(arrays, types, strict=True)]

    def hlo_text(self) -> str:
        """The optimised HLO."""
        return "\n".join(module.to_string() for module in self.executable.hlo_modules())
