"""Settings of every test: one device, no network, and no corpus of this machine's user."""

from __future__ import annotations

import functools
import importlib.metadata
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset
import pytest
from hypothesis import HealthCheck, settings

# Before jax is imported by any test module.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")

ROOT = Path(__file__).resolve().parent.parent

# No deadline: a first trace in JAX takes a hundred times as long as a second one.
settings.register_profile(
    "jaxir", deadline=None, max_examples=25, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("jaxir")


def table_of(corpus: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of a corpus folder in Parquet, or some columns of them, in the order of the plan."""
    paths = sorted(map(str, (corpus / "data").glob("*.parquet")))
    return pyarrow.dataset.dataset(paths).to_table(columns=columns).sort_by("index")


def run_jaxir(
    arguments: Sequence[str | Path], cwd: Path, environment: dict[str, str] | None = None, **streams: Any
) -> subprocess.CompletedProcess[str]:
    """The real command line in a real process; `stdout` and `stderr` are captured unless `streams` says otherwise."""
    return subprocess.run(
        [sys.executable, "-m", "jaxir", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=900,
        check=False,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams},
    )


@pytest.fixture(autouse=True)
def _own_hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))


@functools.cache
def _has_gpu() -> bool:
    """Whether JAX finds a GPU here; a child process looks, and only where a plugin for one is installed."""
    if not importlib.metadata.entry_points(group="jax_plugins"):
        return False
    from jaxir.executor.devices import discover

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("JAX_PLATFORMS", raising=False)
        return any(device.platform == "gpu" for device in discover())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The rule of the marker `gpu`, the only one that skips."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if marked and not _has_gpu():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="JAX finds no GPU here"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-goldens", action="store_true", help="Write tests/golden anew instead of comparing.")


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, bytes]]:
    """What undisturbed runs of `writing.write` publish, by target."""
    from writing import tree, write

    trees = {}
    for target in (60, 100):
        out = tmp_path_factory.mktemp("reference") / "corpus"
        write(out, target)
        trees[target] = tree(out)
    return trees


@pytest.fixture(scope="session")
def children() -> Any:
    """Processes from a fork server that has the writer loaded and no threads, so that a child costs milliseconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["writing", "huggingface_hub.repocard_data", "jinja2", "pandas"])
    return context
