"""Lowering for platforms that are not here: what differs from the CPU is counted, and no source harms the analyzer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from hostile.sources import forging

from jaxir.analysis.corpus import open_corpus
from jaxir.analysis.crosslowering import compare_lowerings
from jaxir.analysis.stats import analyze
from jaxir.cli import main

HEAD = "import jax\nimport jax.numpy as jnp\n\n\n"
#: Function name -> (body, what becomes of it).
SOURCES = {
    "plain": "def plain(x):\n    return jnp.sin(x) + x\n",
    "factor": "def factor(x):\n    return jnp.linalg.cholesky(x @ x.T)\n",
    "broken": "def broken(x):\n    return jnp.no_such_function(x)\n",
    "killer": "def killer(x):\n    import os\n    os._exit(7)\n",
}


def corpus(folder: Path) -> Path:
    lines = []
    for name, body in SOURCES.items():
        row = {"id": name, "python_source": HEAD + body, "stablehlo": "module {}", "function_name": name}
        lines.append(json.dumps(row | {"inputs": ["float32[4,4]"]}) + "\n")
    folder.mkdir()
    (folder / "rows.jsonl").write_text("".join(lines))
    return folder


def test_differences_are_counted_and_a_killer_costs_its_row(tmp_path: Path) -> None:
    found = compare_lowerings(open_corpus(corpus(tmp_path / "c")), ["cuda", "tpu"], workers=2)
    assert found["rows"] == 2
    assert found["refused"] == {"AttributeError": 1, "exit code 7": 1}
    cuda = found["platforms"]["cuda"]
    assert (cuda["same"], cuda["differ"], cuda["failed"]) == (1, 1, 0)
    lapack = next(op for op in cuda["ops"] if op.startswith("custom_call @lapack_spotrf"))
    assert cuda["ops"][lapack] == {"rows": 1, "cpu": 1, "here": 0}
    assert found["platforms"]["tpu"]["differ"] == 1


def test_rows_of_64_bit_types_are_lowered_too(tmp_path: Path) -> None:
    row = {"id": "wide", "python_source": HEAD + SOURCES["plain"], "stablehlo": "module {}", "function_name": "plain"}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row | {"inputs": ["float64[3]"]}) + "\n")
    found = compare_lowerings(open_corpus(tmp_path), ["cuda"])
    assert (found["rows"], found["refused"]) == (1, {})


def test_a_forged_reply_costs_its_row(tmp_path: Path) -> None:
    same = {"same": True, "ops": {"stablehlo.add": 1}}
    replies: list[dict[str, Any]] = [
        {"cpu": same, "cuda": same},
        {"cpu": same},
        {"cpu": "same", "cuda": same},
        {"cpu": {"fault": ["none"]}, "cuda": same},
        {"cpu": {"fault": "\ud800"}, "cuda": same},
        {"cpu": same, "cuda": same | {"same": "yes"}},
        {"cpu": same, "cuda": {"same": False}},
        {"cpu": same, "cuda": same | {"ops": ["stablehlo.add"]}},
        {"cpu": same, "cuda": same | {"ops": {"stablehlo.add": "one"}}},
        {"cpu": same, "cuda": same | {"ops": {"stablehlo.add": 10**4000}}},
    ]
    rows = [
        {"id": str(number), "python_source": forging(json.dumps({"value": reply})), "stablehlo": "module {}"}
        | {"function_name": "f", "inputs": ["float32[4]"]}
        for number, reply in enumerate(replies)
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = compare_lowerings(open_corpus(tmp_path), ["cuda"], workers=2)
    assert (found["rows"], found["refused"]) == (1, {"no result": len(replies) - 1})
    assert found["platforms"]["cuda"] == {"same": 1, "differ": 0, "failed": 0, "ops": {}}


def test_the_sample_does_not_depend_on_the_order_and_the_table_shows_it(tmp_path: Path) -> None:
    folder = corpus(tmp_path / "c")
    first = compare_lowerings(open_corpus(folder), ["cuda"], sample=2)
    path = folder / "rows.jsonl"
    path.write_text("".join(sorted(path.read_text().splitlines(keepends=True))))
    assert compare_lowerings(open_corpus(folder), ["cuda"], sample=2) == first
    assert analyze(open_corpus(folder)).lowering == {}


def test_analyze_prints_and_draws_the_differences(tmp_path: Path) -> None:
    folder = corpus(tmp_path / "c")
    page = tmp_path / "page.html"
    done = CliRunner().invoke(main, ["analyze", str(folder), "--platforms", "cuda", "--html", str(page)])
    assert done.exit_code == 0, done.output
    assert "Lowering for cuda against cpu" in done.output
    assert "custom_call @lapack_spotrf" in done.output
    assert "Lowering for other platforms" in page.read_text()
    refused = CliRunner().invoke(main, ["analyze", str(folder), "--platforms", "gpu"])
    assert refused.exit_code == 2
    assert "unknown platform 'gpu'" in refused.output
