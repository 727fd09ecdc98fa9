"""Hostile modules and sources neither kill nor hang the parent, and leave no process and no file."""

import collections
import re
import uuid

import psutil
import pytest
from hostile.modules import KILLERS, mutated
from hostile.sources import SOURCES

from jaxir.executor.isolation import ENVIRONMENT, Job, Limits, run_isolated

#: Modules that one child is given; it is replaced when one of them kills it.
BATCH = 100


@pytest.fixture
def environment():
    """Variables with a mark by which processes are found; none may be left at the end."""
    mark = f"JAXIR_TEST_{uuid.uuid4().hex}"
    yield {**ENVIRONMENT, mark: "1"}
    left = []
    for process in psutil.process_iter():
        try:
            if mark in process.environ():
                left.append(process)
        except psutil.Error:
            continue
    assert not left


def snapshot(folder):
    return {path.name: (path.stat().st_mode, path.stat().st_size) for path in folder.iterdir()}


def test_35_hostile_sources_get_a_verdict_and_leave_nothing(tmp_path, environment):
    (tmp_path / "kept").write_text("kept")
    before = snapshot(tmp_path)
    jobs = [
        Job(name, {"python_source": source.replace("{folder}", str(tmp_path))}) for name, (source, _) in SOURCES.items()
    ]
    assert len(jobs) == 35
    verdicts = list(
        run_isolated(
            "hostile.work:execute", jobs, workers=2, limits=Limits(seconds=4), fresh=True, environment=environment
        )
    )
    assert [verdict.key for verdict in verdicts] == list(SOURCES)
    unexpected = {
        verdict.key: verdict.died
        for verdict in verdicts
        if not any(
            verdict.died.startswith(text) and bool(text) == bool(verdict.died)
            for text in SOURCES[verdict.key][1].split("|")
        )
    }
    assert not unexpected
    assert all(len(verdict.output) <= 4096 for verdict in verdicts)
    assert snapshot(tmp_path) == before


def test_15_known_killers_in_parser_interpreter_and_compiler(environment):
    jobs = [
        Job(f"{action}: {name}", {"stablehlo": text, "action": action})
        for name, text in KILLERS.items()
        for action in ("parse", "interpret", "compile")
    ]
    assert len(jobs) == 3 * 15
    verdicts = {
        verdict.key: verdict
        for verdict in run_isolated(
            "hostile.work:run_module", jobs, workers=2, limits=Limits(seconds=3), fresh=True, environment=environment
        )
    }
    assert list(verdicts) == [job.key for job in jobs]
    died = {key: verdict.died for key, verdict in verdicts.items() if verdict.died}
    # What each is known for; otherwise this test would show nothing.
    assert died["interpret: integer division by zero"] == "SIGFPE"
    assert died["interpret: integer remainder by zero"] == "SIGFPE"
    assert died["interpret: raw CHLO"] == "SIGABRT"
    assert died["interpret: custom call to an unknown target"] == "SIGABRT"
    assert died["interpret: infinite while"] == died["compile: infinite while"] == "time limit"
    assert died["parse: 13 KB of [ in an attribute"] == died["parse: 3,900 nested regions"] == "SIGSEGV"
    assert died["interpret: recursive calls"] == died["interpret: a composite of itself"] == "SIGSEGV"
    assert died["interpret: 2**40 calls"] == died["compile: 2**40 calls"] == "time limit"
    assert all(f"{action}: allocation of a terabyte" in verdicts for action in ("interpret", "compile"))
    assert all(re.fullmatch("SIG[A-Z]+|time limit|memory limit", how) for how in died.values())


def try_mutants(count, environment):
    """What came of `count` mutated modules: refused, interpreted, or how the child died; each exactly once."""
    queue = collections.deque()
    texts = list(mutated(count))
    queue.extend(range(start, min(start + BATCH, count)) for start in range(0, count, BATCH))
    seen = collections.Counter()
    while queue:
        batches = list(queue)
        queue.clear()
        jobs = [Job(str(place), {"texts": [texts[n] for n in numbers]}) for place, numbers in enumerate(batches)]
        verdicts = run_isolated(
            "hostile.work:try_modules", jobs, workers=2, limits=Limits(seconds=20), fresh=True, environment=environment
        )
        for numbers, verdict in zip(batches, verdicts, strict=True):
            if verdict.value:
                seen.update(verdict.value)
                continue
            assert verdict.died
            at = int(re.findall(r"at (\d+)\n", verdict.output)[-1])
            seen[verdict.died] += 1
            # What was done before the death was lost with the child; done again it says the same.
            queue.extend(rest for rest in (numbers[:at], numbers[at + 1 :]) if rest)
    assert sum(seen.values()) == count
    return seen


def test_2000_mutated_modules_never_kill_or_hang_the_parent(environment):
    seen = try_mutants(2000, environment)
    assert seen["refused"] > 1000
    assert seen["interpreted"] > 50


def test_the_mutated_modules_are_the_same_every_time():
    assert list(mutated(20)) == list(mutated(20))
    assert len(set(mutated(200))) > 190
