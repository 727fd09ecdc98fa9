"""`jaxir verify-reproducible`: rows come again from their own records, and every change to one is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import run_jaxir

from jaxir import reproduce
from jaxir.errors import UserError
from jaxir.sample import SCHEMA
from jaxir.writer import shards

ROWS = 8


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published corpus without its run state, as a download of it is."""
    out = tmp_path_factory.mktemp("reproduce") / "corpus"
    arguments = ["generate", "--target", str(ROWS), "--balanced", "--format", "parquet,jsonl", "--out", str(out)]
    done = run_jaxir([*arguments, "--workers", "2"], out.parent)
    assert done.returncode == 0, done.stderr
    shutil.rmtree(out / ".jaxir")
    return out


@pytest.fixture
def copy(corpus: Path, tmp_path: Path) -> Path:
    shutil.copytree(corpus, tmp_path / "copy")
    return tmp_path / "copy"


def edit_run(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    figures = json.loads((folder / "stats.json").read_text())
    change(figures)
    (folder / "stats.json").write_text(json.dumps(figures))


def edit_rows(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    for path in (folder / "data").iterdir():
        rows = shards.read_parquet(path).to_pylist()
        for row in rows:
            change(row)
        path.write_bytes(shards.parquet_bytes([pa.Table.from_pylist(rows, schema=SCHEMA)]))


def test_every_row_comes_out_byte_for_byte(corpus: Path) -> None:
    done = run_jaxir(["verify-reproducible", corpus, "--sample", "0", "--workers", "2"], corpus.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{ROWS} of {ROWS} rows, drawn from {ROWS}, came out byte for byte" in done.stdout
    assert f"{ROWS} were also lowered in a new process each" in done.stdout


def test_every_change_is_named_and_nothing_of_the_corpus_is_executed(copy: Path, tmp_path: Path) -> None:
    trap = tmp_path / "executed"

    def change(row: dict[str, Any]) -> None:
        if row["index"] == 1:
            row["python_source"] += f"\nopen({str(trap)!r}, 'w')\n"
        elif row["index"] == 3:
            row["stablehlo"] = row["stablehlo"].replace("return", "retrun", 1)
        elif row["index"] == 4:
            row["flops"] += 1.0
            row["ops"] = [*row["ops"], "stablehlo.none"]
        elif row["index"] == 6:
            row["attempt"] += 1

    edit_rows(copy, change)
    done = run_jaxir(["verify-reproducible", copy, "--sample", "0", "--workers", "2"], tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("files: content digest: now ")
    named = {tuple(line.split(": ")[:2]) for line in lines if line.startswith("index ")}
    assert named >= {("index 1", "python_source"), ("index 3", "stablehlo"), ("index 4", "flops"), ("index 4", "ops")}
    assert {index for index, _ in named} == {"index 1", "index 3", "index 4", "index 6"}
    assert "retrun" in done.stdout
    assert f"{ROWS - 4} of {ROWS} rows" in lines[-1]
    assert not trap.exists()


def test_json_lines_are_as_good_as_parquet(copy: Path) -> None:
    shutil.rmtree(copy / "data")
    (copy / "jsonl").rename(copy / "data")
    edit_run(copy, lambda figures: figures["corpus"].pop("content_digest"))
    found = reproduce.verify(copy, sample=3, seed=2, workers=1)
    assert (found.rows, found.chosen, found.lowered, found.differences) == (ROWS, 3, 3, ())


@pytest.mark.parametrize(("name", "message"), [("machine", "a machine of kind vax"), ("python", "Python vax")])
def test_another_machine_or_python_is_said(copy: Path, name: str, message: str) -> None:
    edit_run(copy, lambda figures: figures["run"].update({name: "vax"}))
    with pytest.raises(UserError, match=f"was made with {message}, and here is "):
        reproduce.verify(copy)


@pytest.mark.parametrize("package", ["jaxir", "jax", "jaxlib", "numpy", "scipy", "ml-dtypes"])
def test_another_version_says_what_to_install(copy: Path, package: str) -> None:
    edit_run(copy, lambda figures: figures["run"].update({package: "0.0.1"}))
    with pytest.raises(
        UserError, match=rf"was made with {package} 0\.0\.1, .* pip install {package}==0\.0\.1$"
    ) as error:
        reproduce.verify(copy)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda figures: figures["run"].update(templates="0" * 16), "was made with other templates; name the folders"),
        (lambda figures: figures.pop("run"), "stats.json: holds no record of the run"),
        (lambda figures: figures["run"].update(levels="{"), "stats.json: the config of the run is damaged"),
        (lambda figures: figures["run"].update(levels='{"9": 1.0}'), "`levels.9`: should be less than or equal to 5"),
        (lambda figures: figures["run"].pop("styles"), "stats.json"),
    ],
)
def test_a_record_that_cannot_be_used_is_one_line(copy: Path, change: Any, message: str) -> None:
    edit_run(copy, change)
    with pytest.raises(UserError) as error:
        reproduce.verify(copy)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_folders_that_are_no_corpus_are_one_line_and_exit_code_2(copy: Path, tmp_path: Path) -> None:
    done = run_jaxir(["verify-reproducible", "nowhere"], tmp_path)
    assert (done.returncode, done.stderr) == (2, "jaxir: nowhere: no such folder; give a corpus of `jaxir generate`\n")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no record of the run"):
        reproduce.verify(tmp_path / "empty")
    (copy / "stats.json").rename(tmp_path / "stats.json")
    (copy / "stats.json").write_text("{")
    with pytest.raises(UserError, match=r"stats\.json: is damaged"):
        reproduce.verify(copy)
    (tmp_path / "stats.json").rename(copy / "stats.json")
    for path in (copy / "data").iterdir():
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match="cannot be read"):
        reproduce.verify(copy)
    shutil.rmtree(copy / "data")
    with pytest.raises(UserError, match="no shards here"):
        reproduce.verify(copy)


def test_the_draw_is_a_function_of_the_seed() -> None:
    first = reproduce._draw(1000, 50, 1)
    assert first == reproduce._draw(1000, 50, 1) == sorted(set(first))
    assert len(first) == 50
    assert first != reproduce._draw(1000, 50, 2)
    assert reproduce._draw(7, 0, 1) == reproduce._draw(7, 9, 1) == list(range(7))


def test_a_text_that_public_jax_does_not_make_is_shown(corpus: Path) -> None:
    path = sorted((corpus / "data").iterdir())[0]
    row = shards.read_parquet(path).to_pylist()[0]
    assert reproduce.lowers_differently({**row, "stablehlo": row["stablehlo"] + "// more\n"}).startswith("now ''")
