"""Why a script failed: `JAXExecutionError` and its five kinds, told apart by what the process said of itself."""

from __future__ import annotations

import re
from typing import Final

from jaxir.executor.isolation.reply import no_memory


class JAXExecutionError(Exception):
    """A script failed. `kind` is the name that results carry; this class stands for every other failure."""

    kind = "failed"


class DeviceNotAvailableError(JAXExecutionError):
    """A device that the script or the caller asked for is not here."""

    kind = "device not available"


class OutOfMemoryError(JAXExecutionError):
    """The script asked for more memory than the device has or the limit allows."""

    kind = "out of memory"


class CompilationFailedError(JAXExecutionError):
    """JAX could not trace, lower or compile a function."""

    kind = "compilation failed"


class NumericalInstabilityError(JAXExecutionError):
    """A NaN or an infinity, found by JAX's own debug flags (`debug=True`)."""

    kind = "numerical instability"


class ExecutionTimeoutError(JAXExecutionError):
    """The script was stopped at its time limit."""

    kind = "timeout"


#: kind -> class, for `execute_jax_script(check=True)`.
KINDS: Final[dict[str, type[JAXExecutionError]]] = {
    each.kind: each
    for each in (
        JAXExecutionError,
        DeviceNotAvailableError,
        OutOfMemoryError,
        CompilationFailedError,
        NumericalInstabilityError,
        ExecutionTimeoutError,
    )
}

#: What JAX says of a missing platform; the wording depends on its version and on the name that was asked for.
_NO_DEVICE: Final = re.compile(
    r"Unknown backend|Unable to initialize backend|no platforms that are instances of|requested, but no|No visible"
)
#: Errors that JAX raises while it traces (`jax.errors`), and what XLA says of a program that it cannot compile.
_TRACING: Final = re.compile(r"^(Tracer\w*Error|ConcretizationTypeError|UnexpectedTracerError|NonConcrete\w*Error)$")
_COMPILER: Final = re.compile(
    r"UNIMPLEMENTED|INVALID_ARGUMENT.*(compil|HLO|MLIR)|Compilation failure|failed to compile", re.I
)
#: Statuses after which the same script may well succeed.
_TRANSIENT: Final = re.compile(r"\b(UNAVAILABLE|ABORTED|DEADLINE_EXCEEDED)\b|CUDA_ERROR_NOT_READY|cuInit")


def kind_of(name: str, message: str) -> str:
    """The kind of an exception.

    Args:
        name: of the exception's class.
        message: its text.
    """
    if name == "MemoryError" or no_memory(message):
        return OutOfMemoryError.kind
    if name == "FloatingPointError":
        return NumericalInstabilityError.kind
    if _NO_DEVICE.search(message):
        return DeviceNotAvailableError.kind
    if _TRACING.match(name) or _COMPILER.search(message):
        return CompilationFailedError.kind
    return JAXExecutionError.kind


def kind_of_death(died: str) -> str:
    """The kind of a process's end without a report; see `jaxir.executor.isolation.Verdict.died`."""
    return {"time limit": ExecutionTimeoutError.kind, "memory limit": OutOfMemoryError.kind}.get(
        died, JAXExecutionError.kind
    )


def is_transient(message: str) -> bool:
    """Whether a failure may go away by itself, so that another try makes sense."""
    return bool(_TRANSIENT.search(message))
