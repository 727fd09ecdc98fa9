"""The engine of many machines: tasks on a Ray cluster (https://docs.ray.io), with the same bytes as on one machine.

A task is pure, so where it ran and how often does not matter. What would matter is a node with other versions,
templates or environment variables: workers get the environment of local ones, and refuse to work where versions or
templates are not the driver's. A lost node costs time alone; a lost worker is `WorkerDied`, as with the local engine.
"""

from __future__ import annotations

import contextlib
import dataclasses
import faulthandler
import functools
import importlib
import importlib.metadata
import os
import platform
import queue
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final

from jaxir import candidate, engines, resources
from jaxir.candidate import Result, Setup, Task
from jaxir.engines import WORKER_ENVIRONMENT, Queue, WorkerDied
from jaxir.errors import UserError
from jaxir.generator.templates import library_digest

#: Times that a task is handed in again after its node was lost; more, and the task may be what brings nodes down.
LOST_NODES: Final = 5
#: Ray's exceptions after which a task may be tried again: at no cost to it, and as one that lost its worker.
_NODE_LOST: Final = ("NodeDiedError", "ObjectLostError", "ObjectFetchTimedOutError", "OwnerDiedError")
_WORKER_LOST: Final = ("WorkerCrashedError", "OutOfMemoryError", "LocalRayletDiedError")


@dataclasses.dataclass(frozen=True)
class Origin:
    """What must be the same on all machines of a run."""

    versions: dict[str, str]  #: `engines.versions()`
    templates: str  #: digest of all template files

    @classmethod
    def here(cls, templates: tuple[Path, ...]) -> Origin:
        """That of this machine; `UserError` if a folder of templates is missing."""
        for folder in templates:
            if not folder.is_dir():
                raise UserError(f"{folder}: no such folder of templates; it must be there on each machine")
        return cls(engines.versions(), library_digest([resources.folder("templates"), *templates]))

    def difference(self, other: Origin) -> str:
        """The first thing in which another machine differs, or ""."""
        for name, version in self.versions.items():
            if version != other.versions[name]:
                return f"{name} {other.versions[name]}, the run {version}"
        return "" if self.templates == other.templates else "other template files than the run"


# in a Ray worker

_started: tuple[Setup, Origin] | None = None


def run_there(setup: Setup, origin: Origin, task: Task, seconds: float) -> Result:
    """`candidate.run` in a Ray worker, which prepares itself at its first task and ends if one takes too long."""
    global _started
    try:
        if _started != (setup, origin):
            _start(setup, origin)
            _started = setup, origin
    except UserError as error:
        return Result((), str(error))
    with open(os.devnull, "wb") as nowhere:
        # A thread outside Python: a task that hangs may hold the interpreter.
        faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)
        try:
            return candidate.run(task)
        except MemoryError:
            os._exit(1)  # as a worker of this machine (`jaxir.worker`)
        finally:
            faulthandler.cancel_dump_traceback_later()


def _start(setup: Setup, origin: Origin) -> None:
    for name in [name for name in os.environ if name.startswith("JAX_") and name not in WORKER_ENVIRONMENT]:
        # The node's; what the run sets is there since the process was started, and JAX is not imported yet.
        del os.environ[name]
    difference = origin.difference(Origin.here(setup.templates))
    if difference:
        raise UserError(f"Ray node {platform.node()} has {difference}; install the same on each node")
    candidate.start(dataclasses.replace(setup, parent=os.getppid()))


# in the driver


class Cluster:
    """A connection to a Ray cluster."""

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        self.cpus = max(1, int(ray.cluster_resources().get("CPU", 0)))  #: of all nodes together

    @contextlib.contextmanager
    def engine(self, setup: Setup, workers: int) -> Iterator[RayEngine]:
        """An engine with `workers` tasks running at a time; see `jaxir.engines.Opener`."""
        variables = dict(WORKER_ENVIRONMENT)
        if "JAXIR_FAST_PATH" in os.environ:
            variables["JAXIR_FAST_PATH"] = os.environ["JAXIR_FAST_PATH"]
        remote = self._ray.remote(
            num_cpus=1,
            max_retries=0,  # the engine decides
            max_calls=engines.TASKS_PER_WORKER,
            runtime_env={"env_vars": variables},
        )(run_there)
        origin = Origin.here(setup.templates)
        engine = RayEngine(lambda task: remote.remote(setup, origin, task, engines.time_limit(task)).future(), workers)
        try:
            yield engine
        finally:
            engine.close()


@contextlib.contextmanager
def connect(address: str | None = None) -> Iterator[Cluster]:
    """A cluster, for as long as the context lasts.

    Args:
        address: HOST:PORT of the head node. None: RAY_ADDRESS, else a cluster that this machine belongs to, else one
            is started here and ended with the context.

    Raises:
        UserError: Ray is not installed, or no cluster answers at the address.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a tool for corpora has nothing to report
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError:
        raise UserError("--engine ray: Ray is not installed; pip install 'jaxir[ray]'") from None
    wanted = address or os.environ.get("RAY_ADDRESS")
    if wanted and wanted not in ("auto", "local"):
        _look(wanted)
    options = {"log_to_driver": False, "logging_level": "CRITICAL"}
    before = signal.getsignal(signal.SIGTERM)
    try:
        try:
            ray.init(wanted or "auto", **options)
        except (ConnectionError, RuntimeError, ValueError) as error:
            if wanted:
                raise UserError(f"--ray-address {wanted}: Ray cannot connect: {_first_line(error)}") from None
            ray.init("local", include_dashboard=False, **options)
        signal.signal(signal.SIGTERM, before)  # Ray takes it
        yield Cluster(ray)
    finally:
        ray.shutdown()


def _look(address: str) -> None:
    """Whether something listens at an address: Ray itself would try for ten minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except ValueError:
        raise UserError(f"--ray-address {address}: expected HOST:PORT, such as 10.0.0.1:6379") from None
    except OSError as error:
        raise UserError(
            f"--ray-address {address}: no Ray cluster answers ({error.strerror or error}); start one with "
            "`ray start --head` and give its HOST:PORT"
        ) from None


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).split("\n", 1)[0][:200]


@dataclasses.dataclass(eq=False)
class _Flight:
    """A task that Ray has."""

    task: Task
    future: Future[Result]  #: what `submit` gave
    inner: Future[Result]  #: Ray's
    lost: int = 0  #: nodes


class RayEngine:
    """Keeps Ray busy, and no more than that, so that an urgent task overtakes what is computed ahead."""

    def __init__(self, launch: Callable[[Task], Future[Result]], workers: int) -> None:
        self.workers = workers
        self._launch = launch
        self._queue = Queue()
        self._lock = threading.Lock()
        self._flights: set[_Flight] = set()
        self._closed = False
        # Ray's callbacks come on a thread of Ray's that must not wait for Ray.
        self._events: queue.SimpleQueue[_Flight | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._dispatch, name="jaxir ray", daemon=True)
        self._thread.start()

    def submit(self, task: Task, *, urgent: bool = False) -> Future[Result]:
        """Queue a task; the future raises `WorkerDied` if its worker was lost, or took too long."""
        with self._lock:
            future = self._queue.put(task, urgent=urgent)
        self._events.put(None)
        return future

    def close(self) -> None:
        """Hand out nothing more; nobody is told about tasks that are left."""
        self._closed = True
        self._events.put(None)
        self._thread.join()

    def _dispatch(self) -> None:
        """One task for each worker, and one to follow it."""
        while True:
            ended = self._events.get()
            if self._closed:
                return
            try:
                self._go_on(ended)
            except Exception as error:
                # Nobody waits for this thread: what it cannot mend is told to those who wait for tasks.
                self._fail(error)

    def _go_on(self, ended: _Flight | None) -> None:
        """Settle a task that has ended, and keep Ray busy."""
        if ended is not None:
            self._settle(ended)
            self._flights.discard(ended)
        while len(self._flights) < 2 * self.workers:
            with self._lock:
                entry = self._queue.get()
            if entry is None:
                break
            self._begin(*entry)

    def _fail(self, error: Exception) -> None:
        with self._lock:
            waiting = [future for _, future in iter(self._queue.get, None)]
        for future in (*waiting, *(flight.future for flight in self._flights)):
            if not future.done():
                future.set_exception(error)
        self._flights.clear()

    def _begin(self, task: Task, future: Future[Result], lost: int = 0) -> None:
        try:
            flight = _Flight(task, future, self._launch(task), lost)
        except Exception as error:
            future.set_exception(error)
            return
        self._flights.add(flight)
        flight.inner.add_done_callback(functools.partial(self._note, flight))

    def _note(self, flight: _Flight, _: Future[Result]) -> None:
        self._events.put(flight)

    def _settle(self, flight: _Flight) -> None:
        error = flight.inner.exception()
        kinds = [kind.__name__ for kind in type(error).__mro__]
        if error is None:
            flight.future.set_result(flight.inner.result())
        elif flight.lost < LOST_NODES and any(name in _NODE_LOST for name in kinds):
            self._begin(flight.task, flight.future, flight.lost + 1)
        elif any(name in (*_NODE_LOST, *_WORKER_LOST) for name in kinds):
            flight.future.set_exception(WorkerDied(kinds[0]))
        elif "RuntimeEnvSetupError" in kinds:
            flight.future.set_exception(UserError(f"Ray cannot start workers: {_first_line(error)}"))
        else:
            flight.future.set_exception(RuntimeError(f"in a Ray worker:\n{error}"))
