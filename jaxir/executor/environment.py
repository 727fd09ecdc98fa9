"""Environment variables of processes whose results are compared or kept: the same bits on each machine of a kind.

Libraries choose their instructions by the processor, and wider ones round otherwise. All are held to AVX2 here, which
x86-64 processors have (Intel since Haswell, AMD since Excavator); other kinds of machine are another `machine` of a run
(`jaxir.engines`). `scripts/check_processors.py` makes a corpus on several kinds of processors and compares the bytes.
"""

from __future__ import annotations

import os
import platform
from typing import Final

import numpy as np

#: Devices that the CPU counts as, for kernels over several; others lower and run as with one.
VIRTUAL_DEVICES: Final = 8


def _wide() -> str:
    """Instructions beyond AVX2 that this NumPy has code for, on whichever processor."""
    simd = np.show_config(mode="dicts")["SIMD Extensions"]
    known = [*simd.get("found", ()), *simd.get("not found", ())]
    return " ".join(name for name in known if name.startswith(("AVX512", "X86_V4")))


_X86: Final = {"OPENBLAS_CORETYPE": "Haswell", "NPY_DISABLE_CPU_FEATURES": _wide()}
#: Without the last, XLA (jaxlib 0.10.0 to 0.10.2) takes approximate instructions, which round otherwise on processors
#: of another maker (`rsqrtss`), and chooses the code of matmuls by the processor, whatever the instructions allowed.
_XLA: Final = (
    "--xla_cpu_multi_thread_eigen=false",
    "--xla_cpu_max_isa=AVX2",
    "--xla_cpu_enable_platform_dependent_math=false",
)
#: One thread a process, because all cores have one each.
REPRODUCIBLE: Final = {
    "JAX_PLATFORMS": "cpu",
    "JAX_ENABLE_X64": "0",
    "JAX_NUM_CPU_DEVICES": str(VIRTUAL_DEVICES),
    "XLA_FLAGS": " ".join(_XLA),
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    **(_X86 if platform.machine() in ("x86_64", "AMD64") else {}),
}


def show_devices() -> None:
    """Have this CPU count as `VIRTUAL_DEVICES`, before JAX starts: templates over several devices are traced so."""
    os.environ.setdefault("JAX_NUM_CPU_DEVICES", str(VIRTUAL_DEVICES))
