"""Where candidates are made: one small interface, and the local engine of worker processes that may die.

An engine runs `candidate.run(task)` for tasks that are handed in and gives a future for each. A task is pure, so it may
run anywhere and any number of times; an engine promises that a dead or hanging worker costs its task and nothing else.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Protocol

from pebble import ProcessExpired, ProcessPool

from jaxir import candidate
from jaxir.candidate import Result, Setup, Task

#: Seconds that one task may take: a worker that needs longer hangs and is replaced. A task takes a fraction of one.
TIME_LIMIT = 120.0
#: Tasks after which a worker is replaced, so that what JAX and MLIR keep for ever stays bounded.
TASKS_PER_WORKER = 400


class WorkerDied(Exception):
    """The worker of a task was killed, crashed or ran out of time; the task may be tried again."""


class Engine(Protocol):
    """Runs tasks; `submit` never blocks, futures raise `WorkerDied` if the worker was lost."""

    workers: int

    def submit(self, task: Task, *, urgent: bool = False) -> Future[Result]: ...


class LocalEngine:
    """Worker processes on this machine, started afresh (spawn): a forked JAX may hang.

    Tasks wait here and not in the pool, so that an urgent one overtakes what was computed ahead.
    """

    def __init__(self, pool: ProcessPool, workers: int) -> None:
        self.workers = workers
        self._pool = pool
        self._urgent: deque[tuple[Task, Future[Result]]] = deque()
        self._waiting: deque[tuple[Task, Future[Result]]] = deque()
        self._lock = threading.Lock()
        self._running = 0
        self._closed = False

    def submit(self, task: Task, *, urgent: bool = False) -> Future[Result]:
        """Queue a task; the future raises `WorkerDied` if its worker is lost or needs too long."""
        future: Future[Result] = Future()
        with self._lock:
            (self._urgent if urgent else self._waiting).append((task, future))
        self._feed()
        return future

    def _feed(self) -> None:
        """Hand tasks to the pool: one for each worker and one to follow it."""
        while True:
            with self._lock:
                queue = self._urgent or self._waiting
                if self._closed or not queue or self._running > self.workers:
                    return
                self._running += 1
                task, future = queue.popleft()
            inner = self._pool.schedule(candidate.run, args=[task], timeout=TIME_LIMIT)
            inner.add_done_callback(functools.partial(self._finish, future))

    def close(self) -> None:
        """Hand out nothing more."""
        with self._lock:
            self._closed = True

    def _finish(self, future: Future[Result], inner: Future[Result]) -> None:
        with self._lock:
            self._running -= 1
        if inner.cancelled():
            future.cancel()
            return
        error = inner.exception()
        if isinstance(error, ProcessExpired):
            future.set_exception(WorkerDied(f"exit code {error.exitcode}"))
        elif isinstance(error, TimeoutError):
            future.set_exception(WorkerDied("time limit"))
        elif error is not None:
            future.set_exception(error)
        else:
            future.set_result(inner.result())
        self._feed()


@contextmanager
def local(setup: Setup, workers: int) -> Iterator[LocalEngine]:
    """A local engine; on leaving it, queued tasks are dropped and the workers ended."""
    with environment(WORKER_ENVIRONMENT):
        pool = ProcessPool(
            max_workers=workers,
            max_tasks=TASKS_PER_WORKER,
            initializer=candidate.start,
            initargs=[setup],
            context=multiprocessing.get_context("spawn"),
        )
        engine = LocalEngine(pool, workers)
        try:
            yield engine
        finally:
            engine.close()
            pool.stop()  # type: ignore[no-untyped-call]  # pebble has no types here
            pool.join()


#: Devices that a worker's CPU counts as, for kernels over several; others lower and run as with one.
VIRTUAL_DEVICES = 8
#: Lowering names its platform and needs no device; a worker that took a GPU would only get in the way. One thread a
#: worker, because all cores have a worker each. AVX2 at most, because wider instructions round compiled outputs (the
#: `output_digest` of kernels that the reference interpreter cannot run) otherwise, and machines would differ.
WORKER_ENVIRONMENT = {
    "JAX_PLATFORMS": "cpu",
    "JAX_ENABLE_X64": "0",
    "JAX_NUM_CPU_DEVICES": str(VIRTUAL_DEVICES),
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false --xla_cpu_max_isa=AVX2",
    "OMP_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    """Set environment variables for the processes that are started inside, and no other one that JAX reads."""
    before = dict(os.environ)
    for name in before:
        if name.startswith("JAX_"):
            # A user's settings, such as JAX_DEFAULT_MATMUL_PRECISION, change the text of a lowering.
            del os.environ[name]
    os.environ.update(values)
    try:
        yield
    finally:
        for name in (*values, *(name for name in before if name.startswith("JAX_"))):
            if name in before:
                os.environ[name] = before[name]
            else:
                os.environ.pop(name, None)
