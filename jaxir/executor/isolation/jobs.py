"""The records of isolated work: a `Job`, its `Limits`, the `Verdict` on it."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Limits:
    """What one job may use.

    Attributes:
        seconds: wall-clock time; the start of the process does not count.
        memory_bytes: address space on Linux (JAX needs 2 GB of it, most of it never touched), else resident memory.
        result_bytes: JSON text of the result.
    """

    seconds: float = 60.0
    memory_bytes: int = 4 << 30
    result_bytes: int = 4 << 20


@dataclasses.dataclass(frozen=True)
class Job:
    """`key` names the job in its verdict; `payload` is the function's argument, a dict that JSON can hold."""

    key: str
    payload: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What came of a job.

    Attributes:
        key: the job's.
        value: what the function returned; None if it did not.
        died: "" or why there is no value: a signal's name (`SIGSEGV`), `time limit`, `memory limit`, `exit code 3`,
            `result too large`, `no result`, `exception TYPE: TEXT`.
        seconds: wall-clock time from the start of the child, or of the call in a persistent worker, to its end.
        output: the last that the process printed; foreign text, cut.
    """

    key: str
    value: dict[str, Any] | None
    died: str
    seconds: float
    output: str = ""
