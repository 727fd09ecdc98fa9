"""`RuntimeConfig`: how JAX runs here (device, memory, compile cache, monitoring), as YAML and as environment variables.

It holds nothing that changes what is generated; see `configs/runtime.yaml` for every key.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from jaxir import config, resources
from jaxir.errors import UserError

Backend = Literal["auto", "cpu", "gpu", "tpu", "all"]
Count = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(gt=0, le=1)]

_STRICT = ConfigDict(extra="forbid")
#: Variables that say which GPUs a process sees.
_VISIBLE: Final = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")


@dataclass(frozen=True, config=_STRICT)
class Execution:
    """What a computation may assume: 64-bit types; a folder for compiled programs, with a size in bytes."""

    x64: bool = False
    compile_cache: Path | None = None
    compile_cache_bytes: Count | None = None


@dataclass(frozen=True, config=_STRICT)
class DeviceRules:
    """Which devices are used and how much of them."""

    backend: Backend = "auto"
    fallback: bool = True
    memory_fraction: Fraction | None = None
    preallocate: bool = True
    virtual_cpu_devices: Count = 1
    parallel_devices: Count | None = None

    @property
    def cpu_devices(self) -> int:
        """Devices that the CPU shows as."""
        return min(self.virtual_cpu_devices, self.parallel_devices or self.virtual_cpu_devices)

    def visible_gpus(self) -> dict[str, str]:
        """Variables by which a process sees the first GPUs only; a number that no GPU has ends the list, no more."""
        most = self.parallel_devices
        if most is None:
            return {}
        everything = ",".join(map(str, range(most)))
        return {name: ",".join(os.environ.get(name, everything).split(",")[:most]) for name in _VISIBLE}


@dataclass(frozen=True, config=_STRICT)
class Monitoring:
    """What is recorded of a script beside its results; see `jaxir.executor.metrics`."""

    compilation: bool = True
    memory: bool = True


@dataclass(frozen=True, config=_STRICT)
class RuntimeConfig:
    """How JAX runs."""

    execution: Execution = dataclasses.field(default_factory=Execution)
    device: DeviceRules = dataclasses.field(default_factory=DeviceRules)
    monitoring: Monitoring = dataclasses.field(default_factory=Monitoring)

    def environment(self, platform: str = "") -> dict[str, str]:
        """Variables for a child process, which JAX reads when it is imported or first used.

        Args:
            platform: the platform that the child is for, if it is known; only `cpu` is ever named to JAX, since it is
                always there. By default `device.backend`.
        """
        device, execution = self.device, self.execution
        values = {"JAX_ENABLE_X64": str(int(execution.x64)), "TF_CPP_MIN_LOG_LEVEL": "3"}
        if (platform or device.backend) == "cpu":
            values["JAX_PLATFORMS"] = "cpu"
        if device.cpu_devices > 1:
            values["JAX_NUM_CPU_DEVICES"] = str(device.cpu_devices)
        values |= device.visible_gpus()
        if device.memory_fraction is not None:
            # The older name must not be set beside the new one, or JAX refuses to start.
            values |= {"XLA_CLIENT_MEM_FRACTION": str(device.memory_fraction), "XLA_PYTHON_CLIENT_MEM_FRACTION": ""}
        if not device.preallocate:
            values["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
        if execution.compile_cache is not None:
            values |= {f"JAX_{name.upper()}": str(value) for name, value in self._cache_options().items()}
        return values

    def _cache_options(self) -> dict[str, Any]:
        """JAX's options of the compile cache; by its own defaults it would leave small programs out."""
        execution = self.execution
        return {
            "compilation_cache_dir": str(execution.compile_cache),
            "compilation_cache_max_size": execution.compile_cache_bytes or -1,
            "persistent_cache_min_compile_time_secs": 0.0,
            "persistent_cache_min_entry_size_bytes": -1,
        }

    def apply(self) -> None:
        """Do the same in this process, before JAX is first used in it.

        Raises:
            UserError: JAX has started here already, with settings that can no longer be changed.
        """
        import jax

        device = self.device
        if not _has_started():
            if device.cpu_devices > 1:
                _update("jax_num_cpu_devices", device.cpu_devices)
            if device.backend == "cpu":
                _update("jax_platforms", "cpu")
            read = ("XLA_", *_VISIBLE)  # as JAX starts
            os.environ.update({name: value for name, value in self.environment().items() if name.startswith(read)})
        elif not self._fits_what_runs():
            raise UserError(
                f"JAX has started in this process on {jax.default_backend()}, so its device settings are fixed; "
                "call apply() before the first use of JAX, or start a process with environment()"
            )
        _update("jax_enable_x64", self.execution.x64)
        if self.execution.compile_cache is not None:
            for name, value in self._cache_options().items():
                _update(f"jax_{name}", value)

    def _fits_what_runs(self) -> bool:
        """Whether a JAX that has started is as this config wants it."""
        import jax

        device = self.device
        return (
            (device.memory_fraction is None and device.preallocate)
            and (device.parallel_devices is None or len(jax.devices()) <= device.parallel_devices)
            and (device.backend != "cpu" or jax.default_backend() == "cpu")
            and device.cpu_devices in (1, len(jax.devices("cpu")))
        )


def _update(option: str, value: Any) -> None:
    import jax

    jax.config.update(option, value)  # type: ignore[no-untyped-call]  # jax has no types here


def _has_started() -> bool:
    """Whether JAX holds devices in this process. Public JAX says so only by refusing this option afterwards."""
    import jax

    now: int = jax.config.jax_num_cpu_devices  # type: ignore[attr-defined]  # options are made at run time
    try:
        _update("jax_num_cpu_devices", 1 if now != 1 else 2)
    except RuntimeError:
        return True
    _update("jax_num_cpu_devices", now)
    return False


def load(path: Path | None = None, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> RuntimeConfig:
    """Read a runtime config; without a path that of `configs/`. A file says only what differs from it.

    Args:
        path: a YAML file.
        overrides: group -> key -> value from the command line; None leaves what the file says.

    Raises:
        UserError: for a missing file, bad YAML, an unknown key or a value out of range; the line names file and key.
    """
    base = resources.folder("configs") / "runtime.yaml"
    groups: dict[str, Any] = config.read_yaml(base)
    shown = path or base
    for group, values in (config.read_yaml(path) if path is not None else {}).items():
        known = groups.get(group)
        groups[group] = {**known, **values} if isinstance(known, dict) and isinstance(values, dict) else values
    for group, changes in (overrides or {}).items():
        if isinstance(groups[group], dict):  # what is wrong with another value is said below
            groups[group] = {**groups[group], **{key: value for key, value in changes.items() if value is not None}}
    try:
        return TypeAdapter(RuntimeConfig).validate_python(groups)
    except ValidationError as error:
        owners = {"": RuntimeConfig, "execution": Execution, "device": DeviceRules, "monitoring": Monitoring}
        raise UserError(config.explain(error.errors()[0], shown, owners)) from None
