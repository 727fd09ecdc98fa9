"""JAX's own primitive test programs through all oracles, by the script that runs them, in a process of its own.

JAX's module changes settings of JAX when it is imported, so no test process imports it.
"""

import json
import os
import subprocess
import sys
from collections import Counter

import pytest
from conftest import ROOT

SCRIPT = ROOT / "scripts" / "harnesses.py"


def run_script(*arguments, **environment):
    return subprocess.run(
        [sys.executable, SCRIPT, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=3000,
        check=False,
    )


def checked(done, path):
    """The outcomes of a run without a fault, of which most are pairs of texts that several oracles ran."""
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    outcomes = json.loads(path.read_text())
    pairs = [one for one in outcomes if not one["refused"]]
    assert not [one for one in outcomes if one["faults"]]
    assert len(pairs) >= 0.9 * len(outcomes)
    # Where an oracle did not run, its limit is named.
    for one in pairs:
        assert {*one["ran"], *one["limits"]} == {"interpreter", "compiled", "source", "numpy"}, one
    ran = Counter(name for one in pairs for name in one["ran"])
    assert ran["compiled"] == ran["source"] == len(pairs)
    assert ran["numpy"] >= 0.9 * len(pairs)
    assert ran["interpreter"] >= 0.8 * len(pairs)
    assert sum(not one["text"] for one in pairs) >= 0.9 * len(pairs)
    return outcomes


def test_150_programs_of_every_group(tmp_path):
    path = tmp_path / "outcomes.json"
    done = run_script("--count", 150, "--json", path)
    outcomes = checked(done, path)
    assert len(outcomes) == 150
    assert len({one["group"] for one in outcomes}) >= 130
    assert "faults (0)" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("x64", [0, 1])
def test_1000_programs(tmp_path, x64):
    path = tmp_path / "outcomes.json"
    outcomes = checked(run_script("--count", 1000, "--json", path, JAX_ENABLE_X64=str(x64)), path)
    assert len(outcomes) == 1000


def test_what_is_missing_is_said_in_one_line(tmp_path):
    (tmp_path / "absl").mkdir()
    (tmp_path / "absl" / "__init__.py").write_text("raise ModuleNotFoundError('No module', name='absl')")
    done = run_script("--count", 1, PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert done.returncode == 2
    assert done.stderr.strip().endswith("needs 'absl', which is not installed; pip install absl-py")
    done = run_script("--count", 1, "--group", "no_such_group")
    assert done.returncode == 2
    assert "no group 'no_such_group'" in done.stderr
