"""`ordered`: a map over processes that keeps the order, takes items lazily and survives the loss of a process."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import psutil
import pytest

from jaxir.analysis import parallel
from jaxir.analysis.parallel import ordered
from jaxir.executor.isolation import pools


def slow_square(number: int) -> int:
    time.sleep(0.02 * (number % 3))
    return number * number


def where(_: int) -> int:
    return os.getpid()


def fails_at_nine(number: int) -> int:
    if number == 9:
        raise ValueError("nine")
    return number


def dies_once(marks: tuple[str, int]) -> int:
    folder, number = marks
    mark = Path(folder, str(number))
    if number == 9 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def dies_elsewhere(home: int) -> int:
    if os.getpid() != home:
        os.kill(os.getpid(), signal.SIGKILL)
    return home


def hangs_elsewhere(home: int) -> int:
    if os.getpid() != home:
        time.sleep(1000)
    return home


def test_an_item_that_the_pool_never_answers_for_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """pebble starts its limit when a process has taken an item; one that is killed while it reads it never does."""
    monkeypatch.setattr(parallel, "_SECONDS", 0.1)
    monkeypatch.setattr(pools, "START", 0.0)
    monkeypatch.setattr(parallel.ProcessPool, "schedule", lambda *_, **__: Future())
    assert list(ordered(slow_square, range(8), 2)) == [number * number for number in range(8)]


@pytest.fixture
def no_process_is_left() -> Iterator[None]:
    """Those of other tests do not count, nor does the one in which `multiprocessing` keeps its books."""
    before = set(psutil.Process().children())
    yield
    left = set(psutil.Process().children()) - before
    assert not [child for child in left if "resource_tracker" not in " ".join(child.cmdline())]


@pytest.mark.usefixtures("no_process_is_left")
@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order_and_items_are_taken_as_they_are_needed(workers: int) -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in itertools.count():
            taken.append(number)
            yield number

    results = ordered(slow_square, items(), workers)
    assert list(itertools.islice(results, 20)) == [number * number for number in range(20)]
    assert len(taken) < 30
    results.close()


def test_few_items_need_no_process() -> None:
    assert set(ordered(where, range(4), 2)) == {os.getpid()}
    pids = list(ordered(where, range(40), 2))
    assert os.getpid() not in pids[4:]
    assert len(set(pids[4:])) <= 2


@pytest.mark.usefixtures("no_process_is_left")
@pytest.mark.parametrize("workers", [1, 2])
def test_what_the_function_raises_is_raised(workers: int) -> None:
    seen: list[int] = []
    with pytest.raises(ValueError, match="nine"):
        seen.extend(ordered(fails_at_nine, range(20), workers))
    assert seen == list(range(9))


def test_an_item_whose_process_was_killed_is_done_here(tmp_path: Path) -> None:
    items = [(str(tmp_path), number) for number in range(30)]
    assert list(ordered(dies_once, items, 2)) == list(range(30))
    assert (tmp_path / "9").exists()


@pytest.mark.usefixtures("no_process_is_left")
@pytest.mark.parametrize("function", [dies_elsewhere, hangs_elsewhere])
def test_items_are_done_here_where_every_process_is_lost(
    function: Callable[[int], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "_SECONDS", 0.5)
    assert list(ordered(function, [os.getpid()] * 9, 2)) == [os.getpid()] * 9
