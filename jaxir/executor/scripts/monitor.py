"""What a process uses while it runs: memory, CPU and GPU, looked at every tenth of a second by a thread of its own.

The samples go to a file line by line, so that they outlive a process that is killed. The same thread keeps what the
process prints within bounds: a file that grows beyond them keeps its head and its latest part.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import psutil

#: Seconds between two samples.
INTERVAL: Final = 0.1
#: Bytes of the head, and at most of the latest part, that are kept of each printed stream.
KEPT_BYTES: Final = 1 << 20
#: Suffix of the file that holds the head of a stream that was cut.
HEAD: Final = ".head"
#: Bytes at which a stream is cut while the process runs.
CUT_BYTES: Final = 16 * KEPT_BYTES
#: Modes of fallocate(2).
_KEEP_SIZE: Final = 1
_PUNCH_HOLE: Final = 2


class Monitor:
    """Samples this process and its children from `__enter__` to `__exit__`.

    Each line of the file is a JSON object with `t` (s since the start), `rss_mb`, `cpu_percent` (100 is one core) and,
    where NVML answers, `gpu_percent` and `gpu_memory_mb` of the first GPU.

    Args:
        path: file for the samples.
        printed: files that standard output and error go to, opened for appending.
    """

    def __init__(self, path: Path, printed: Sequence[Path] = ()) -> None:
        self._path = path
        self._printed = printed
        self._stop = threading.Event()
        self._process = psutil.Process()
        self._gpu = _Gpu()
        self._thread = threading.Thread(target=self._watch, name="jaxir-monitor", daemon=True)

    def __enter__(self) -> Monitor:
        self._process.cpu_percent()  # the first call only starts the count
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        start = time.perf_counter()
        with self._path.open("a", encoding="utf-8", buffering=1) as file:
            more = True
            while more:
                more = not self._stop.wait(INTERVAL)
                sample = {"t": round(time.perf_counter() - start, 3), **self._look(), **self._gpu.look()}
                file.write(json.dumps(sample) + "\n")
                for path in self._printed if more else ():
                    _cut(path)

    def _look(self) -> dict[str, float]:
        resident = 0
        for process in (self._process, *_children(self._process)):
            with contextlib.suppress(psutil.Error):  # it ended meanwhile
                resident += process.memory_info().rss
        return {"rss_mb": round(resident / 1e6, 2), "cpu_percent": self._process.cpu_percent()}


def _children(process: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return list(process.children(recursive=True))
    return []


class _Gpu:
    """NVML's view of the first GPU; nothing where there is no NVML or no GPU."""

    def __init__(self) -> None:
        self._handle: Any = None
        with contextlib.suppress(Exception):  # NVML's own errors are of no public type before it is imported
            import pynvml

            pynvml.nvmlInit()
            self._nvml = pynvml
            self._handle = pynvml.nvmlDeviceGetHandleByIndex(0)

    def look(self) -> dict[str, float]:
        if self._handle is None:
            return {}
        with contextlib.suppress(Exception):
            used = self._nvml.nvmlDeviceGetMemoryInfo(self._handle).used
            busy = self._nvml.nvmlDeviceGetUtilizationRates(self._handle).gpu
            return {"gpu_percent": float(busy), "gpu_memory_mb": round(used / 1e6, 2)}
        return {}


def _cut(path: Path) -> None:
    """Give back the room of a stream's middle when it takes too much; its head and its latest part stay."""
    with contextlib.suppress(OSError):
        status = path.stat()
        if status.st_blocks * 512 <= CUT_BYTES:
            return
        with path.open("r+b") as file:
            if _punch(file.fileno(), KEPT_BYTES, status.st_size - 2 * KEPT_BYTES):
                return
            # No holes here. What the process prints during the next lines may be lost.
            head = path.with_name(path.name + HEAD)
            if not head.exists():
                head.write_bytes(file.read(KEPT_BYTES))
            file.seek(status.st_size - KEPT_BYTES)
            latest = file.read()
            file.truncate(0)  # the process has it open for appending, so its next text goes to the new end
        with path.open("ab") as file:
            file.write(latest)


def _punch(descriptor: int, start: int, length: int) -> bool:
    """Free the blocks of a part of a file, which reads as zeros then (fallocate(2), Linux); False where that fails."""
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None, use_errno=True)
        arguments = (ctypes.c_int(descriptor), ctypes.c_int(_PUNCH_HOLE | _KEEP_SIZE))
        return not libc.fallocate(*arguments, ctypes.c_int64(start), ctypes.c_int64(length))
    return False


def read_samples(path: Path) -> list[dict[str, float]]:
    """The samples of a file, also of one whose process was killed amid a line."""
    samples = []
    with contextlib.suppress(OSError):
        for line in path.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError):
                samples.append(json.loads(line))
    return samples


def read_printed(path: Path) -> str:
    """What a process printed to a file; of a long text the head and the latest part."""
    head = path.with_name(path.name + HEAD)
    first = head.read_bytes() if head.exists() else b""
    with contextlib.suppress(OSError), path.open("rb") as file:
        size = path.stat().st_size
        if size > 2 * KEPT_BYTES:
            first = first or file.read(KEPT_BYTES)
            file.seek(size - KEPT_BYTES)
        last = file.read()
        return (first + (b"\n[... cut ...]\n" if first else b"") + last).decode(errors="replace")
    return first.decode(errors="replace")


def peak_memory_mb() -> float:
    """The most resident memory that this process has held, in MB (10^6 bytes)."""
    with contextlib.suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) * 1024 / 1e6
    return float(psutil.Process().memory_info().rss) / 1e6
