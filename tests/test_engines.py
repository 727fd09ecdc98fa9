"""The local engine with workers that really die, at every moment of their life."""

from __future__ import annotations

import dataclasses
import errno
import os
import signal
import struct
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from jaxir import candidate, config, engines, worker
from jaxir.candidate import INDICES_PER_TRIM, Result, Setup, Task
from jaxir.engines import Engine, WorkerDied
from jaxir.errors import Rejected, UserError
from jaxir.worker import Worker


@dataclasses.dataclass
class Deed:
    """Pickled here, done there: the process that reads it calls a function at that moment."""

    function: Callable[..., Any]
    argument: Any

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any]]:
        return self.function, (self.argument,)


EXIT, EXIT_WELL = Deed(os._exit, 7), Deed(os._exit, 0)
KILLED, HANGS = Deed(signal.raise_signal, signal.SIGKILL), Deed(time.sleep, 10_000)


def half_an_answer(size: int) -> None:
    """Send the length of an answer and a part of it, and stop."""
    pipe = next(frame.f_locals["pipe"] for frame, _ in traceback.walk_stack(None) if "pipe" in frame.f_locals)
    os.write(pipe.fileno(), struct.pack("!i", size) + bytes(size // 2))
    time.sleep(10_000)


HALF_ANSWER = Deed(half_an_answer, 10_000)


def spend(folder: Path) -> tuple[Path, ...]:
    """End this process if there is a file left in the folder, at the cost of that file."""
    for path in sorted(folder.iterdir()):
        path.unlink()
        os._exit(5)
    return ()


_kept: list[Any] = []


def litter(blocks: int) -> tuple[tuple[int, int], ...]:
    """Take blocks of 2 kB and free all but the last: C libraries keep such memory."""
    taken = [np.ones(2000, np.uint8) for _ in range(blocks)]
    _kept.append(taken.pop())
    return ((0, 0),)


class Exhausting(tuple):  # type: ignore[type-arg]
    """The indices of a task that nothing can be made of for want of memory."""

    def __iter__(self) -> Any:
        raise MemoryError


def setup(templates: Any = ()) -> Setup:
    chosen = config.load("default", {"target": 100, "levels": {1: 1.0}, "categories": {"math": 1.0}})
    return Setup(chosen, templates, os.getpid())


def good(index: int) -> Task:
    return Task(((index, 0),))


def bad(deed: Deed) -> Task:
    return Task(deed)  # type: ignore[arg-type]  # it becomes something else on the way


def ends(engine: Engine, tasks: list[Task]) -> list[str]:
    """What came of tasks: the index of the sample, or how the worker died."""

    def end(result: Callable[[], Result]) -> str:
        try:
            (outcome,) = result().outcomes
        except WorkerDied as error:
            return str(error)
        assert outcome.sample is not None
        return str(outcome.sample.index)

    futures = [engine.submit(task) for task in tasks]
    return [end(future.result) for future in futures]


def test_a_worker_that_ends_at_once_costs_its_own_task_and_no_other() -> None:
    with engines.local(setup(), 2) as engine:
        unnamed = bad(Deed(signal.raise_signal, 40))  # most real-time signals have no name
        tasks = [bad(EXIT), good(0), good(1), bad(KILLED), good(2), good(3), unnamed]
        assert ends(engine, tasks) == ["exit code 7", "0", "1", "SIGKILL", "2", "3", "signal 40"]


@pytest.mark.slow
def test_a_worker_that_hangs_or_ends_without_an_error_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "TIME_LIMIT", 20.0)
    with engines.local(setup(), 1) as engine:
        assert ends(engine, [good(0), bad(HANGS), bad(EXIT_WELL), good(1)]) == ["0", "time limit", "exit code 0", "1"]


def test_a_worker_that_stops_in_the_middle_of_its_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "PART_LIMIT", 3)
    with engines.local(setup(), 1) as engine:
        assert ends(engine, [bad(HALF_ANSWER), good(1)]) == ["time limit", "1"]


def test_no_memory_says_nothing_of_a_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    """It became a rejection, and the worker, whose JAX was broken by then, went on."""

    def make(*_: Any) -> None:
        try:
            raise MemoryError
        except MemoryError as error:
            raise Rejected("lower", "MemoryError") from error

    monkeypatch.setattr(candidate, "make", make)
    with pytest.raises(MemoryError):
        candidate._first_good(None, 0, 0, 1)  # type: ignore[arg-type]  # no plan is needed


def test_workers_are_replaced_after_their_tasks_and_bugs_are_raised_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "TASKS_PER_WORKER", 2)
    with engines.local(setup(), 1) as engine:
        before = {child.pid for child in psutil.Process().children()}
        assert ends(engine, [good(0), good(1), good(2)]) == ["0", "1", "2"]
        assert {child.pid for child in psutil.Process().children()} - before
        with pytest.raises(RuntimeError, match=r"(?s)in a worker process:\nTraceback.*in run\n"):
            ends(engine, [Task((0,))])  # type: ignore[arg-type]  # no pair


def test_memory_that_a_task_freed_goes_back_to_the_system() -> None:
    before = {child.pid for child in psutil.Process().children()}
    with engines.local(setup(), 1) as engine:
        assert ends(engine, [good(0), bad(Deed(litter, 100_000))]) == ["0", "0"]
        workers = [child for child in psutil.Process().children() if child.pid not in before]
        size = max(worker.memory_info().rss for worker in workers)
        # Indices whose attempts are used up already: nothing is made, and each counts.
        used_up = tuple((index, setup().config.max_attempts) for index in range(INDICES_PER_TRIM))
        assert len(engine.submit(Task(used_up)).result().outcomes) == INDICES_PER_TRIM
        assert ends(engine, [good(1)]) == ["1"]
        assert max(worker.memory_info().rss for worker in workers) < size - 150_000_000


def test_a_worker_that_ends_before_it_is_ready_is_started_again(tmp_path: Path) -> None:
    (tmp_path / "1").touch()
    (tmp_path / "2").touch()
    with engines.local(setup(Deed(spend, tmp_path)), 1) as engine:
        assert ends(engine, [good(0)]) == ["0"]
    assert not list(tmp_path.iterdir())


def test_a_process_that_cannot_be_started_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(self: Worker, setup: Setup) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(Worker, "__init__", none_left)
    with (
        engines.local(setup(), 4) as engine,
        pytest.raises(UserError, match=r"^3 worker processes in a row .* Too many open files; .* Try --workers 2$"),
    ):
        ends(engine, [good(0)])


def test_memory_that_runs_out_beside_a_kernel_costs_its_task_and_no_other() -> None:
    with engines.local(setup(), 1) as engine:
        assert ends(engine, [good(0), Task(Exhausting()), good(1)]) == ["0", "exit code 1", "1"]


def test_workers_that_never_get_ready_end_the_run_with_one_line(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / str(number)).touch()
    with (
        engines.local(setup(Deed(spend, tmp_path)), 1) as engine,
        pytest.raises(UserError, match=r"^3 worker processes in a row .* exit code 5; .* Try --workers 1$"),
    ):
        ends(engine, [good(0)])


def test_urgent_tasks_overtake_what_waits_and_leaving_the_engine_ends_its_workers() -> None:
    before = {child.pid for child in psutil.Process().children()}
    done: list[str] = []
    with engines.local(setup(), 1) as engine:
        for index in range(100):
            engine.submit(good(index)).add_done_callback(lambda future: done.append("waited"))
        urgent = engine.submit(good(100), urgent=True)
        urgent.add_done_callback(lambda future: done.append("urgent"))
        assert urgent.result().outcomes[0].index == 100
        workers = [child for child in psutil.Process().children() if child.pid not in before]
    assert done.index("urgent") <= 1
    assert workers
    assert not [child for child in workers if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    assert len(done) < 100, "what was left is dropped"
