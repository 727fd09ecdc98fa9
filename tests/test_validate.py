"""`jaxir validate` finds what is wrong with a corpus, survives it, and goes on where it was stopped."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import ROOT
from hostile.sources import forging

from jaxir.analysis.corpus import open_corpus
from jaxir.analysis.payloads import payloads
from jaxir.executor.allowlist import refusal
from jaxir.executor.isolation import Limits
from jaxir.executor.reproducer import replay
from jaxir.executor.sidetable import SideTable
from jaxir.executor.validation import SCHEMA, Settings, validate
from jaxir.sample import SCHEMA as ROWS

FAST = Settings(oracles=("interpreter", "numpy"), workers=2, limits=Limits(seconds=20.0))
HEAD = "import jax\nimport jax.numpy as jnp\nfrom jax import lax\n\n\n"


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    """Real rows of the committed sample, small ones first."""
    found = []
    for path in sorted((ROOT / "data" / "sample" / "data").glob("train-*.parquet")):
        found += pq.read_table(path).to_pylist()
    return sorted(found, key=lambda row: (row["ir_chars"], row["id"]))


def written(folder: Path, rows: list[dict[str, Any]]) -> Path:
    (folder / "data").mkdir(parents=True)
    (folder / "README.md").write_text("rows\n")
    pq.write_table(pa.Table.from_pylist(rows, schema=ROWS), folder / "data" / "train-00000-of-00001.parquet")
    return folder


def table(out: Path) -> dict[str, dict[str, Any]]:
    parts = sorted((out / "verification").glob("cpu-*.parquet"))
    found = [row for path in parts for row in pq.read_table(path).to_pylist()]
    assert len({row["id"] for row in found}) == len(found)
    return {row["id"]: row for row in found}


def digest(folder: Path) -> str:
    total = hashlib.sha256()
    for path in sorted((folder / "data").iterdir()):
        total.update(path.read_bytes())
    return total.hexdigest()


def first(rows: list[dict[str, Any]], wanted: str) -> dict[str, Any]:
    """The smallest row whose IR holds a pattern."""
    return next(row for row in rows if re.search(wanted, row["stablehlo"]))


def made_row(row: dict[str, Any], source: str, ir: str, specs: list[str], result: str) -> dict[str, Any]:
    return row | {
        "python_source": HEAD + source,
        "function_name": "f",
        "stablehlo": ir,
        "inputs": specs,
        "outputs": [result],
        "input_names": ["x"],
        "jax_version": "0.0.0",
    }


def module(body: str, kind: str = "tensor<4xf32>") -> str:
    return f"module @jit_f {{\n  func.func public @main(%arg0: {kind}) -> ({kind}) {{\n{body}\n  }}\n}}\n"


def test_every_planted_fault_is_found(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    """Twelve wrong rows of different kinds among four right ones; killers cost their row only."""
    right = rows[:4]
    constant = first(rows, r"stablehlo\.constant dense<\d\.\d{4,}e[+-]\d\d> : tensor<f32>")
    changed = re.sub(
        r"(stablehlo\.constant dense<\d\.\d\d)(\d)",
        lambda match: match[1] + str((int(match[2]) + 1) % 10),
        constant["stablehlo"],
        count=1,
    )
    assert changed != constant["stablehlo"]
    plain = rows[5]
    other = next(row for row in rows[6:] if (row["inputs"], row["outputs"]) != (plain["inputs"], plain["outputs"]))
    double = "def f(x):\n    return x + x\n"
    add = "    %0 = stablehlo.add %arg0, %arg0 : tensor<4xf32>\n    return %0 : tensor<4xf32>"
    loop = (
        "    %0 = stablehlo.while(%iterArg = %arg0) : tensor<4xf32>\n    cond {\n"
        "      %c = stablehlo.constant dense<true> : tensor<i1>\n      stablehlo.return %c : tensor<i1>\n"
        "    } do {\n      stablehlo.return %iterArg : tensor<4xf32>\n    }\n    return %0 : tensor<4xf32>"
    )
    spec, result = ["float32[4]"], "float32[4]"
    wrong = {
        "other IR": plain | {"stablehlo": other["stablehlo"]},
        # Made by another JAX, so that the text cannot be compared with what the source lowers to.
        "constant": constant | {"stablehlo": changed, "jax_version": "0.0.0"},
        "placeholder": rows[8] | {"python_source": "# Source not available"},
        "truncated": rows[9] | {"stablehlo": rows[9]["stablehlo"][:-40]},
        "no IR": rows[10] | {"stablehlo": ""},
        "dtype": made_row(rows[11], "def f(x):\n    return (x + x).astype(jnp.bfloat16)\n", module(add), spec, result),
        "transposed": made_row(
            rows[12],
            "def f(x):\n    return x.T * 2.0\n",
            module(
                "    %cst = stablehlo.constant dense<2.0> : tensor<3x3xf32>\n"
                "    %0 = stablehlo.multiply %arg0, %cst : tensor<3x3xf32>\n    return %0 : tensor<3x3xf32>",
                "tensor<3x3xf32>",
            ),
            ["float32[3,3]"],
            "float32[3,3]",
        ),
        "clock": made_row(
            rows[13], "import time\n\n\ndef f(x):\n    return x + time.perf_counter() % 1\n", module(add), spec, result
        ),
        "undefined": made_row(rows[14], "def f(x):\n    return x + SCALE\n", module(add), spec, result),
        "loop": made_row(rows[15], double, module(loop), spec, result),
        "exit": made_row(rows[16], "import os\n\n\ndef f(x):\n    os._exit(3)\n", module(add), spec, result),
        "wrong op": made_row(rows[17], "def f(x):\n    return x * x\n", module(add), spec, result),
    }
    wrong = {name: row | {"id": name} for name, row in wrong.items()}
    folder = written(tmp_path / "c", [*right, *wrong.values()])
    before = digest(folder)
    settings = Settings(oracles=("interpreter", "numpy"), any_source=True, workers=2, limits=Limits(seconds=12.0))
    summary = validate(payloads(open_corpus(folder)), folder, "cpu", settings)
    found = table(folder)
    assert {key: row["status"] for key, row in found.items() if row["id"] not in wrong} == {
        row["id"]: "agreed" for row in right
    }
    status = {name: found[name]["status"] for name in wrong}
    reasons = {name: found[name]["reason"] for name in wrong}
    assert status == dict.fromkeys(wrong, "disagreed") | dict.fromkeys(
        ("placeholder", "truncated", "no IR", "dtype", "clock", "undefined", "other IR"), "failed"
    ) | {"loop": "died", "exit": "died"}, reasons
    assert "placeholder" in reasons["placeholder"]
    assert reasons["loop"] == "time limit"
    assert reasons["exit"] == "exit code 3"
    assert "reads state" in reasons["clock"]
    assert summary["status"]["agreed"] == 4
    assert digest(folder) == before
    for name in ("loop", "wrong op", "truncated"):
        key = "".join(char for char in name if char.isalnum())
        (kept,) = (folder / "verification" / "failures").glob(f"cpu-{key}-*")
        again = replay(kept)
        assert (again.died, (again.value or {}).get("status", "died")) == (found[name]["died"], status[name])


def test_the_command_exits_with_1_and_prints_what_is_wrong(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    bad = rows[1] | {"python_source": rows[2]["python_source"], "function_name": rows[2]["function_name"]}
    folder = written(tmp_path / "c", [rows[0], bad])
    command = [sys.executable, "-m", "jaxir", "validate", str(folder), "--oracles", "interpreter,numpy"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "1 agreed" in done.stdout
    assert (folder / "verification" / "cpu-summary.json").exists()
    for extra, text in ((["--oracles", "magic"], "unknown oracle"), (["--oracles", "numpy"], "one side only")):
        refused = subprocess.run([*command[:5], *extra], capture_output=True, text=True)
        assert refused.returncode == 2
        assert text in refused.stderr
        assert len(refused.stderr.strip().splitlines()) == 1


def test_a_killed_validation_goes_on(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    """SIGKILL of the command; the second one has every row once."""
    folder = written(tmp_path / "c", rows[:30])
    code = (
        "import sys\nfrom pathlib import Path\nfrom jaxir.executor import sidetable\nsidetable.PART = 5\n"
        "from jaxir.cli import main\nmain(sys.argv[1:])\n"
    )
    command = [sys.executable, "-c", code, "validate", str(folder), "--oracles", "interpreter,numpy", "--trusted"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    parts = folder / "verification"
    while not list(parts.glob("cpu-*.parquet")) and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = {path.name: path.read_bytes() for path in parts.glob("cpu-*.parquet")}
    assert kept
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(table(folder)) == {row["id"] for row in rows[:30]}
    assert all((parts / name).read_bytes() == data for name, data in kept.items())


def test_a_new_part_replaces_no_other(tmp_path: Path) -> None:
    def table_of(*ids: str) -> SideTable:
        table = SideTable(tmp_path, "cpu", pa.schema([("id", pa.string())]), {})
        for id in ids:
            table.add({"id": id})
            table.flush()
        return table

    first = table_of("a", "b", "c")
    first.parts()[1].unlink()
    (tmp_path / "cpu-00000 (copy).parquet").write_bytes(b"")  # not a part
    assert [row["id"] for row in table_of("b").rows()] == ["a", "c", "b"]


def test_foreign_ids_that_look_alike_stay_apart(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    wrong = rows[1] | {"stablehlo": ""}
    names = ["a", "a", "a#2", "row-1", "row1"]
    folder = written(tmp_path / "c", [wrong | {"id": name} for name in names])
    given = [row["id"] for row in payloads(open_corpus(folder))]
    assert given[:2] == ["a", "a#2"]
    assert len(set(given)) == len(names)
    validate(payloads(open_corpus(folder)), folder, "cpu", FAST)
    assert len(list((folder / "verification" / "failures").iterdir())) == len(names)


def test_a_fresh_run_keeps_no_reproducer_of_an_earlier_one(
    tmp_path: Path, rows: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jaxir.executor.validation.MOST_REPRODUCERS", 1)
    failures = tmp_path / "verification" / "failures"
    for old in ("cpu-old", "gpu-old"):
        (failures / old).mkdir(parents=True)
        (failures / old / "README.md").touch()
    bad = rows[1] | {"id": "bad", "stablehlo": ""}
    validate([bad], tmp_path, "cpu", FAST, fresh=True)
    assert sorted(path.name[:7] for path in failures.iterdir()) == ["cpu-bad", "gpu-old"]


def test_samples_are_the_same_and_other_settings_are_refused(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    folder = written(tmp_path / "c", rows[:20])
    corpus = open_corpus(folder)
    chosen = [row["id"] for row in payloads(corpus, 5)]
    assert len(chosen) == 5
    reversed_folder = written(tmp_path / "r", rows[:20][::-1])
    assert {row["id"] for row in payloads(open_corpus(reversed_folder), 5)} == set(chosen)
    out = tmp_path / "out"
    first_summary = validate(payloads(corpus, 2), out, "cpu", FAST)
    assert first_summary["rows"] == 2
    with pytest.raises(Exception, match="was made with"):
        validate(payloads(corpus, 2), out, "cpu", Settings(oracles=("interpreter", "source")))
    assert not (folder / "verification").exists()


def test_rows_of_the_predecessor_and_of_strangers(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    plain = rows[3]
    lines = [
        {"python_source": "# Source not available", "ir_code": plain["stablehlo"], "dialect": "stablehlo"},
        {"python_source": plain["python_source"], "ir_code": plain["stablehlo"], "dialect": "stablehlo"},
    ]
    path = tmp_path / "old"
    path.mkdir()
    (path / "rows.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    summary = validate(payloads(open_corpus(path)), tmp_path / "out", "cpu", FAST)
    # Nothing says what the arguments are but the IR itself.
    assert summary["status"] == {"agreed": 1, "failed": 1}


def test_a_source_that_names_more_than_it_may_is_not_run(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    plain = rows[3]
    # Its results are right, so that it would agree if it were run.
    bold = f"import pathlib\n{plain['python_source']}"
    assert refusal(bold)
    listed = written(tmp_path / "c", [plain, plain | {"id": "bold", "python_source": bold}])
    summary = validate(payloads(open_corpus(listed)), listed, "cpu", FAST)
    assert summary["status"] == {"agreed": 1, "limited": 1}
    assert summary["limits"] == {"source: names what is not on the list of allowed names": 1}
    assert table(listed)["bold"]["reason"].endswith("line 1: import of 'pathlib'")
    everything = dataclasses.replace(FAST, any_source=True)
    summary = validate(payloads(open_corpus(listed)), tmp_path / "all", "cpu", everything)
    assert summary["status"] == {"agreed": 2}


def test_a_reply_that_a_row_forged_ends_nothing_and_counts_for_that_row_only(
    tmp_path: Path, rows: list[dict[str, Any]]
) -> None:
    good = {"status": "agreed", "reason": "", "agreed": [], "limits": "{}", "seeds": []}
    forged: dict[str, Any] = {
        "no JSON": good | {"limits": "no json"},
        "a list of limits": good | {"limits": "[]"},
        "limits that are no text": good | {"limits": '{"source": 1}'},
        "limits that cannot be written": good | {"limits": '{"source": "\\ud800"}'},
        "no limits": {"status": "agreed", "reason": "", "agreed": []},
        "another status": good | {"status": "perfect"},
        "status": good | {"status": ["agreed"]},
        "no reason": good | {"status": "failed", "reason": None},
        "agreed": good | {"agreed": [None]},
        "seeds": good | {"seeds": "many"},
        "mutants": good | {"mutants": 1 << 40},
        "error": good | {"max_abs_error": 10**400},
        # Well-formed ones, which only that row is worth.
        "an infinite error": good | {"max_abs_error": float("inf")},
        "another row": good | {"id": rows[0]["id"], "index": -1, "device": "tpu", "died": "SIGSEGV"},
    }
    replies = {name: json.dumps({"value": value}) for name, value in forged.items()}
    # Too deep to be copied, but not to be read.
    replies["deep"] = json.dumps({"value": good | {"status": "failed"}})[:-2] + ', "a": ' + "[" * 500 + "]" * 500 + "}}"
    lines = [
        rows[1] | {"id": name, "python_source": f"{forging(reply)}\n\n\ndef f(x):\n    return x\n"}
        for name, reply in replies.items()
    ]
    folder = written(tmp_path / "c", lines)
    settings = dataclasses.replace(FAST, any_source=True)
    validate(payloads(open_corpus(folder)), folder, "cpu", settings)
    found = table(folder)
    assert {name: (row["status"], row["reason"]) for name, row in found.items()} == dict.fromkeys(
        replies, ("died", "no result")
    ) | dict.fromkeys(("an infinite error", "another row"), ("agreed", "")) | {"deep": ("failed", "")}
    assert {(row["device"], row["died"]) for row in found.values()} == {("cpu", ""), ("cpu", "no result")}


def test_the_table_has_the_schema_and_mutants_are_counted(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    folder = written(tmp_path / "c", rows[20:23])
    settings = Settings(oracles=("interpreter", "numpy", "compiled", "source"), mutants=4, trusted=True)
    summary = validate(payloads(open_corpus(folder)), folder, "cpu", settings)
    read = pq.read_table(folder / "verification" / "cpu-00000.parquet")
    assert read.schema.remove_metadata() == SCHEMA
    assert summary["status"] == {"agreed": 3}
    assert summary["mutants"]["made"] == sum(row["mutants"] for row in table(folder).values()) > 0
    for name in ("same_lowering", "same_canonical_hash", "same_output_digest", "same_behavior_hash"):
        assert summary[name] == {"yes": 3}
    assert os.listdir(folder / "data") == ["train-00000-of-00001.parquet"]
