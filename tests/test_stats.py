"""The figures of a corpus are right, honest about bad ones, and the same every time."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from corpora import legacy_record, native_rows, write_legacy, write_native

from jaxir.analysis import keys, part
from jaxir.analysis.corpus import Corpus, open_corpus
from jaxir.analysis.coverage import TABLES, Coverage, op_skeleton
from jaxir.analysis.irtext import scan
from jaxir.analysis.part import classify_source
from jaxir.analysis.stats import Stats, analyze
from jaxir.analysis.universe import universe

RUN = {
    "candidates": 80,
    "rejections": [
        {"stage": "lower", "reason": "too long", "count": 5},
        {"stage": "admit", "reason": "canonical seen", "count": 15},
    ],
}


@pytest.fixture
def native(tmp_path: Path) -> Stats:
    return analyze(open_corpus(write_native(tmp_path / "c", native_rows(60), run=RUN)))


def test_counts_of_a_jaxir_corpus(native: Stats) -> None:
    rows = native_rows(60)
    assert native.rows == 60
    assert native.kind == "jaxir"
    assert native.distinct == {
        "source": 60,
        "ir": len({row["stablehlo"] for row in rows}),
        "ir_names": len({row["canonical_hash"] for row in rows}),
        "canonical": len({row["canonical_hash"] for row in rows}),
        "skeleton": 6,
        "behavior": 60,
    }
    assert native.skeleton_basis == "hash"
    assert native.counts["category"] == dict.fromkeys(("arithmetic", "math", "array", "control_flow", "combined"), 12)
    assert native.counts["level"] == {"1": 30, "2": 30}
    assert native.category_level["math"] == {"1": 6, "2": 6}
    assert native.counts["split"] == {"train": 40, "validation": 10, "test": 10}
    assert native.counts["transform"] == {"grad": 30}
    assert native.counts["template"] == {"mul": 60, "sin": 60}
    assert native.placeholders == {"empty": 0, "marker": 0, "no_code": 0, "broken": 0, "good": 60}
    assert native.missing == {"ir": 0, "description": 0}
    assert native.rows_per_skeleton == {10: 6}
    assert native.top_skeletons[0] == (10, "op_5")  # the first row of the first file, which is test
    assert native.run == RUN


def test_ops_and_types_of_a_jaxir_corpus(native: Stats) -> None:
    assert native.ops["stablehlo.sine"] == (10, 10)
    assert native.ops["stablehlo.while"] == (10, 10)
    assert native.pairs["stablehlo.sine"] == {"f32": 10}
    assert native.pairs["stablehlo.compare"]["i32"] == 10
    assert native.dtypes["f32"] == 60
    covered = native.coverage["stablehlo ops"]
    assert covered["emittable"] == 93
    assert covered["reached"] == len([op for op in native.ops if op.startswith("stablehlo.")])
    assert "stablehlo.fft" in covered["missing"]
    assert "stablehlo.sine" not in covered["missing"]
    assert native.coverage["op/type pairs"]["emittable"] == 860
    assert native.coverage["op bigrams"]["reached"] > 10


def test_coverage_of_every_table(native: Stats) -> None:
    assert tuple(native.coverage) == TABLES
    for name, row in native.coverage.items():
        assert row["reached"] + len(row["missing"]) == row["emittable"] > 0, name
        assert len(row["thin"]) <= row["reached"]
        assert len(set(row["missing"])) == len(row["missing"])
        assert not set(row["thin"]) & set(row["missing"])
        assert all(count < row["thin_below"] for count in row["thin"].values())
    assert native.coverage["stablehlo ops"]["thin"]["stablehlo.sine"] == 10  # of the 50 programs that an op should have
    assert "stablehlo.sine > stablehlo.multiply" not in native.coverage["op bigrams"]["missing"]
    assert native.coverage["low-bit pairs"]["reached"] == 0
    assert "stablehlo.add f8E5M2" in native.coverage["low-bit pairs"]["missing"]
    functions = native.coverage["public functions"]
    reached = {"jax.numpy." + name for name in ("sin", "sum", "sort", "cos", "where", "linalg.norm")} | {
        "jax.lax.fori_loop"
    }
    assert functions["reached"] == len(reached)
    assert not reached & set(functions["missing"])
    assert not functions["thin"]  # ten programs each
    assert "jax.Array.operators" not in native.coverage["transforms"]["missing"]
    values = native.coverage["attribute values"]
    assert "stablehlo.compare comparison_direction = GT" not in values["missing"]
    assert "stablehlo.fft type = RFFT" in values["missing"]


def test_what_is_thin() -> None:
    coverage = Coverage()
    facts = scan(
        "module @m {\n  %0 = stablehlo.sine %arg0 : tensor<2xf32>\n  %1 = stablehlo.after_all %0 : !stablehlo.token\n}"
    )
    for _ in range(9):
        coverage.add(facts, {"jax.numpy.sin"})
    tables = coverage.tables()
    assert tables["stablehlo ops"]["thin"] == {"stablehlo.after_all": 9, "stablehlo.sine": 9}
    assert tables["op/type pairs"]["thin"] == {"stablehlo.sine f32": 9}
    coverage.add(facts, {"jax.numpy.sin"})
    tables = coverage.tables()
    # Tokens are rare by nature: ten programs are enough for them.
    assert tables["stablehlo ops"]["thin"] == {"stablehlo.sine": 10}
    assert tables["op/type pairs"]["thin"] == tables["public functions"]["thin"] == {}


def test_names_of_other_worlds_take_no_memory() -> None:
    coverage = Coverage()
    for number in range(50):
        coverage.add(scan(f"module @m {{\n  %0 = stablehlo.op{number} %arg0 : tensor<2xf{number}>\n}}"), ())
    assert not any(coverage._counts.values())


def test_lists_are_short_unless_asked(native: Stats) -> None:
    short, long = native.to_text(), native.to_text(everything=True)
    assert "Missing public functions (906)" in short
    assert "and 894 more" in short
    assert "numpy.linalg.tensorsolve" not in short
    assert "more" not in long.partition("Missing public functions (906)")[2].partition("\n\n")[0]
    assert "numpy.linalg.tensorsolve" in long
    assert "numpy.linalg.tensorsolve" in native.to_markdown()
    assert "jax.numpy.linalg.tensorsolve" in native.to_dict()["coverage"]["public functions"]["missing"]


def test_skeletons_of_ops_alone(native: Stats) -> None:
    assert native.op_skeletons == 6
    assert native.top_op_skeletons[0][0] == 10
    assert "of ops alone there are 6, the most frequent one in 10 rows, 16.7 %" in " ".join(native.to_text().split())


SWAPPED = """
    %0 = stablehlo.{a} %arg0 : tensor<{t}>
    %1 = stablehlo.{b} %arg1 : tensor<{t}>
    %2 = stablehlo.add %{first}, %{second} : tensor<{t}>
"""


@pytest.mark.parametrize(
    ("text", "same"),
    [
        (SWAPPED.format(a="sine", b="cosine", t="2xf32", first=0, second=1), True),
        (SWAPPED.format(a="cosine", b="sine", t="2xf32", first=1, second=0), True),
        (SWAPPED.format(a="sine", b="cosine", t="4x3xbf16", first=0, second=1), True),
        (SWAPPED.format(a="sine", b="tanh", t="2xf32", first=0, second=1), False),
        (SWAPPED.format(a="sine", b="cosine", t="2xf32", first=0, second=0), False),
    ],
)
def test_op_skeletons_see_ops_and_uses_only(text: str, same: bool) -> None:
    first = "module @m {" + SWAPPED.format(a="sine", b="cosine", t="2xf32", first=0, second=1) + "}"
    assert (op_skeleton(scan(first)) == op_skeleton(scan("module @m {" + text + "}"))) is same


def test_lengths_are_exact(native: Stats) -> None:
    lengths = sorted(len(row["stablehlo"]) for row in native_rows(60))
    assert native.lengths["ir_chars"] == {
        "min": lengths[0], "p10": lengths[5], "p50": lengths[29], "p90": lengths[53], "p99": lengths[59],
        "max": lengths[-1],
    }  # fmt: skip
    for histogram in native.histograms.values():
        assert sum(histogram["counts"]) == 60
        assert len(histogram["edges"]) == len(histogram["counts"]) + 1


def test_a_good_corpus_does_not_leak_and_says_so(native: Stats) -> None:
    assert all(set(pairs.values()) == {0} for pairs in native.leakage.values())
    assert set(native.leakage) == {"source", "ir", "ir_names", "canonical", "skeleton", "behavior"}
    assert "Splits do not leak" in native.headline()
    assert "25.0 % of 80 candidates were rejected" in native.headline()
    assert "lower: too long" in native.to_text()


@pytest.mark.parametrize(
    ("field", "key"),
    [
        ("python_source", "source"), ("stablehlo", "ir"), ("stablehlo", "ir_names"), ("canonical_hash", "canonical"),
        ("skeleton_hash", "skeleton"), ("behavior_hash", "behavior"),
    ],
)  # fmt: skip
def test_one_planted_leak_is_found(tmp_path: Path, field: str, key: str) -> None:
    rows = native_rows(60)
    train = next(row for row in rows if row["split"] == "train")
    next(row for row in rows if row["split"] == "test")[field] = train[field]
    stats = analyze(open_corpus(write_native(tmp_path / "c", rows)))
    assert stats.leakage[key] == {"train/validation": 0, "train/test": 1, "validation/test": 0}
    assert "Splits leak" in stats.headline()


def test_renaming_across_splits_is_a_leak_up_to_names_only(tmp_path: Path) -> None:
    rows = native_rows(60)
    train = next(row for row in rows if row["split"] == "train")
    renamed = train["stablehlo"].replace("@jit_kernel_0", "@jit_other").replace("%arg0", "%operand")
    assert renamed != train["stablehlo"]
    next(row for row in rows if row["split"] == "test")["stablehlo"] = renamed
    stats = analyze(open_corpus(write_native(tmp_path / "c", rows)))
    assert stats.leakage["ir"]["train/test"] == 0
    assert stats.leakage["ir_names"]["train/test"] == 1


def test_the_predecessors_corpus_is_unmasked(tmp_path: Path) -> None:
    stats = analyze(open_corpus(write_legacy(tmp_path / "old", 30)))
    assert stats.kind == "legacy"
    assert stats.distinct["ir"] == 30
    assert stats.distinct["ir_names"] == 2
    assert stats.distinct["skeleton"] == 2
    assert stats.skeleton_basis == "text"
    assert stats.placeholders["marker"] == 30
    assert "30 rows hold 2 distinct IRs up to names, 1 distinct source and 2" in stats.headline()
    assert "30 of 30 sources are placeholders" in stats.headline()
    assert "30 rows have no description" in stats.headline()
    assert stats.leakage["source"] == {}


@pytest.mark.parametrize(
    ("source", "verdict"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("# Source not available", "marker"),
        ("# source code could not be found: not available", "marker"),
        ("TODO", "marker"),
        ("# a comment\n\n# and another\n", "no_code"),
        ("def f(x:\n", "broken"),
        ("def f():\n    return '\0'", "broken"),
        ("-" * 100_000 + "1", "broken"),
        ("x" + ".a" * 100_000, "broken"),
        ("def f(x):\n    return x  # the source is not available here\n" + "#" * 300, "good"),
        ("def f(x):\n    return '\\d'\n", "good"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid escape sequence")  # `analyze` silences it; here the source is parsed alone
def test_sources_are_told_apart(source: str, verdict: str) -> None:
    assert classify_source(source) == verdict


def test_analysis_raises_no_warning_for_odd_escapes(tmp_path: Path) -> None:
    rows = [row | {"python_source": row["python_source"] + "P = '\\d'\n"} for row in native_rows(6)]
    assert analyze(open_corpus(write_native(tmp_path / "c", rows))).placeholders["good"] == 6


def test_equal_rows_give_equal_bytes_wherever_they_lie(tmp_path: Path) -> None:
    first = analyze(open_corpus(write_native(tmp_path / "one", native_rows(30))))
    second = analyze(open_corpus(write_native(tmp_path / "other" / "place", native_rows(30))))
    assert json.dumps(first.to_dict()) == json.dumps(second.to_dict())
    assert first.to_text() == second.to_text()
    assert first.to_markdown() == second.to_markdown()
    assert str(tmp_path) not in first.to_text() + first.to_markdown() + json.dumps(first.to_dict())


def test_the_dict_is_plain_json(native: Stats) -> None:
    assert json.loads(json.dumps(native.to_dict())) == native.to_dict()
    assert native.to_dict()["ops"]["stablehlo.sine"] == {"programs": 10, "count": 10}


def test_random_rows_depend_on_the_content_not_on_the_order(tmp_path: Path) -> None:
    rows = native_rows(60)
    shuffled = rows.copy()
    random.Random(3).shuffle(shuffled)
    chosen = [
        [row["id"] for row in analyze(open_corpus(write_native(tmp_path / name, given))).samples]
        for name, given in (("a", rows), ("b", shuffled))
    ]
    assert chosen[0] == chosen[1]
    assert len(set(chosen[0])) == 10
    assert chosen[0] != [row["id"] for row in rows[:10]]


def test_progress_adds_up(tmp_path: Path) -> None:
    steps: list[int] = []
    analyze(open_corpus(write_native(tmp_path / "c", native_rows(300))), progress=steps.append)
    assert sum(steps) == 300
    assert len(steps) > 1


def test_figures_are_the_same_in_parts_of_any_length_and_on_any_number_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row | {"operation": f"op_{number % 17}"} for number, row in enumerate(native_rows(150) * 2)]
    corpus = open_corpus(write_native(tmp_path / "c", rows))
    whole = analyze(corpus)
    assert whole.samples
    for length, workers in ((1, 1), (7, 1), (20, 2)):
        monkeypatch.setattr(part, "_ROWS", length)
        assert analyze(corpus, workers=workers) == whole


def test_texts_for_terminals_are_narrow_and_free_of_control_characters(tmp_path: Path) -> None:
    evil = "\x1b[31mred\x07 \u202e" + "very_long_name_" * 20 + "|<script>`"
    rows = [row | {"category": evil, "operation": evil} for row in native_rows(6)]
    run = {"candidates": 9, "rejections": [{"stage": evil, "reason": "\x1b]0;x", "count": 3}]}
    stats = analyze(open_corpus(write_native(tmp_path / "c", rows, run=run)))
    text, markdown = stats.to_text(), stats.to_markdown()
    assert max(map(len, text.splitlines())) <= 100
    for shown in (text, markdown):
        assert "\x1b" not in shown
        assert "\u202e" not in shown
    assert "<script>" not in markdown


def test_an_empty_corpus_has_figures_too(tmp_path: Path) -> None:
    rows = native_rows(3)
    corpus = open_corpus(write_native(tmp_path / "c", rows))
    stats = analyze(Corpus(corpus.path, corpus.kind, (), corpus.columns))
    assert stats.rows == 0
    assert stats.headline() == "The corpus holds no rows."
    assert "no rows" in stats.to_text()


def test_run_figures_of_the_caller_come_first_and_odd_ones_do_no_harm(tmp_path: Path) -> None:
    folder = write_native(tmp_path / "c", native_rows(6), run=RUN)
    assert analyze(open_corpus(folder), run={"candidates": 7}).run == {"candidates": 7}
    (folder / "stats.json").write_text("{ broken")
    assert analyze(open_corpus(folder)).run == {}
    (folder / "stats.json").write_text(json.dumps({"candidates": "many", "rejections": [1, {"a": 2}, [1, 2]]}))
    assert "6 rows hold" in analyze(open_corpus(folder)).to_text()


@pytest.mark.parametrize("buffer", [10_000, 700, 3], ids=["in_memory", "spilled", "spilled_often"])
def test_the_keys_agree_with_sets(buffer: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(keys, "BUFFER", buffer)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    rng = random.Random(0)
    column, groups = keys.KeyColumn(), [set[str](), set[str](), set[str]()]
    counts: dict[str, int] = {}
    labels: dict[str, int] = {}
    for row in range(1500):
        key, group = f"k{int(rng.paretovariate(0.7)) % 900}", rng.randrange(3)
        column.add(row, keys.digest(key), group, label=row * 2)
        groups[group].add(key)
        counts[key] = counts.get(key, 0) + 1
        labels.setdefault(key, row * 2)
    column.add(1500, keys.digest(""), 0)
    assert len(column) == 1500
    assert bool(list(tmp_path.iterdir())) == (buffer < 1500)
    shares = column.finish()
    assert not list(tmp_path.iterdir())
    assert shares.rows == 1500
    assert shares.distinct == len(counts)
    assert shares.sizes == dict(sorted(Counter(counts.values()).items()))
    first = sorted(counts, key=lambda key: (-counts[key], labels[key]))[: keys.TOP]
    assert shares.top == [(counts[key], labels[key]) for key in first]
    assert shares.shared == {(a, b): len(groups[a] & groups[b]) for a, b in ((0, 1), (0, 2), (1, 2))}


MANY = """
from jaxir.analysis import keys
from jaxir.analysis.corpus import Corpus, Row
from jaxir.analysis.stats import analyze
from jaxir.executor.scripts.monitor import peak_memory_mb

keys.BUFFER = 2_000
memory = []

class Made(Corpus):  # rows that are made as they are read, so that nothing but the analysis holds memory
    def rows(self):
        row = dict.fromkeys(Row.__annotations__, "") | {"inputs": (), "templates": (), "transforms": ()}
        keys = ("id", "python_source", "stablehlo", "canonical_hash", "skeleton_hash", "behavior_hash", "operation")
        for number in range(60_000):
            if number in (20_000, 59_999):
                memory.append(peak_memory_mb() * 1e6)
            yield row | dict.fromkeys(keys, f"k{number}") | {"split": f"s{number % 3}"}

stats = analyze(Made("", "foreign", (), {}))
operations = stats.counts["operation"]
print(stats.distinct["skeleton"], len(operations), operations["(other)"], (memory[1] - memory[0]) / 40_000)
"""


def test_memory_does_not_grow_with_the_rows_and_names_are_bounded() -> None:
    done = subprocess.run([sys.executable, "-c", MANY], capture_output=True, text=True, check=True)
    skeletons, operations, others, bytes_a_row = map(float, done.stdout.split())
    assert (skeletons, operations, others) == (60_000, 10_001, 50_000)
    assert bytes_a_row < 20  # six keys of 29 bytes each were 174


def test_the_universe_is_what_was_measured() -> None:
    known = universe()
    assert (len(known.ops), len(known.chlo), len(known.pairs), len(known.bigrams)) == (93, 21, 860, 1141)
    assert len(known.element_types) == 15
    assert {op for op, _ in known.pairs} <= {*known.ops, *known.chlo}
    assert {kind for _, kind in known.pairs} <= {*known.element_types}
    assert ("stablehlo.multiply", "stablehlo.add") in known.bigrams
    assert (len(known.low_bit_pairs), len(known.functions), len(known.custom_calls)) == (921, 913, 46)
    assert not {kind for _, kind in known.low_bit_pairs} & {*known.element_types}
    assert len({*known.functions, *known.transforms}) == 933


def test_legacy_records_differ_by_name_only() -> None:
    first, third = legacy_record(0)["ir_code"], legacy_record(2)["ir_code"]
    assert first != third
    assert first.replace("kernel_00000", "kernel_00002") == third


def test_leaks_are_found_among_many_split_names(tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    names = [f"s{number}" for number in range(59)]
    rows = [
        {"python_source": f"def f():\n    return {n}\n", "ir": f"module @m{n}", "split": s} for n, s in enumerate(names)
    ]
    rows += [{"python_source": "def f():\n    return 0\n", "ir": "module @other", "split": "s58"}] * 2
    rows += [{"python_source": "def f():\n    return 99\n", "ir": f"module @x{n}", "split": f"t{n}"} for n in range(9)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert analyze(open_corpus(path)).leakage["source"]["s0/s58"] == 1
