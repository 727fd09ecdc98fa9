"""Verdicts on jobs behind a process boundary: values, deaths, limits, order, and what happens to the supervisor."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future

import psutil
import pytest
from conftest import ROOT

from jaxir import UserError
from jaxir.executor.isolation import ENVIRONMENT, Job, Limits, Verdict, persistent, pools, run_isolated
from jaxir.executor.isolation.forked import run as run_forked
from jaxir.executor.isolation.lone import run as run_spawned
from jaxir.executor.reproducer import main, replay, write_reproducer

SPAWNED = {**os.environ, **ENVIRONMENT}


def sources(*texts):
    return [Job(str(place), {"python_source": text}) for place, text in enumerate(texts)]


def zygotes():
    return [
        process
        for process in psutil.Process().children()
        if any("jaxir.executor.isolation.zygote" in argument for argument in process.cmdline())
    ]


@pytest.mark.parametrize("fresh", [True, False])
def test_verdicts_come_in_the_order_of_the_jobs(fresh):
    # The first takes longest, so that the other worker starts within it; more jobs than may be under way at once.
    jobs = [Job(f"job {n}", {"seconds": 2.0 if n == 0 else 0.0}) for n in range(40)]
    verdicts = list(run_isolated("hostile.plain:sleep_and_echo", jobs, workers=2, fresh=fresh))
    assert [verdict.key for verdict in verdicts] == [job.key for job in jobs]
    assert not any(verdict.died for verdict in verdicts)
    pids = {verdict.value["pid"] for verdict in verdicts}
    assert len(pids) == (40 if fresh else 2)
    assert verdicts[0].seconds >= 2.0


@pytest.mark.parametrize("fresh", [True, False])
def test_a_death_costs_its_job_and_has_a_name(fresh):
    texts = {
        "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)": "SIGKILL",
        "import os\nos.kill(os.getpid(), 40)": "signal 40",  # most real-time signals have no name
        "import os\nos.abort()": "SIGABRT",
        "import ctypes\nctypes.string_at(0)": "SIGSEGV",
        "import os\nos._exit(3)": "exit code 3",
        "while True: pass": "time limit",
        "bytearray(1 << 40)": "memory limit",
        "raise KeyboardInterrupt('stop')": "exception KeyboardInterrupt: stop",
        "x = 1": "",
    }
    limits = Limits(seconds=3)
    verdicts = run_isolated("hostile.plain:execute", sources(*texts), workers=2, limits=limits, fresh=fresh)
    assert [verdict.died for verdict in verdicts] == list(texts.values())


@pytest.mark.parametrize("fresh", [True, False])
def test_results_are_bounded(fresh):
    limits = Limits(result_bytes=2000)
    jobs = [Job("small", {"text": "x" * 1000}), Job("large", {"text": "x" * 3000})]
    small, large = run_isolated("hostile.plain:echo", jobs, workers=1, limits=limits, fresh=fresh)
    assert small.value["text"] == "x" * 1000
    assert (large.value, large.died) == (None, "result too large")


@pytest.mark.parametrize("fresh", [True, False])
def test_children_see_the_environment_asked_for_and_no_settings_of_jax(fresh, monkeypatch):
    monkeypatch.setenv("JAX_PLATFORMS", "no such thing")
    environment = {**ENVIRONMENT, "X": "1"}
    (verdict,) = run_isolated("hostile.plain:echo", [Job("a", {})], workers=1, fresh=fresh, environment=environment)
    assert verdict.value["variables"] == {"JAX_PLATFORMS": "cpu", "X": "1"}


@pytest.mark.parametrize("fresh", [True, False])
def test_jobs_are_taken_lazily_and_leaving_ends_every_process(fresh):
    taken = []

    def endless():
        while True:
            taken.append(len(taken))
            yield Job(str(taken[-1]), {})

    before = set(psutil.Process().children(recursive=True))
    verdicts = run_isolated("hostile.plain:echo", endless(), workers=2, fresh=fresh)
    assert [next(verdicts).key for _ in range(3)] == ["0", "1", "2"]
    assert len(taken) < 50
    verdicts.close()
    _, alive = psutil.wait_procs(
        [process for process in set(psutil.Process().children(recursive=True)) - before if not is_tracker(process)],
        timeout=10,
    )
    assert not alive


def is_tracker(process):
    """Python's resource tracker, which lives as long as the process."""
    return any("resource_tracker" in argument for argument in process.cmdline())


@pytest.mark.parametrize("fresh", [True, False])
def test_a_function_that_cannot_be_imported_is_an_error_and_no_verdict(fresh):
    with pytest.raises(RuntimeError, match="no_such_module"):
        list(run_isolated("no_such_module:work", [Job("a", {})], workers=1, fresh=fresh))


def test_a_function_whose_module_kills_the_process_that_imports_it(tmp_path, monkeypatch):
    (tmp_path / "deadly.py").write_text("import ctypes\nctypes.string_at(0)\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RuntimeError, match="deadly:work: the child process ended while importing it"):
        list(run_isolated("deadly:work", [Job("a", {})], workers=1, fresh=True))


def test_a_job_that_the_pool_never_answers_for_is_decided_alone(monkeypatch):
    """pebble starts its limit when a process has taken a job; one that is killed while it reads it never does."""
    monkeypatch.setattr(pools, "START", -60.0)
    monkeypatch.setattr(persistent.ProcessPool, "schedule", lambda *_, **__: Future())
    jobs = [Job("one", {"seconds": 0.0}), Job("two", {"seconds": 0.0})]
    verdicts = list(
        run_isolated("hostile.plain:sleep_and_echo", jobs, workers=1, fresh=False, limits=Limits(seconds=30.0))
    )
    assert [(verdict.key, verdict.died) for verdict in verdicts] == [("one", ""), ("two", "")]


def test_a_lost_supervisor_costs_nothing_but_time():
    jobs = [Job(str(n), {"seconds": 0.3}) for n in range(6)]
    verdicts = run_isolated("hostile.plain:sleep_and_echo", jobs, workers=2, fresh=True)
    seen = [next(verdicts)]
    (zygote,) = zygotes()
    children = zygote.children()
    zygote.kill()
    seen += verdicts
    assert [(verdict.key, verdict.died) for verdict in seen] == [(str(n), "") for n in range(6)]
    # Its children ended with it.
    assert not psutil.wait_procs(children, timeout=10)[1]


def test_a_job_that_always_takes_the_supervisor_with_it_is_blamed_alone():
    jobs = [Job(str(n), {"seconds": 0.0 if n != 2 else 60.0}) for n in range(5)]
    verdicts = {verdict.key: verdict.died for verdict in kill_supervisors_of_long_jobs(jobs)}
    assert verdicts == {"0": "", "1": "", "2": "supervisor lost", "3": "", "4": ""}


def kill_supervisors_of_long_jobs(jobs):
    """Run the jobs while another process kills every zygote whose child it has seen for a second."""
    killer = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os, sys, time, psutil\n"
            "parent = psutil.Process(int(sys.argv[1]))\n"
            "seen = {}\n"  # `create_time` would be wrong by up to a second: the kernel tells its start in whole ones
            "while True:\n"
            "    for zygote in parent.children():\n"
            "        try:\n"
            "            if any('jaxir.executor.isolation.zygote' in word for word in zygote.cmdline()):\n"
            "                first = [seen.setdefault(c.pid, time.monotonic()) for c in zygote.children()]\n"
            "                if first and time.monotonic() - min(first) > 1: zygote.kill()\n"
            "        except psutil.Error: pass\n"
            "    time.sleep(0.05)\n",
            str(os.getpid()),
        ]
    )
    try:
        yield from run_isolated("hostile.plain:sleep_and_echo", jobs, workers=2, fresh=True)
    finally:
        killer.kill()
        killer.wait()


def test_no_child_outlives_a_killed_parent(tmp_path):
    """The process that calls `run_isolated` is killed in the middle of a job that would never end."""
    script = (
        "from jaxir.executor.isolation import *\n"
        "print('ready', flush=True)\n"
        "list(run_isolated('hostile.plain:execute', [Job('a', {'python_source': 'while True: pass'})], workers=1,"
        " limits=Limits(seconds=300), fresh=FRESH))\n"
    )
    for fresh in ("True", "False"):
        parent = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "if __name__ == '__main__':\n " + script.replace("FRESH", fresh).replace("\n", "\n "),
            ],
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        parent.stdout.readline()
        family = busy_family(psutil.Process(parent.pid))
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        parent.stdout.close()
        _, alive = psutil.wait_procs(family, timeout=20)
        assert not alive


def busy_family(parent):
    """All descendants, once a child that is no supervisor has computed for a while."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        family = parent.children(recursive=True)
        for process in family:
            with contextlib.suppress(psutil.Error):
                if process.cpu_times().user > 0.5 and not process.children():
                    return family
        time.sleep(0.05)
    raise AssertionError("no job began")


def test_the_parent_imports_no_jax():
    script = (
        "import sys\n"
        "from jaxir.executor.isolation import Job, run_isolated\n"
        "(verdict,) = run_isolated('hostile.plain:echo', [Job('a', {'x': 1})], workers=1, fresh=True)\n"
        "assert verdict.value['x'] == 1, verdict\n"
        "print(sorted(name for name in sys.modules if name.startswith('jax') and not name.startswith('jaxir')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout == "[]\n"


# where nothing can be forked


def test_spawned_children_are_watched():
    texts = {
        "x = 1": "",
        "held = bytearray(1 << 28)\nwhile True: pass": "memory limit",
        "while True: pass": "time limit",
        "import os\nos._exit(0)": "exit code 0",
    }
    limits = Limits(seconds=5, memory_bytes=1 << 27)
    verdicts = list(run_spawned("hostile.plain:execute", sources(*texts), 2, limits, SPAWNED))
    assert [verdict.died for verdict in verdicts] == list(texts.values())


def test_spawned_and_forked_children_agree():
    jobs = [Job(str(n), {"text": "x" * n}) for n in range(4)]
    for run in (run_spawned, run_forked):
        verdicts = list(run("hostile.plain:echo", jobs, 2, Limits(), SPAWNED))
        assert [(verdict.key, verdict.value["text"]) for verdict in verdicts] == [(str(n), "x" * n) for n in range(4)]
        assert len({verdict.value["pid"] for verdict in verdicts}) == 4


# reproducers


def test_a_reproducer_folder_replays_its_verdict(tmp_path, capsys):
    payload = {"python_source": "import os\r\nos._exit(7)  # π\n", "stablehlo": "module {}\n", "inputs": ["float32[2]"]}
    verdict = Verdict("row 5", None, "exit code 7", 0.1)
    folder = tmp_path / "row-5"
    write_reproducer(folder, payload, verdict, function="hostile.plain:execute", limits=Limits(seconds=9))
    assert sorted(path.name for path in folder.iterdir()) == [
        *("README.md", "inputs.json", "module.mlir", "source.py", "verdict.json"),
    ]
    assert (folder / "source.py").read_bytes().decode() == payload["python_source"]
    assert json.loads((folder / "inputs.json").read_text())["payload"] == {"inputs": ["float32[2]"]}
    again = replay(folder)
    assert (again.key, again.died) == ("row 5", "exit code 7")
    # The command in the README.
    command = next(line.split() for line in (folder / "README.md").read_text().splitlines() if line.startswith("    "))
    assert command[:3] == ["python", "-m", "jaxir.executor.reproducer"]
    assert main([str(tmp_path / command[3])]) == 0
    assert json.loads(capsys.readouterr().out)["died"] == "exit code 7"


def test_a_folder_that_is_no_reproducer(tmp_path, capsys):
    with pytest.raises(UserError, match="no reproducer"):
        replay(tmp_path)
    assert main([str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
