"""Any corpus opens, under the same keys, or says in one line why not."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpora import legacy_record, lowered, native_rows, write_legacy, write_native

from jaxir.analysis.corpus import Row, newest_corpus, open_corpus
from jaxir.errors import UserError

SOURCE = "def f(x):\n    return x + 1\n"
IR = lowered(SOURCE, "f")
KEYS = list(Row.__annotations__)


def rows_of(path: Path) -> list[Row]:
    rows = list(open_corpus(path).rows())
    assert all(list(row) == KEYS for row in rows)
    return rows


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        list(open_corpus(path).rows())
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_a_jaxir_folder_gives_its_rows_in_file_order(tmp_path: Path) -> None:
    written = native_rows(24)
    folder = write_native(tmp_path / "c", written, run={"candidates": 30})
    corpus = open_corpus(folder)
    assert corpus.kind == "jaxir"
    assert corpus.run == {"candidates": 30}
    assert [file.name.partition("-")[0] for file in corpus.files] == ["test", "train", "validation"]
    rows = rows_of(folder)
    by_split = sorted(written, key=lambda row: row["split"])
    assert [row["id"] for row in rows] == [row["id"] for row in by_split]
    for row, given in zip(rows, by_split, strict=True):
        for key in ("python_source", "stablehlo", "category", "operation", "split", "canonical_hash", "skeleton_hash"):
            assert row[key] == given[key]  # type: ignore[literal-required]
        assert row["level"] == str(given["level"])
        assert row["templates"] == ("sin", "sin", "mul")
        assert row["dialect"] == "stablehlo"
    assert rows_of(folder) == rows


def test_jsonl_shards_are_a_jaxir_corpus_too(tmp_path: Path) -> None:
    written = native_rows(12)
    write_native(tmp_path / "parquet", written)
    (tmp_path / "lines" / "data").mkdir(parents=True)
    for split in ("train", "validation", "test"):
        lines = "".join(json.dumps(row) + "\n" for row in written if row["split"] == split)
        (tmp_path / "lines" / "data" / f"{split}-00000-of-00001.jsonl").write_text(lines)
    (tmp_path / "lines" / "README.md").write_text("card")
    assert open_corpus(tmp_path / "lines").kind == "jaxir"
    assert rows_of(tmp_path / "lines") == rows_of(tmp_path / "parquet")


def test_a_corpus_in_two_formats_counts_once(tmp_path: Path) -> None:
    written = native_rows(12)
    folder = write_native(tmp_path / "c", written)
    (folder / "data" / "train-00000-of-00001.jsonl").write_text("".join(json.dumps(row) + "\n" for row in written))
    assert len(rows_of(folder)) == 12


def test_a_corpus_of_hlo_text_has_its_ir_too(tmp_path: Path) -> None:
    written = [row | {"hlo": f"HloModule m{n}", "stablehlo": ""} for n, row in enumerate(native_rows(3))]
    rows = rows_of(write_native(tmp_path / "c", written))
    assert {row["stablehlo"] for row in rows} == {"HloModule m0", "HloModule m1", "HloModule m2"}
    assert {row["dialect"] for row in rows} == {"hlo"}


def test_the_predecessors_folder_of_files(tmp_path: Path) -> None:
    folder = write_legacy(tmp_path / "old", 9)
    assert open_corpus(folder).kind == "legacy"
    rows = rows_of(folder)
    assert len(rows) == 9
    assert {row["python_source"] for row in rows} == {"# Source not available"}
    assert {row["category"] for row in rows} == {"math"}
    assert {row["operation"] for row in rows} == {"sin", "sum"}
    assert {row["level"] for row in rows} == {"simple"}
    assert {row["inputs"] for row in rows} == {("float32[4]",)}


def test_the_predecessors_lines(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text("\n\n".join(json.dumps(legacy_record(n)) for n in range(4)) + "\n")
    assert open_corpus(path).kind == "legacy"
    assert [row["split"] for row in rows_of(tmp_path)] == ["train"] * 4


@pytest.mark.parametrize(
    "record",
    [
        {"prompt": f"Compile:\n{SOURCE}", "completion": IR},
        {"input": {"code": SOURCE}, "output": {"text": IR}},
        {"output": SOURCE, "input": IR},  # the names say the opposite of the content
        {"a": "nothing", "b": IR, "c": SOURCE},
        {"code": "# Source not available", "mlir": IR},
        {"text": "a story", "kernel": SOURCE, "llvm": "define i32 @f(i32 %x) {\n  ret i32 %x\n}\n"},
        {"Python_Code": SOURCE, "HLO": "HloModule jit_f\nENTRY main {\n  ROOT x = f32[] parameter(0)\n}\n"},
    ],
)
def test_foreign_columns_are_found_by_name_and_content(tmp_path: Path, record: dict[str, Any]) -> None:
    (tmp_path / "x.jsonl").write_text(json.dumps(record) + "\n")
    pq.write_table(pa.Table.from_pylist([record]), tmp_path / "x.parquet")
    (tmp_path / "x.json").write_text(json.dumps([record], indent=1))
    for name in ("x.jsonl", "x.parquet", "x.json"):
        assert open_corpus(tmp_path / name).kind == "foreign"
        [row] = rows_of(tmp_path / name)
        assert "def f" in row["python_source"] or row["python_source"] == "# Source not available"
        assert row["dialect"] in ("stablehlo", "llvm", "hlo")


def test_json_as_a_list_an_object_a_stream_or_wrapped(tmp_path: Path) -> None:
    records = [{"source": SOURCE, "ir": IR, "id": str(number), "pad": '[{,}]\\" \u00e9' * 500} for number in range(40)]
    shapes = {
        "list.json": json.dumps(records, indent=2),
        "stream.json": "\n".join(json.dumps(record) for record in records),
        "wrapped.json": json.dumps({"name": "corpus", "samples": records}, ensure_ascii=False),
        "lines.jsonl": "\n".join(json.dumps(record) for record in records),
    }
    for name, text in shapes.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert [row["id"] for row in rows_of(tmp_path / name)] == [str(number) for number in range(40)]
    (tmp_path / "one.json").write_text(json.dumps(records[7]))
    assert [row["id"] for row in rows_of(tmp_path / "one.json")] == ["7"]
    (tmp_path / "lines.jsonl.gz").write_bytes(gzip.compress(shapes["lines.jsonl"].encode()))
    assert len(rows_of(tmp_path / "lines.jsonl.gz")) == 40


def test_splits_come_from_columns_files_or_folders(tmp_path: Path) -> None:
    for part, record in {
        "a/train-00000-of-00002.jsonl": {},
        "b/val/0.jsonl": {},
        "c/data.jsonl": {"split": "valid"},
        "d/contest.jsonl": {},
        "e/test.jsonl": {"split": "held_out"},
    }.items():
        path = tmp_path / part
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"source": SOURCE, "ir": IR} | record))
    assert [row["split"] for row in rows_of(tmp_path)] == ["train", "validation", "validation", "", "held_out"]


def test_texts_that_are_no_clean_text_are_read_all_the_same(tmp_path: Path) -> None:
    record = {"source": ["def f(x):\n", "    return '\ud800'\n"], "ir": IR, "description": None, "level": {"deep": 1}}
    (tmp_path / "x.jsonl").write_text(json.dumps(record))
    [row] = rows_of(tmp_path)
    assert row["python_source"] == "def f(x):\n    return '?'\n"
    assert row["description"] == ""
    assert row["level"] == '{"deep": 1}'
    table = pa.table({"source": pa.array([SOURCE.encode()]), "ir": pa.array([IR.encode() + b"\xff"])})
    pq.write_table(table, tmp_path / "x.parquet")
    assert rows_of(tmp_path / "x.parquet")[0]["stablehlo"] == IR + "\ufffd"


def test_missing_and_empty_places_are_refused(tmp_path: Path) -> None:
    assert "no such folder or file" in refusal(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    assert "nothing to read" in refusal(tmp_path / "empty")
    (tmp_path / "unfinished" / ".jaxir").mkdir(parents=True)
    assert "unfinished run" in refusal(tmp_path / "unfinished")
    (tmp_path / "notes.txt").write_text("hello")
    assert "no file of a known type" in refusal(tmp_path / "notes.txt")
    (tmp_path / "blank.jsonl").write_text("\n")
    assert "no rows" in refusal(tmp_path / "blank.jsonl")


def test_other_columns_are_named(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"title": "a", "year": 3}\n')
    message = refusal(tmp_path / "x.jsonl")
    assert "title, year" in message
    assert "python_source" in message
    (tmp_path / "y.jsonl").write_text(json.dumps({"code": SOURCE, "year": 3}))
    assert "code, year" in refusal(tmp_path / "y.jsonl")


def test_broken_files_are_named_with_the_place(tmp_path: Path) -> None:
    good = json.dumps({"source": SOURCE, "ir": IR})
    lines = tmp_path / "x.jsonl"
    lines.write_text("\n".join([good] * 30 + [good[:40], good]))
    assert f"{lines}:31: broken JSON" in refusal(lines)
    lines.write_text(f"{good}\n[1, 2]\n")
    assert f"{lines}:2: expected one JSON object a line, found a list" in refusal(lines)
    lines.write_bytes(good.encode() + b"\n\xff\xfe\n")
    assert "not UTF-8" in refusal(lines)
    lines.write_text(good + "\n" + "[" * 100_000 + "\n")
    assert f"{lines}:2: broken JSON" in refusal(lines)
    values = tmp_path / "x.json"
    values.write_text(f"[\n{good},\n{good},\n{{'single': 1}}\n]")
    assert f"{values}:4: broken JSON" in refusal(values)
    values.write_text(f"[{good},\n{good}")
    assert "never ends" in refusal(values)
    table = tmp_path / "x.parquet"
    table.write_bytes(b"PAR1 this is no table PAR1")
    assert "no readable Parquet file" in refusal(table)
    packed = tmp_path / "y.jsonl.gz"
    packed.write_bytes(gzip.compress((good + "\n").encode() * 100)[:-20])
    assert "cannot be read" in refusal(packed)


def test_a_truncated_shard_of_a_corpus_is_named(tmp_path: Path) -> None:
    folder = write_native(tmp_path / "c", native_rows(12))
    shard = folder / "data" / "train-00000-of-00001.parquet"
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"train-00000-of-00001\.parquet: no readable Parquet file"):
        list(open_corpus(folder).rows())


def test_the_newest_corpus_is_the_one_written_last(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="jaxir generate"):
        newest_corpus(tmp_path / "data")
    (tmp_path / "data" / "notes").mkdir(parents=True)
    with pytest.raises(UserError, match="jaxir generate"):
        newest_corpus(tmp_path / "data")
    for name, seconds in (("a", 100), ("b", 300), ("c", 200)):
        folder = write_native(tmp_path / "data" / name, native_rows(6))
        os.utime(folder / "stats.json", (seconds, seconds))
    assert newest_corpus(tmp_path / "data").path.name == "b"


def test_rows_stream(tmp_path: Path) -> None:
    """The first rows of a 60 MB list come without the rest: memory stays far below the size of the file."""
    record = json.dumps({"source": SOURCE + "#" * 20_000, "ir": IR})
    path = tmp_path / "big.json"
    with path.open("w") as file:
        file.write("[")
        file.writelines(f"{record},\n" for _ in range(2999))
        file.write(record + "]")
    rows = open_corpus(path).rows()
    assert len(list(itertools.islice(rows, 3))) == 3
    script = (
        "import sys\n"
        "from jaxir.analysis.corpus import open_corpus\n"
        "from jaxir.executor.scripts.monitor import peak_memory_mb\n"
        "before = peak_memory_mb()\n"
        "count = sum(1 for _ in open_corpus(sys.argv[1]).rows())\n"
        "print(count, peak_memory_mb() - before, 'jax' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    count, grown, has_jax = done.stdout.split()
    assert path.stat().st_size > 50_000_000
    assert int(count) == 3000
    assert float(grown) < 25
    assert has_jax == "False"
