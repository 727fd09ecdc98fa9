"""The Ray engine on a real cluster of two nodes of this machine, one of which is killed while it works."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import run_jaxir
from test_engines import EXIT, KILLED, bad, ends, good, setup
from writing import tree

from jaxir import engines, ray_engine

#: A cluster takes half a minute to start, and each of its workers seconds more than a local one.
pytestmark = pytest.mark.slow

#: Nodes have settings of their users that would change every row.
ENVIRONMENT = {
    "JAX_ENABLE_X64": "1",
    "JAX_DEFAULT_MATMUL_PRECISION": "highest",
    "XLA_FLAGS": "--xla_cpu_max_isa=SSE4_2",
}
#: A node that is killed is missed after two seconds instead of thirty.
HEALTH = {"health_check_initial_delay_ms": 1000, "health_check_period_ms": 1000, "health_check_failure_threshold": 2}
ARGUMENTS = ["generate", "--target", "16", "--seed", "5", "--levels", "1,2"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")  # Ray's own, about itself
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        from ray.cluster_utils import Cluster

        node = {"num_cpus": 1, "object_store_memory": 80_000_000, "include_dashboard": False}
        made = Cluster(initialize_head=True, head_node_args={**node, "_system_config": HEALTH})
        made.add_node(**node)
        yield made
        made.shutdown()


def test_workers_that_die_or_take_too_long_cost_their_own_task(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = "WorkerCrashedError"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with ray_engine.connect(cluster.address) as connected:
            assert connected.cpus == 2
            with connected.engine(setup(), connected.cpus) as engine:
                assert ends(engine, [bad(EXIT), good(0), bad(KILLED), good(1)]) == [lost, "0", lost, "1"]
            monkeypatch.setattr(engines, "TIME_LIMIT", 0.001)
            with connected.engine(setup(), 1) as engine:
                assert ends(engine, [good(2)]) == [lost]


def test_a_node_that_is_killed_while_it_works_changes_no_byte(cluster: Any, tmp_path: Path) -> None:
    command = [*ARGUMENTS, "--engine", "ray", "--ray-address", cluster.address, "--out", "ray"]
    node = cluster.worker_nodes.copy().pop()
    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
    with subprocess.Popen(
        [sys.executable, "-m", "jaxir", *command], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    ) as run:
        while not busy(raylet):
            assert run.poll() is None, run.stderr
            time.sleep(0.1)
        cluster.remove_node(node, allow_graceful=False)
        _, errors = run.communicate(timeout=300)
    assert run.returncode == 0, errors
    local = run_jaxir([*ARGUMENTS, "--workers", "1", "--out", "local"], tmp_path)
    assert local.returncode == 0, local.stderr
    assert tree(tmp_path / "ray") == tree(tmp_path / "local")
    assert len(tree(tmp_path / "ray")) >= 5


def busy(raylet: psutil.Process) -> bool:
    """Whether a worker of the node runs one of our tasks; Ray names the process after it."""
    for child in raylet.children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it is gone meanwhile
            if "run_there" in " ".join(child.cmdline()):
                return True
    return False
