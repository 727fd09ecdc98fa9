"""Which devices are here, and which one a run gets.

JAX is never told to use a platform that may be missing: what it does then depends on the name (`gpu` raises an error
about another vendor, `cuda` an assertion without text, `cuda,cpu` silently computes on the CPU). So the platform is
left unset, each kind is asked for, and what was found is written down. That happens in a child process: a process that
has looked at a GPU holds a share of its memory until it ends.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from jaxir.errors import UserError
from jaxir.executor.isolation import Job, Limits, run_isolated

#: Platforms from the one that `auto` likes best.
RANKING: Final = ("tpu", "gpu", "cpu")
#: What may be asked for.
CHOICES: Final = ("auto", "cpu", "gpu", "tpu", "all")
#: Names that `JAX_PLATFORMS` knows for a GPU.
_GPU_NAMES: Final = {"cuda": "gpu", "rocm": "gpu"}
#: Address space for children that may open a GPU, whose driver reserves far more of it than there is memory.
UNLIMITED_BYTES: Final = 1 << 47
#: Seconds to look for devices; a driver that does not answer must not hang a run.
PROBE_SECONDS: Final = 120.0
#: The probe leaves a GPU's memory alone, and says nothing about plugins that find no device.
PROBE_ENVIRONMENT: Final = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_CPP_MIN_LOG_LEVEL": "3"}


@dataclasses.dataclass(frozen=True)
class Device:
    """One device as JAX sees it; what is not known is "" or None.

    Attributes:
        platform: `cpu`, `gpu` or `tpu`.
        index: its number among the devices of its platform.
        name: the hardware: JAX's name of an accelerator, the processor's model of a CPU.
        kind: JAX's `device_kind`.
        runtime: what drives it: `cpu`, `cuda`, `rocm`, `tpu`.
        memory_bytes: total memory; of a CPU, that of the machine.
        compute_capability: of a GPU, such as `9.0`.
        driver_version: of a GPU.
    """

    platform: str
    index: int
    name: str
    kind: str
    runtime: str
    memory_bytes: int | None
    compute_capability: str
    driver_version: str

    def __str__(self) -> str:
        return f"{self.platform}:{self.index}"


@dataclasses.dataclass(frozen=True)
class Resolution:
    """What was asked for and what it became.

    Attributes:
        wanted: one of `CHOICES`.
        devices: the devices to use, best platform first.
        warning: one line where the CPU stands in for what is not here, else "".
    """

    wanted: str
    devices: tuple[Device, ...]
    warning: str = ""

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platforms of the devices, best first."""
        return tuple(dict.fromkeys(device.platform for device in self.devices))

    @property
    def device_used(self) -> str:
        """The truth for a record: the platforms, comma separated."""
        return ",".join(self.platforms)


def probe(payload: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """In a child: the devices of this process, as {"devices": [fields of `Device`]}."""
    import jax

    found: list[dict[str, Any]] = []
    for name in RANKING:
        try:
            devices = jax.devices(name)
        except (RuntimeError, AssertionError):  # an unknown or missing platform, by version of JAX
            continue
        found += [dataclasses.asdict(_describe(device, name, index)) for index, device in enumerate(devices)]
    return {"devices": found}


def _describe(device: Any, name: str, index: int) -> Device:
    from jaxir.executor.metrics import pool  # imports jax

    runtime = str(device.client.platform_version).split()[0].lower()
    memory = pool(device).get("bytes_limit")
    driver = ""
    if name == "cpu":
        memory = _machine_memory()
    elif runtime == "cuda":
        driver, total = _nvidia()
        memory = total or memory
    return Device(
        platform=name,
        index=index,
        name=processor() if name == "cpu" else device.device_kind,
        kind=device.device_kind,
        runtime=runtime,
        memory_bytes=memory,
        compute_capability=str(getattr(device, "compute_capability", "")),
        driver_version=driver,
    )


def processor() -> str:
    """The model of this machine's CPU, or its architecture where the system does not say."""
    with contextlib.suppress(OSError):
        match = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
        if match:
            return match[1].strip()
    return platform.processor() or platform.machine()


def _machine_memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf, macOS not these names
        return None


def _nvidia() -> tuple[str, int | None]:
    """Driver version, and the memory of a GPU in bytes where all GPUs have the same (JAX may number them otherwise)."""
    command = ["nvidia-smi", "--query-gpu=driver_version,memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
        rows = {tuple(cell.strip() for cell in line.split(",")) for line in done.stdout.splitlines() if line.strip()}
        drivers, sizes = {row[0] for row in rows}, {row[1] for row in rows}
        driver = drivers.pop() if len(drivers) == 1 else ""
        return driver, int(sizes.pop()) << 20 if len(sizes) == 1 else None
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return "", None


def discover(environment: Mapping[str, str] | None = None) -> tuple[Device, ...]:
    """The devices of this machine, best platform first; looks in a child process, which takes about two seconds.

    A user's `JAX_PLATFORMS` is a filter here: it hides devices, and a name in it that is missing does no harm. The CPU
    is always there.

    Args:
        environment: variables for the child, such as `RuntimeConfig.environment()`.

    Raises:
        UserError: JAX finds no device, or does not answer.
    """
    job = Job("devices", {})
    limits = Limits(seconds=PROBE_SECONDS, memory_bytes=UNLIMITED_BYTES)
    variables = {**PROBE_ENVIRONMENT, **(environment or {})}
    verdicts = run_isolated(
        "jaxir.executor.devices:probe", [job], workers=1, limits=limits, fresh=False, environment=variables
    )
    verdict = next(iter(verdicts))
    if verdict.value is None:
        raise UserError(f"looking for devices: {verdict.died}; check that `import jax; jax.devices()` works here")
    devices = tuple(Device(**fields) for fields in verdict.value["devices"])
    named = {name.strip().lower() for name in os.environ.get("JAX_PLATFORMS", "").split(",") if name.strip()}
    allowed = {_GPU_NAMES.get(name, name) for name in named} | {"cpu"}
    return tuple(device for device in devices if not named or device.platform in allowed)


def resolve(wanted: str, devices: Sequence[Device], *, fallback: bool = True, most: int | None = None) -> Resolution:
    """The devices for a wish.

    Args:
        wanted: `auto` (the best platform that is here), `all` (every platform), `cpu`, `gpu` or `tpu`.
        devices: from `discover()`.
        fallback: whether the CPU may stand in for a platform that is missing; `warning` then says so.
        most: devices of each platform at most.

    Raises:
        UserError: the wish is unknown, or its platform is missing and nothing may stand in.
    """
    if wanted not in CHOICES:
        raise UserError(f"device '{wanted}' is unknown; expected one of {', '.join(CHOICES)}")
    here = sorted({device.platform for device in devices}, key=RANKING.index)
    platforms = here if wanted == "all" else here[:1] if wanted == "auto" else [wanted]
    warning = ""
    if wanted in RANKING and wanted not in here:
        found = f"no {wanted} here (found {', '.join(here) or 'nothing'})"
        if not fallback or "cpu" not in here:
            raise UserError(f"device '{wanted}': {found}; install its JAX plugin, or ask for another device")
        warning, platforms = f"{found}; using cpu", ["cpu"]
    chosen: list[Device] = []
    for name in platforms:
        chosen += [device for device in devices if device.platform == name][:most]
    return Resolution(wanted, tuple(chosen), warning)
