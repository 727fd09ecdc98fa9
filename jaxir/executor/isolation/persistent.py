"""Workers for many jobs each: a pebble pool with a memory limit in each worker.

The pool says which job a dead worker had, but not reliably: a worker that dies at once may take the pool with it, or a
job may seem to run until its time is up. So a job without a reply is decided on by running it again, in a process
of its own (`jaxir.executor.isolation.lone`); what earlier jobs left behind in the worker does not count then either.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import tempfile
import time
import traceback
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Final

from pebble import ProcessExpired, ProcessPool

from jaxir.executor.isolation import lone, reply
from jaxir.executor.isolation.jobs import Job, Limits, Verdict
from jaxir.executor.isolation.pools import answer

#: Jobs after which a worker is replaced, so that what JAX and MLIR keep for ever stays bounded.
JOBS_PER_WORKER: Final = 400
#: Jobs handed to the pool beyond the one whose verdict is due, for each worker.
_AHEAD: Final = 8

_Reply = tuple[bytes, float]

_function: reply.Function | None = None
_error = ""


def _start(function: str, parent: int, memory_bytes: int, environment: Mapping[str, str], folder: str) -> None:
    global _function, _error
    try:
        _function = lone.prepare(function, parent, memory_bytes, environment, Path(folder) / str(os.getpid()))
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
    """A pebble pool whose workers print to a folder."""

    def __init__(self, function: str, workers: int, limits: Limits, environment: Mapping[str, str]) -> None:
        self.limits = limits
        self.folder = tempfile.TemporaryDirectory(prefix="jaxir-", ignore_cleanup_errors=True)
        self.under_way: deque[tuple[Job, Future[_Reply]]] = deque()
        self.pool = ProcessPool(
            max_workers=workers,
            max_tasks=JOBS_PER_WORKER,
            initializer=_start,
            initargs=[function, os.getpid(), limits.memory_bytes, dict(environment), self.folder.name],
            context=multiprocessing.get_context("spawn"),
        )

    def __enter__(self) -> _Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.stop()  # type: ignore[no-untyped-call]  # pebble has no types here
        self.pool.join()
        self.folder.cleanup()

    def submit(self, job: Job) -> None:
        if self.pool.active:
            arguments = [json.dumps(job.payload), self.limits.result_bytes]
            future = self.pool.schedule(_call, args=arguments, timeout=self.limits.seconds)
        else:
            future = Future()  # type: ignore[assignment]
            future.set_exception(BrokenProcessPool())
        self.under_way.append((job, future))

    def next(self) -> tuple[Job, Verdict | None]:
        """The next job of those under way, with no verdict where its worker died or hung; BrokenProcessPool."""
        job, future = self.under_way[0]
        try:
            raw, seconds = answer(future, self.limits.seconds)
        except (ProcessExpired, TimeoutError):
            self.under_way.popleft()
            return job, None
        self.under_way.popleft()
        value, died = reply.read(raw)
        return job, None if died == "memory limit" else Verdict(job.key, value, died, seconds)


def run(
    function: str, jobs: Iterable[Job], workers: int, limits: Limits, environment: Mapping[str, str]
) -> Iterator[Verdict]:
    """Verdicts in the order of the jobs; see `jaxir.executor.isolation.run_isolated`."""

    def alone(job: Job) -> Verdict:
        return next(iter(lone.run(function, [job], 1, limits, environment, watched=False)))

    source = iter(jobs)
    again: deque[Job] = deque()  # were under way in a pool that broke
    while True:
        with _Pool(function, workers, limits, environment) as pool:
            try:
                while True:
                    while len(pool.under_way) <= _AHEAD * workers:
                        job = again.popleft() if again else next(source, None)
                        if job is None:
                            break
                        pool.submit(job)
                    if not pool.under_way:
                        return
                    job, verdict = pool.next()
                    yield verdict or alone(job)
            except BrokenProcessPool:
                # The first may have done it; the others get a new pool.
                suspect, *others = (job for job, _ in pool.under_way)
                again.extendleft(reversed(others))
                yield alone(suspect)
