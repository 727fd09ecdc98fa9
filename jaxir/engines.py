"""Where candidates are made: one small interface, and the local engine of worker processes that may die.

An engine runs `candidate.run(task)` for tasks that are handed in and gives a future for each. A task is pure, so it may
run anywhere and any number of times; an engine promises that a dead or hanging worker costs its task and nothing else.
`jaxir.ray_engine` has the engine of many machines.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from multiprocessing import resource_tracker
from typing import Protocol

from jaxir.candidate import Result, Setup, Task
from jaxir.errors import UserError
from jaxir.executor.environment import REPRODUCIBLE
from jaxir.version import __version__
from jaxir.worker import NotStarted, Worker, WorkerDied

__all__ = ["WORKER_ENVIRONMENT", "Engine", "LocalEngine", "Opener", "Queue", "WorkerDied", "environment", "local"]

#: Seconds that one task may take: a worker that needs longer hangs and is replaced. A task takes a fraction of one.
TIME_LIMIT = 30.0
#: The same on the last try, which decides: a slow machine must not refuse what a fast one takes.
LAST_TIME_LIMIT = 120.0
#: Tasks after which a worker is replaced, so that what JAX and MLIR keep for ever stays bounded.
TASKS_PER_WORKER = 400
#: Workers, one after the other, that may end before they are ready.
STARTS = 3
#: Packages whose versions decide the bytes of a row.
PACKAGES = ("jax", "jaxlib", "numpy", "scipy", "ml-dtypes")


def time_limit(task: Task) -> float:
    """Seconds that a task may take."""
    return LAST_TIME_LIMIT if task.last_try else TIME_LIMIT


class Engine(Protocol):
    """Runs tasks; `submit` never blocks, futures raise `WorkerDied` if the worker was lost."""

    workers: int

    def submit(self, task: Task, *, urgent: bool = False) -> Future[Result]: ...


#: Opens an engine for a setup and a number of workers; on leaving it, queued tasks are dropped and the workers ended.
Opener = Callable[[Setup, int], AbstractContextManager[Engine]]


class Queue:
    """Tasks that no worker has yet; the urgent ones overtake what is computed ahead."""

    def __init__(self) -> None:
        self._urgent: deque[tuple[Task, Future[Result]]] = deque()
        self._waiting: deque[tuple[Task, Future[Result]]] = deque()

    def put(self, task: Task, *, urgent: bool) -> Future[Result]:
        future: Future[Result] = Future()
        (self._urgent if urgent else self._waiting).append((task, future))
        return future

    def get(self) -> tuple[Task, Future[Result]] | None:
        queue = self._urgent or self._waiting
        return queue.popleft() if queue else None


class LocalEngine:
    """Worker processes on this machine, each with a thread here that hands it one task after the other."""

    def __init__(self, setup: Setup, workers: int) -> None:
        self.workers = workers
        self._setup = setup
        self._queue = Queue()
        self._alive: set[Worker] = set()
        self._closed = False
        self._broken: Exception | None = None  #: why no worker can be had
        self._changed = threading.Condition()  #: guards all of these
        # A lane would start it else, and unblock Ctrl-C in doing so.
        resource_tracker.ensure_running()
        self._lanes = [threading.Thread(target=self._lane, name="jaxir lane", daemon=True) for _ in range(workers)]
        for lane in self._lanes:
            lane.start()

    def submit(self, task: Task, *, urgent: bool = False) -> Future[Result]:
        """Queue a task; the future raises `WorkerDied` if its worker is lost or needs too long."""
        with self._changed:
            future = self._queue.put(task, urgent=urgent)
            self._changed.notify()
        self._refuse_if_broken()
        return future

    def close(self) -> None:
        """Hand out nothing more and end the workers; nobody is told about tasks that are left."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            for worker in self._alive:
                worker.kill()
        for lane in self._lanes:
            lane.join()

    def _lane(self) -> None:
        """One worker at a time; the next is started as soon as one is gone."""
        # Inherited by the workers: Ctrl-C goes to the whole group, and what a worker does with it is to be quiet.
        if hasattr(signal, "pthread_sigmask"):  # Windows has none
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        worker: Worker | None = None
        try:
            while not self._closed:
                worker = worker or self._hire()
                entry = self._next()
                if entry is None:
                    return
                task, future = entry
                try:
                    result = worker.run(task, time_limit(task))
                except Exception as error:
                    future.set_exception(error)
                    is_spent = True
                else:
                    future.set_result(result)
                    is_spent = worker.tasks >= TASKS_PER_WORKER
                if is_spent:
                    self._dismiss(worker)
                    worker = None
        except Exception as error:
            # Nobody waits for this thread: what it cannot mend is told to those who wait for tasks.
            with self._changed:
                self._broken = self._broken or error
            self._refuse_if_broken()
        finally:
            if worker:
                self._dismiss(worker)

    def _next(self) -> tuple[Task, Future[Result]] | None:
        """Wait for a task; None when the engine is closed."""
        with self._changed:
            while not self._closed:
                entry = self._queue.get()
                if entry is not None:
                    return entry
                self._changed.wait()
        return None

    def _hire(self) -> Worker:
        """A new worker, ready for tasks; `UserError` if several in a row do not get that far."""
        how = ""
        for _ in range(STARTS):
            try:
                worker = Worker(self._setup)
            except OSError as error:  # no process or file descriptor is left
                how = error.strerror or str(error)
                continue
            with self._changed:
                self._alive.add(worker)
                if self._closed:
                    worker.kill()
            try:
                worker.wait_until_ready()
                return worker
            except NotStarted as error:
                how = str(error)
                self._dismiss(worker)
            if self._closed:
                break  # nobody waits for the error any more
        raise UserError(
            f"{STARTS} worker processes in a row ended before they were ready, the last with {how}; "
            f"is there memory for {self.workers}? Try --workers {max(1, self.workers // 2)}"
        )

    def _dismiss(self, worker: Worker) -> None:
        with self._changed:
            self._alive.discard(worker)
        worker.close()

    def _refuse_if_broken(self) -> None:
        with self._changed:
            left = list(iter(self._queue.get, None)) if self._broken else []
            error = self._broken
        for _, future in left:
            future.set_exception(error)


@contextmanager
def local(setup: Setup, workers: int) -> Iterator[LocalEngine]:
    """A local engine; on leaving it, queued tasks are dropped and the workers ended."""
    with environment(WORKER_ENVIRONMENT):
        engine = LocalEngine(setup, workers)
        try:
            yield engine
        finally:
            engine.close()


#: What workers see of these. Lowering names its platform and needs no device; a worker with a GPU would be in the way.
WORKER_ENVIRONMENT = REPRODUCIBLE


def versions() -> dict[str, str]:
    """What decides the bytes of a row beside its config and templates: versions, and the kind of machine.

    Python writes the text of a kernel (`ast.unparse`); NumPy, SciPy and ml-dtypes compute what oracles agree on.
    """
    return {
        "jaxir": __version__,
        "machine": platform.machine(),
        "python": ".".join(platform.python_version_tuple()[:2]),
        **{name: importlib.metadata.version(name) for name in PACKAGES},
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
