"""Workers that are spawned and may die: a pebble pool, a memory limit in each worker, and a verdict for each job.

`run` keeps workers for many jobs. `run_fresh` starts one for each job, for systems that cannot fork a sandboxed child;
there a thread of the parent watches memory, because neither macOS nor Windows limits it.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Final

from pebble import ProcessExpired, ProcessPool

from jaxir.errors import UserError
from jaxir.executor import reply, sandbox
from jaxir.executor.jobs import Job, Limits, Verdict

#: Jobs after which a worker is replaced, so that what JAX and MLIR keep for ever stays bounded.
JOBS_PER_WORKER: Final = 400
#: Jobs handed to the pool beyond the one whose verdict is due, for each worker.
_AHEAD: Final = 8
#: Bytes of a worker's output that a verdict keeps.
_TAIL_BYTES: Final = 4096
#: Seconds between two looks at the workers' memory.
_WATCH_SECONDS: Final = 0.1

_Reply = tuple[bytes, float]

_function: reply.Function | None = None
_error = ""


def _start(function: str, parent: int, memory_bytes: int | None, environment: Mapping[str, str], folder: str) -> None:
    """Prepare a worker, before anything imports JAX."""
    global _function, _error
    sandbox.end_with(parent)
    # pebble's handler needs the interpreter, which a hanging job may hold.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(environment)
    output = os.open(Path(folder) / str(os.getpid()), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    if memory_bytes:
        sandbox.limit_memory(memory_bytes)
    try:
        _function = reply.resolve(function)
    except Exception:
        _error = f"cannot import {function} in a worker process:\n{traceback.format_exc()}"


def _call(payload: str, most_bytes: int) -> _Reply:
    if _function is None:
        raise RuntimeError(_error)
    with contextlib.suppress(OSError):  # Windows
        os.ftruncate(2, 0)
    started = time.monotonic()
    return reply.call(_function, payload, most_bytes), time.monotonic() - started


class _Pool:
    """A pebble pool whose workers write what they print to a folder, one file each, named by process id."""

    def __init__(
        self,
        function: str,
        workers: int,
        limits: Limits,
        environment: Mapping[str, str],
        jobs_per_worker: int,
        watched: bool = False,
    ) -> None:
        self.limits = limits
        self.folder = tempfile.TemporaryDirectory(prefix="jaxir-", ignore_cleanup_errors=True)
        self.over: set[int] = set()  # killed for their memory
        memory_bytes = None if watched else limits.memory_bytes
        self.pool = ProcessPool(
            max_workers=workers,
            max_tasks=jobs_per_worker,
            initializer=_start,
            initargs=[function, os.getpid(), memory_bytes, dict(environment), self.folder.name],
            context=multiprocessing.get_context("spawn"),
        )

    def __enter__(self) -> _Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.stop()  # type: ignore[no-untyped-call]  # pebble has no types here
        self.pool.join()
        self.folder.cleanup()

    def submit(self, job: Job) -> Future[_Reply]:
        arguments = [json.dumps(job.payload), self.limits.result_bytes]
        return self.pool.schedule(_call, args=arguments, timeout=self.limits.seconds)

    def verdict(self, job: Job, future: Future[_Reply]) -> Verdict:
        """Wait for a job."""
        output = ""
        try:
            raw, seconds = future.result()
            value, died = reply.read(raw)
            return Verdict(job.key, value, died, seconds)
        except TimeoutError:
            died = "time limit"
        except ProcessExpired as expired:
            output = self._output(expired.pid)
            if expired.pid in self.over or reply.no_memory(output):
                died = "memory limit"
            elif expired.exitcode < 0:
                died = signal.Signals(-expired.exitcode).name
            else:
                died = f"exit code {expired.exitcode}"
        return Verdict(job.key, None, died, self.limits.seconds if died == "time limit" else 0.0, output)

    def _output(self, pid: int) -> str:
        try:
            return (Path(self.folder.name) / str(pid)).read_bytes()[-_TAIL_BYTES:].decode(errors="replace")
        except OSError:
            return ""

    def run(self, jobs: Iterable[Job], ahead: int) -> Iterator[tuple[Job, Verdict]]:
        under_way: deque[tuple[Job, Future[_Reply]]] = deque()
        for job in jobs:
            under_way.append((job, self.submit(job)))
            if len(under_way) > ahead:
                first, future = under_way.popleft()
                yield first, self.verdict(first, future)
        for first, future in under_way:
            yield first, self.verdict(first, future)


def _is_workers_death(died: str) -> bool:
    return died == "memory limit" or died.startswith(("SIG", "exit code"))


def run(
    function: str, jobs: Iterable[Job], workers: int, limits: Limits, environment: Mapping[str, str]
) -> Iterator[Verdict]:
    """Verdicts in the order of the jobs; see `jaxir.executor.isolation.run_isolated`.

    A job whose worker died or ran out of memory is tried again, alone in a new worker: what earlier jobs left behind in
    the first one must not count.
    """
    with _Pool(function, workers, limits, environment, JOBS_PER_WORKER) as pool:
        for job, verdict in pool.run(jobs, _AHEAD * workers):
            if _is_workers_death(verdict.died):
                with _Pool(function, 1, limits, environment, 1) as alone:
                    yield alone.verdict(job, alone.submit(job))
            else:
                yield verdict


def run_fresh(
    function: str, jobs: Iterable[Job], workers: int, limits: Limits, environment: Mapping[str, str]
) -> Iterator[Verdict]:
    """As `run`, with a new worker for each job and a watch over its memory.

    Raises:
        UserError: psutil is missing.
    """
    try:
        import psutil  # type: ignore[import-untyped]  # not needed on Linux, so its stubs are not either
    except ImportError:
        raise UserError(
            f"isolation on {sys.platform} needs psutil, which is not installed; pip install psutil"
        ) from None

    def watch(pool: _Pool, ended: threading.Event) -> None:
        while not ended.wait(_WATCH_SECONDS):
            for entry in Path(pool.folder.name).iterdir():
                with contextlib.suppress(psutil.Error):
                    worker = psutil.Process(int(entry.name))
                    family = [worker, *worker.children(recursive=True)]
                    if sum(process.memory_info().rss for process in family) > limits.memory_bytes:
                        pool.over.add(worker.pid)
                        for process in family:
                            process.kill()

    ended = threading.Event()
    with _Pool(function, workers, limits, environment, 1, watched=True) as pool:
        thread = threading.Thread(target=watch, args=(pool, ended), daemon=True)
        thread.start()
        try:
            for _, verdict in pool.run(jobs, _AHEAD * workers):
                yield verdict
        finally:
            ended.set()
            thread.join()
