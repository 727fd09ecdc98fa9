"""The simulation of large runs: its table in the documentation is what it prints, and its limits are those it has."""

from __future__ import annotations

import subprocess
import sys

from conftest import ROOT


def printed(*options: str) -> str:
    script = ROOT / "scripts" / "simulate_scale.py"
    done = subprocess.run([sys.executable, script, *options], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def cells(*options: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|\n ").split("|")] for line in printed(*options).splitlines()[2:]]


def test_the_table_in_the_documentation_is_the_one_that_is_printed() -> None:
    assert printed() in (ROOT / "docs" / "scale.md").read_text()


def test_a_full_driver_gains_nothing_from_more_cores_and_cores_do_where_it_is_not_full() -> None:
    options = ["--rows", "1000000", "--cores", "500", "--cores", "1000", "--driver-ms", "10", "--worker-ms", "100"]
    few_driver, few_tasks, many_driver, many_tasks = cells(*options)
    assert few_driver[3] == many_driver[3] == "100"
    assert few_driver[4] == "driver"
    assert few_tasks[4] == many_tasks[4] == "cores"
    assert float(many_tasks[3].replace(",", "")) > 1.9 * float(few_tasks[3].replace(",", ""))
