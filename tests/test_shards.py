"""Bytes of shards: determinism, read-back, layouts, and the plan of the files."""

from __future__ import annotations

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rows import make_sample, make_samples

from jaxir.sample import CATEGORIES, DIALECTS, SCHEMA, SPLITS, from_row, to_table
from jaxir.writer import shards

counts_of_groups = st.dictionaries(
    st.tuples(st.sampled_from(SPLITS), st.sampled_from((*CATEGORIES, "mine"))), st.integers(1, 50)
)


def test_rows_survive_parquet() -> None:
    rows = make_samples(0, 25)
    table = shards.read_parquet(pa.BufferReader(shards.parquet_bytes([to_table(rows)])))
    assert table.schema.equals(SCHEMA)
    assert [from_row(row) for row in table.to_pylist()] == rows


def test_equal_rows_give_equal_bytes_whatever_their_chunks() -> None:
    table = to_table(make_samples(0, 40))
    pieces = pa.concat_tables([table.slice(0, 7), table.slice(7, 1), table.slice(8)])
    assert pieces.column("id").num_chunks == 3
    assert shards.parquet_bytes([pieces]) == shards.parquet_bytes([table])


def test_parquet_settings() -> None:
    rows = [make_sample(index) for index in range(20)] * 110
    content = shards.parquet_bytes([to_table(rows)])
    metadata = pq.ParquetFile(io.BytesIO(content)).metadata
    assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == [1000, 1000, 200]
    assert {metadata.row_group(0).column(n).compression for n in range(metadata.num_columns)} == {"ZSTD"}


def test_page_checksums_find_a_flipped_bit() -> None:
    """Without checksums most flips of zstd pages read back silently (see `facts`); the data pages start at byte 4."""
    content = bytearray(shards.parquet_bytes([to_table(make_samples(0, 200))]))
    found = 0
    for position in range(200, 2000, 100):
        content[position] ^= 4
        with pytest.raises(OSError, match=r"CRC|checksum|deserializ|zstd|ZSTD|page"):
            shards.read_parquet(pa.BufferReader(bytes(content)))
        content[position] ^= 4
        found += 1
    assert found == 18
    shards.read_parquet(pa.BufferReader(bytes(content)))


@given(counts_of_groups, st.integers(1, 20))
def test_plan_covers_every_row_with_one_category_a_shard(counts: dict[tuple[str, str], int], size: int) -> None:
    plan = shards.plan(counts, size)
    total: dict[tuple[str, str], int] = {}
    for shard in plan:
        assert 1 <= shard.rows <= size
        total[shard.split, shard.category] = total.get((shard.split, shard.category), 0) + shard.rows
    assert total == counts
    for split in SPLITS:
        chosen = [shard for shard in plan if shard.split == split]
        assert [shard.number for shard in chosen] == list(range(len(chosen)))
        assert all(shard.count == len(chosen) for shard in chosen)
    assert plan == sorted(plan, key=lambda shard: shards.group_order(shard.split, shard.category))


def test_shard_paths() -> None:
    plan = shards.plan({("train", "math"): 3, ("test", "array"): 1}, 2)
    assert [shard.path("data", "parquet") for shard in plan] == [
        "data/train-00000-of-00002.parquet",
        "data/train-00001-of-00002.parquet",
        "data/test-00000-of-00001.parquet",
    ]


@given(st.lists(st.integers(0, 9)), st.lists(st.integers(1, 12)))
def test_row_stream_gives_rows_in_order(sizes: list[int], takes: list[int]) -> None:
    total = sum(sizes)
    starts = [sum(sizes[:n]) for n in range(len(sizes))]
    stream = shards.RowStream(
        pa.table({"n": pa.array(range(start, start + size), pa.int64())})
        for start, size in zip(starts, sizes, strict=True)
    )
    position = 0
    for count in takes:
        table = stream.take(count)
        if position + count > total:
            assert table is None
            break
        assert table is not None
        assert table.column("n").to_pylist() == list(range(position, position + count))
        assert table.column("n").num_chunks == 1
        position += count


def test_native_json_lines_are_the_record() -> None:
    rows = make_samples(0, 10)
    lines = shards.json_lines(to_table(rows).to_pylist()).decode().split("\n")
    assert lines.pop() == ""
    assert [from_row(json.loads(line)) for line in lines] == rows


def test_json_has_no_nan() -> None:
    row = to_table([make_sample(0, flops=float("nan"), max_abs_error=float("inf"))]).to_pylist()[0]
    line = json.loads(shards.json_lines([row]), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert line["flops"] is None
    assert line["max_abs_error"] is None


def test_legacy_line_has_the_predecessors_names() -> None:
    sample = make_sample(7, inputs=("float32[2,3]", "int32[]", "bool[b,4]"), level=4)
    (line,) = shards.legacy_lines(to_table([sample]).to_pylist()[0])
    assert line["python_source"] == sample.python_source
    assert (line["ir_code"], line["dialect"]) == (sample.stablehlo, "stablehlo")
    assert line["complexity"] == 4
    assert line["input_info"] == [
        {"shape": [2, 3], "dtype": "float32"},
        {"shape": [], "dtype": "int32"},
        {"shape": [-1, 4], "dtype": "bool"},
    ]
    assert line["metadata"]["inputs"] == list(sample.inputs)
    assert list(line) == shards.LEGACY_SCHEMA.names


def test_legacy_has_one_line_for_each_dialect_and_loses_no_field() -> None:
    row = to_table([make_sample(3, dialects=DIALECTS)]).to_pylist()[0]
    lines = list(shards.legacy_lines(row))
    assert [line["dialect"] for line in lines] == list(DIALECTS)
    assert [line["ir_code"] for line in lines] == [row[dialect] for dialect in DIALECTS]
    names = {"function_name": "kernel_name", "level": "complexity"}
    for name, value in row.items():
        if name not in DIALECTS:
            found = lines[0].get(names.get(name, name), lines[0]["metadata"].get(name))
            assert found == value, name
    pa.Table.from_pylist(lines, schema=shards.LEGACY_SCHEMA)
