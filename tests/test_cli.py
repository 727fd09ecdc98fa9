"""The command line: its examples run, its mistakes are one line, its help is quick."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, run_jaxir

FILE = '''
import jax.numpy as jnp

SCALE = 3.0


def loss(x, w):
    """How far off"""
    return jnp.mean((x @ w) ** 2) * SCALE


def fails(x):
    return x @ x @ x


number = 5
'''


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    done = run_jaxir(
        ["generate", "--target", "20", "--balanced", "--format", "parquet,jsonl", "--workers", "2"], folder
    )
    assert done.returncode == 0, done.stderr
    # The default folder is named after what was asked for.
    return folder / "data" / "default-balanced-20"


def commands(group: list[str]) -> list[list[str]]:
    """Every command and sub-command."""
    done = run_jaxir([*group, "--help"], ROOT)
    assert done.returncode == 0
    _, _, listed = done.stdout.partition("Commands:")
    names = re.findall(r"^  ([\w-]+) ", listed, re.MULTILINE)
    return [group, *(found for name in names for found in commands([*group, name]))]


def examples() -> list[list[str]]:
    """The lines of every `Examples:` section in the help."""
    found = []
    for command in commands([]):
        text = run_jaxir([*command, "--help"], ROOT).stdout
        _, _, section = text.partition("Examples:\n")
        for line in section.splitlines():
            if not line.strip().startswith("jaxir "):
                break
            found.append(line.split()[1:])
    return found


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_examples_of_the_help_run(tmp_path, every):
    """The first of each command, and in the slow set all of them."""
    (tmp_path / "model.py").write_text(FILE)
    (tmp_path / "data" / "sample").parent.mkdir()
    (tmp_path / "data" / "sample").symlink_to(ROOT / "data" / "sample")
    (tmp_path / "scripts").mkdir()
    shutil.copytree(ROOT / "scripts" / "examples", tmp_path / "scripts" / "examples")
    found = examples()
    assert len(found) >= 10
    # A type check of everything is a test of its own.
    found.remove(["templates", "check"])
    if not every:
        first = {" ".join(arguments[: 2 if arguments[0] == "templates" else 1]): arguments for arguments in found[::-1]}
        # One is about a corpus that an example of another command makes; `test_reproduce.py` has its like.
        found = [first[name] for name in reversed(first) if name != "verify-reproducible"]
    for arguments in found:
        # The size is the only thing that is changed.
        small = [
            "5" if before == "--target" else word for before, word in zip(["", *arguments], arguments, strict=False)
        ]
        if small[0] == "generate" and "--target" not in small:
            small += ["--target", "5"]
        done = run_jaxir(small, tmp_path)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)


def test_help_does_not_import_jax():
    code = (
        "import sys; from jaxir.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print(sorted({'jax', 'jaxlib', 'pyarrow', 'datasets', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.rstrip().endswith("[]")


def test_the_public_api_is_what_the_package_lists():
    import jaxir

    assert all(getattr(jaxir, name) is not None for name in jaxir.__all__)
    assert sorted(jaxir.__all__) == jaxir.__all__
    assert set(jaxir._HOMES) | {"__version__"} == set(jaxir.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        jaxir.nothing  # noqa: B018  because reading it is the test


BAD = [
    (["generate", "--config", "nothing"], "no such config file"),
    (["generate", "--target", "-3"], "`target`: should be greater than or equal to 1, got -3"),
    (["generate", "--target", "0"], "`target`: should be greater than or equal to 1, got 0"),
    (["generate", "--categories", "maths"], "`categories.maths`: should be 'arithmetic'"),
    (["generate", "--levels", "one"], "--levels one: expected numbers"),
    (["generate", "--levels", "²"], "--levels ²: expected numbers"),
    (["generate", "--levels", "9"], "`levels.9`: should be less than or equal to 5, got 9 (command line)"),
    (["generate", "--balanced", "--config", "curriculum"], "`balanced` and `curriculum` exclude each other"),
    (["generate", "--format", "csv"], "`formats.0`: should be 'parquet' or 'jsonl', got 'csv'"),
    (["generate", "--dialects", "mlir"], "`dialects.0`: should be 'stablehlo', 'hlo' or 'jaxpr', got 'mlir'"),
    (["generate", "--platforms", "gpu"], "`platforms.0`: should be 'cpu', 'cuda', 'rocm' or 'tpu', got 'gpu'"),
    (["generate", "--templates", "nowhere", "--target", "5"], "nowhere: no such folder"),
    (["generate", "--target", "5", "--out", "a_file"], "a_file"),
    (["generate", "--target", "5", "--out", "full"], "full: holds 'something.txt' and is no jaxir corpus"),
    (["analyze", "nowhere"], "nowhere: no such folder"),
    (["analyze", "full"], "full"),
    (["analyze"], "make one with `jaxir generate`"),
    (["extract", "model.py:loss", "--arg", "float31[3]"], "unknown element type 'float31'"),
    (["extract", "model.py:loss", "--arg", "3,4"], "'3,4' is no array type"),
    (["extract", "model.py:loss", "--arg", "float32[²]"], "'²' is no dimension"),
    (["extract", "model.py:nothing"], "nothing"),
    (["extract", "model.py:number"], "number"),
    (["extract", "nowhere.py:loss"], "nowhere.py"),
    (["extract", "model.py:fails", "--arg", "float32[2,3]"], "cannot lower"),
    (["templates", "list", "--category", "maths"], "no such category"),
    (["templates", "show", "softmaxx"], "did you mean softmax"),
]


@pytest.mark.parametrize(
    ("arguments", "message"), BAD, ids=lambda value: " ".join(value) if isinstance(value, list) else None
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, message, tmp_path):
    (tmp_path / "model.py").write_text(FILE)
    (tmp_path / "a_file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something.txt").write_text("mine")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    done = run_jaxir(arguments, tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path in before} == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["validate", "full", "--memory", "inf"],
        ["validate", "full", "--seconds", "nan"],
        ["run", "model.py", "--memory", "nan"],
        ["run", "model.py", "--timeout", "inf"],
        ["bench", "full", "--seconds", "inf"],
        ["generate", "--exact-check", "nan"],
    ],
    ids=" ".join,
)
def test_a_number_that_is_not_finite_is_refused(arguments, tmp_path):
    done = run_jaxir(arguments, tmp_path)
    assert done.returncode == 2
    # Above it stands how the command is used, as click says it.
    assert done.stderr.splitlines()[-1] == (
        f"Error: Invalid value for '{arguments[-2]}': {arguments[-1]} is no finite number."
    )


def test_an_unwritable_folder_is_one_line(tmp_path):
    done = run_jaxir(["generate", "--target", "5", "--out", "/proc/nothing"], tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "/proc/nothing" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "full", "code"),
    [
        (["--help"], "stdout", 2),
        (["analyze", ROOT / "data" / "sample"], "stdout", 2),  # more than a buffer holds
        (["analyze", "nowhere"], "stderr", 2),
        (["analyse"], "stderr", 2),
        (["--help"], "both", 2),
        (["generate", "--target", "2", "--workers", "1", "--out", "c"], "stderr", 0),  # lines of progress are lost
    ],
)
def test_where_there_is_no_room_for_what_is_printed(arguments, full, code, tmp_path):
    """It was a traceback, exit code 1, and the end of a run whose log could not be written."""
    with open("/dev/full", "w") as device:
        streams = dict.fromkeys(("stdout", "stderr") if full == "both" else (full,), device)
        done = run_jaxir(arguments, tmp_path, **streams)
    assert done.returncode == code, done.stderr
    if full == "stdout":
        message = "jaxir: cannot write: No space left on device; make room and give the same command again\n"
        assert done.stderr == message


def test_extract_prints_the_text_that_jax_makes(tmp_path):
    (tmp_path / "model.py").write_text(FILE)
    arguments = ["extract", "model.py:loss", "--arg", "float32[8,3]", "--arg", "float32[3]"]
    done = run_jaxir(arguments, tmp_path)
    code = (
        "import jax, model; s = jax.ShapeDtypeStruct;"
        "print(jax.jit(model.loss).lower(s((8, 3), 'float32'), s((3,), 'float32')).as_text(), end='')"
    )
    plain = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == plain.stdout
    record = json.loads(run_jaxir([*arguments, "--json"], tmp_path).stdout)
    assert record["signature"] == "loss(x: float32[8,3], w: float32[3]) -> float32[]"
    assert "SCALE = 3.0" in record["python_source"]
    assert record["hlo"].startswith("HloModule jit_loss")
    cuda = run_jaxir([*arguments, "--platforms", "cpu,cuda,tpu"], tmp_path)
    assert cuda.returncode == 0, cuda.stderr
    assert "module @jit_loss" in cuda.stdout


def test_analyze_prints_saves_and_draws(corpus, tmp_path):
    done = run_jaxir(["analyze"], corpus.parent.parent)
    assert done.returncode == 0, done.stderr
    assert "20" in done.stdout
    done = run_jaxir(["analyze", corpus, "--save", "stats.md", "--html", "report.html", "--json"], tmp_path)
    assert json.loads(done.stdout)["rows"] == 20
    assert "20" in (tmp_path / "stats.md").read_text()
    assert "<svg" in (tmp_path / "report.html").read_text()
    done = run_jaxir(["analyze", corpus, "--save", "no/such/folder.md"], tmp_path)
    assert done.returncode == 2
    assert "no/such/folder.md: cannot be written" in done.stderr


def test_the_legacy_layout_has_real_source(tmp_path):
    arguments = [
        "generate",
        "--target",
        "5",
        "--format",
        "jsonl",
        "--layout",
        "legacy",
        "--out",
        "old",
        "--workers",
        "1",
    ]
    done = run_jaxir(arguments, tmp_path)
    assert done.returncode == 0, done.stderr
    lines = [
        json.loads(line)
        for path in sorted((tmp_path / "old" / "data").glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    assert {"python_source", "ir_code", "dialect", "input_info", "complexity"} <= set(lines[0])
    assert sum(line["dialect"] == "stablehlo" for line in lines) == 5
    assert all("def " in line["python_source"] for line in lines)
    done = run_jaxir(["analyze", "old"], tmp_path)
    assert done.returncode == 0, done.stderr


def test_both_formats_and_every_reader(corpus):
    import datasets
    import duckdb
    import pandas
    import polars

    assert sum(split.num_rows for split in datasets.load_dataset(str(corpus)).values()) == 20
    streamed = datasets.load_dataset(str(corpus), "array", split="train", streaming=True)
    assert all(row["category"] == "array" for row in streamed)
    files = sorted(map(str, (corpus / "data").glob("*.parquet")))
    assert sum(len(pandas.read_parquet(path)) for path in files) == 20
    assert polars.read_parquet(files).height == 20
    assert duckdb.sql(f"select count(*) from '{corpus}/data/*.parquet'").fetchall() == [(20,)]
    assert sum(len(path.read_text().splitlines()) for path in (corpus / "jsonl").glob("*.jsonl")) == 20
