"""What comes out is what was asked for: categories, levels, templates and element types, of the plan and of real rows.

Seeds are fixed, so every figure here is the same in every run: the limits say how far a share may be from its weight,
they do not allow for luck.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from conftest import ROOT, run_jaxir
from scipy.stats import chisquare

from jaxir import config
from jaxir.analysis.corpus import open_corpus
from jaxir.analysis.stats import Stats, analyze
from jaxir.generator.plan import Entry, Plan
from jaxir.generator.templates import load_library
from jaxir.sample import CATEGORIES, DTYPES_64

LIBRARY = load_library()
LEVELS = range(1, 6)


def entries(count: int, **overrides: object) -> list[Entry]:
    plan = Plan(config.load("default", overrides), LIBRARY)
    return [plan.entry(index) for index in range(count)]


def fits(found: Iterable[object], expected: Mapping[object, float]) -> bool:
    """Whether counts are within what chance allows for these expected ones (chi-square, one in ten thousand)."""
    counts = Counter(found)
    assert set(counts) <= set(expected), set(counts) - set(expected)
    scale = sum(counts.values()) / sum(expected.values())
    return chisquare([counts[name] for name in expected], [scale * share for share in expected.values()]).pvalue > 1e-4


def expected_types(planned: Iterable[Entry]) -> dict[object, float]:
    """How many entries each element type should have: every root shares its turns among the types that it takes."""
    weights = {str(name): weight for name, weight in config.load().arrays.dtypes.items()}
    shares: Counter[object] = Counter()
    for entry in planned:
        admitted = {name: weight for name, weight in weights.items() if entry.root.steered.admits(name)}
        for name, weight in admitted.items():
            shares[name] += weight / sum(admitted.values())
    return dict(shares)


def test_the_check_itself_sees_a_small_bias() -> None:
    even = dict.fromkeys("abcde", 1.0)
    assert fits("abcde" * 400, even)
    assert not fits("abcde" * 400 + "a" * 120, even)
    assert not fits("abcd" * 500, even)


def test_a_weighted_plan_follows_its_weights() -> None:
    planned = entries(2000)
    assert fits((entry.category for entry in planned), dict.fromkeys(CATEGORIES, 1.0))
    assert fits((entry.level for entry in planned), dict.fromkeys(LEVELS, 1.0))
    for category in CATEGORIES:
        roots = LIBRARY.by_category[category]
        inside = [entry.root.name for entry in planned if entry.category == category]
        assert fits(inside, {root.name: 1.0 for root in roots})
    typed = [entry for entry in planned if entry.quota.dtype]
    assert fits((entry.quota.dtype for entry in typed), expected_types(typed))


def test_other_weights_give_other_shares() -> None:
    planned = entries(1000, categories={"math": 3, "array": 1}, levels={1: 1, 5: 4})
    assert fits((entry.category for entry in planned), {"math": 3.0, "array": 1.0})
    assert fits((entry.level for entry in planned), {1: 1.0, 5: 4.0})


@pytest.mark.parametrize("count", [300, 604])
def test_a_balanced_plan_is_even_at_any_length(count: int) -> None:
    planned = entries(count, balanced=True)
    by_category = Counter(entry.category for entry in planned)
    assert max(by_category.values()) - min(by_category.values()) <= 1
    for category in CATEGORIES:
        inside = [entry for entry in planned if entry.category == category]
        levels = Counter(entry.level for entry in inside)
        assert max(levels.values()) - min(levels.values()) <= 1
        roots = Counter(entry.root.name for entry in inside)
        visits, more = divmod(len(inside), len(LIBRARY.by_category[category]))
        assert max(roots.values()) <= visits + (more > 0)
        assert len(roots) == min(len(inside), len(LIBRARY.by_category[category]))


def test_a_balanced_plan_gives_each_element_type_its_share() -> None:
    planned = [entry for entry in entries(2000, balanced=True) if entry.quota.dtype]
    assert len(planned) > 1500
    found = Counter(entry.quota.dtype for entry in planned)
    # No chi-square: turns are due by weight, so the first few visits of a root lean to its heavy types.
    for name, share in expected_types(planned).items():
        assert 0.5 * share - 5 <= found[name] <= 1.5 * share + 5, (name, found[name], share)
    assert found.most_common(1)[0][0] == "float32"
    assert all(entry.x64 == (entry.quota.dtype in DTYPES_64) for entry in planned)


def test_a_balanced_plan_gives_each_option_its_turn() -> None:
    plan = Plan(config.load("default", {"balanced": True}), LIBRARY)
    taken: dict[tuple[str, str], list[object]] = {}
    offered = {(root.name, option.name): option.choices for root in LIBRARY.templates for option in root.options}
    for index in range(5 * 4 * max(map(len, LIBRARY.by_category.values()))):
        entry = plan.entry(index)
        for name, choice in entry.quota.options.items():
            taken.setdefault((entry.root.name, name), []).append(choice)
    assert len(taken) > 300
    for option, choices in taken.items():
        counts = Counter(choices)
        assert len(choices) >= 4
        assert max(counts.values()) - min(counts[choice] for choice in offered[option]) <= 1, option


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Stats:
    folder: Path = tmp_path_factory.mktemp("distribution") / "c"
    done = run_jaxir(["generate", "--target", "2000", "--balanced", "--out", folder], ROOT)
    assert done.returncode == 0, done.stderr
    return analyze(open_corpus(folder))


@pytest.mark.slow
def test_two_thousand_rows_are_balanced_distinct_and_wide(rows: Stats) -> None:
    assert rows.counts["category"] == dict.fromkeys(CATEGORIES, 400)
    assert all(by_level == dict.fromkeys(map(str, LEVELS), 80) for by_level in rows.category_level.values())
    assert rows.distinct["source"] == rows.distinct["ir_names"] == rows.distinct["canonical"] == 2000
    assert not rows.leaking
    assert max(rows.rows_per_skeleton) <= 5
    assert rows.distinct["skeleton"] >= 1600
    assert rows.top_op_skeletons[0][0] <= 10  # 0.5 %
    for category in CATEGORIES:
        # A root that is refused again and again hands its index on to the next one; that must stay rare.
        roots = {root.name for root in LIBRARY.by_category[category]}
        assert len(roots & set(rows.counts["operation"])) >= 0.9 * min(len(roots), 400)
    least = {
        "stablehlo ops": 75, "chlo ops": 19, "op/type pairs": 550, "op bigrams": 800, "public functions": 500,
        "attribute values": 50,
    }  # fmt: skip
    reached = {name: rows.coverage[name]["reached"] for name in least}
    assert all(reached[name] >= count for name, count in least.items()), reached


@pytest.mark.slow
def test_two_thousand_rows_hold_every_element_type(rows: Stats) -> None:
    names = {"i1", "i8", "i16", "i32", "i64", "ui8", "ui16", "ui32", "ui64", "bf16", "f16", "f32", "f64"}
    names |= {"complex<f32>", "complex<f64>"}
    assert names <= set(rows.dtypes)
    assert all(rows.dtypes[name] >= 30 for name in names), rows.dtypes
    floats = {name: rows.dtypes[name] for name in ("bf16", "f16", "f32", "f64")}
    assert max(floats, key=lambda name: floats[name]) == "f32"
