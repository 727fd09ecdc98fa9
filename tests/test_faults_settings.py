"""A run goes on only under its own settings: every other one is refused by name, and nothing is touched."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, run_jaxir
from rows import make_samples
from writing import tree

from jaxir import config, pipeline
from jaxir.errors import UserError
from jaxir.writer.folder import Folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    with Folder.open(tmp_path / "out", pipeline.identity(config.load(), [])) as folder:
        folder.commit(make_samples(0, 20))
        folder.publish(20)
        folder.commit(make_samples(20, 30))
    return tmp_path / "out"


def everything(out: Path) -> dict[str, bytes]:
    """Also the run state, but for the name of who looked at it."""
    state = {str(path): path.read_bytes() for path in sorted((out / ".jaxir").rglob("*")) if path.is_file()}
    return tree(out) | {path: content for path, content in state.items() if not path.endswith("owner.json")}


@pytest.mark.parametrize(
    ("overrides", "names"),
    [
        ({"seed": 1}, "seed"),
        ({"balanced": True}, "balanced"),
        ({"platforms": ["cpu", "cuda"]}, "platforms"),
        ({"dialects": ["stablehlo"]}, "dialects"),
        ({"levels": {1: 1.0}}, "levels"),
        ({"categories": {"math": 1.0}}, "categories"),
        ({"rows_per_skeleton": 2}, "rows_per_skeleton"),
    ],
)
def test_another_config_is_refused_by_the_name_of_what_differs(
    out: Path, overrides: dict[str, Any], names: str
) -> None:
    before = everything(out)
    with pytest.raises(UserError) as error:
        Folder.open(out, pipeline.identity(config.load("default", overrides), []))
    message = str(error.value)
    assert message.startswith(f"{out}: holds a run with other settings: {names} was ")
    assert message.count(" was ") == 1
    assert "--fresh" in message
    assert "\n" not in message
    assert everything(out) == before


def test_a_damaged_record_is_written_again_for_its_own_settings_only(out: Path) -> None:
    record = out / ".jaxir" / "run.json"
    whole = record.read_bytes()
    record.write_bytes(whole.replace(b"4", b"5", 1))
    with pytest.raises(
        UserError, match=r"run\.json: is damaged, so the run goes on with its own settings .* use --fresh"
    ):
        Folder.open(out, pipeline.identity(config.load("default", {"seed": 1}), []))
    with Folder.open(out, pipeline.identity(config.load(), [])) as folder:
        assert folder.committed_rows == 30
    assert record.read_bytes() == whole


VERSIONS = ["jax", "jaxlib", "jaxir", "numpy", "scipy", "ml-dtypes", "python", "machine", "pyarrow_version"]


@pytest.mark.parametrize("name", VERSIONS)
def test_another_version_is_refused(out: Path, name: str) -> None:
    before = everything(out)
    identity = {**pipeline.identity(config.load(), []), name: "0.0.1"}
    with pytest.raises(UserError, match=rf'other settings: {name} was "[^"]+", now "0\.0\.1";'):
        Folder.open(out, identity)
    assert everything(out) == before


def test_other_templates_are_refused(out: Path, tmp_path: Path) -> None:
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops" / "math.py").write_text("# nothing yet\n")
    with pytest.raises(UserError, match="other settings: templates was "):
        Folder.open(out, pipeline.identity(config.load(), [tmp_path / "ops"]))


def test_size_and_layout_are_no_part_of_a_run(out: Path) -> None:
    overrides = {"target": 500, "formats": ["jsonl"], "layout": "legacy", "shard_size": 7}
    with Folder.open(out, pipeline.identity(config.load("default", overrides), [])) as folder:
        assert folder.committed_rows == 30


_HOLD = """
import sys
from jaxir import config, pipeline
from jaxir.writer.folder import Folder
with Folder.open(sys.argv[1], pipeline.identity(config.load(), [])):
    print("open", flush=True)
    sys.stdin.read()
"""


def test_a_second_command_stops_with_host_and_process_and_a_dead_run_is_taken_over(out: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", _HOLD, str(out)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "open\n"
        second = run_jaxir(["generate", "--target", "50", "--out", out], tmp_path)
        assert second.returncode == 2
        assert second.stderr.strip().splitlines() == [
            f"jaxir: {out}: another run is writing here (process {first.pid} on {socket.gethostname()}); "
            "wait for it, stop it, or choose another --out"
        ]
        first.kill()
    with Folder.open(out, pipeline.identity(config.load(), [])) as folder:
        assert folder.committed_rows == 30
