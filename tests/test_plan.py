"""The plan: exactly balanced, and a pure function of (seed, index, attempt)."""

from __future__ import annotations

from collections import Counter

import pytest

from jaxir import config
from jaxir.errors import Rejected
from jaxir.generator.plan import ATTEMPTS_PER_ROOT, Plan
from jaxir.generator.templates import load_library
from jaxir.sample import CATEGORIES

LIBRARY = load_library()


def plan(**overrides) -> Plan:
    return Plan(config.load("default", overrides), LIBRARY)


@pytest.mark.parametrize("target", [10_000, 9_998, 7, 500])
def test_a_balanced_plan_has_equal_counts(target):
    balanced = plan(balanced=True)
    entries = [balanced.entry(index) for index in range(target)]
    by_category = Counter(entry.category for entry in entries)
    whole, rest = divmod(target, len(CATEGORIES))
    # The remainder goes out in category order.
    assert [by_category[name] for name in CATEGORIES] == [whole + (place < rest) for place in range(len(CATEGORIES))]
    for category in CATEGORIES:
        inside = [entry for entry in entries if entry.category == category]
        levels = Counter(entry.level for entry in inside)
        assert max(levels.values()) - min(levels[level] for level in range(1, 6)) <= 1
        for level in range(1, 6):
            roots = Counter(entry.root.name for entry in inside if entry.level == level)
            counts = [roots[template.name] for template in LIBRARY.by_category[category]]
            assert max(counts) - min(counts) <= 1


def test_an_entry_does_not_depend_on_the_target():
    small, large = plan(balanced=True, target=10), plan(balanced=True, target=10_000)
    assert [small.entry(index).root.name for index in range(10)] == [
        large.entry(index).root.name for index in range(10)
    ]


def test_the_root_changes_after_some_refused_attempts():
    balanced = plan(balanced=True)
    roots = [balanced.entry(3, attempt).root.name for attempt in range(2 * ATTEMPTS_PER_ROOT)]
    assert len(set(roots[:ATTEMPTS_PER_ROOT])) == len(set(roots[ATTEMPTS_PER_ROOT:])) == 1
    assert roots[0] != roots[-1]
    assert balanced.entry(3, 9).level == balanced.entry(3).level


def test_the_weights_of_the_config_are_kept():
    weighted = plan(categories={"math": 3, "array": 1}, levels={1: 1, 4: 1})
    entries = [weighted.entry(index) for index in range(4000)]
    share = sum(entry.category == "math" for entry in entries) / len(entries)
    assert 0.72 < share < 0.78
    assert {entry.level for entry in entries} == {1, 4}


def test_a_curriculum_goes_from_easy_to_hard():
    entries = [plan(curriculum=True, target=500, levels={1: 1, 3: 3, 5: 1}).entry(index) for index in range(500)]
    levels = [entry.level for entry in entries]
    assert levels == sorted(levels)
    assert Counter(levels) == {1: 100, 3: 300, 5: 100}


def test_seed_index_and_attempt_decide_the_kernel():
    def texts(seed: int, attempt: int) -> list[str]:
        made = []
        for index in range(25):
            try:
                made.append(plan_of[seed].kernel(index, attempt).source)
            except Rejected as rejected:
                made.append(str(rejected))
        return made

    plan_of = {seed: plan(balanced=True, seed=seed) for seed in (0, 1)}
    assert texts(0, 0) == texts(0, 0)
    assert sum(a == b for a, b in zip(texts(0, 0), texts(1, 0), strict=True)) < 3
    assert sum(a == b for a, b in zip(texts(0, 0), texts(0, 1), strict=True)) < 3


def test_levels_hold_as_many_templates_as_the_config_says():
    rules = config.load().level_rules
    balanced = plan(balanced=True)
    for index in range(200):
        try:
            kernel = balanced.kernel(index)
        except Rejected:
            continue
        most = rules[kernel.level].templates[1]
        if not any(LIBRARY.by_name[name].holes for name in kernel.templates):
            # A small program may run out of slots that anything fits into, so only the upper bound is strict.
            assert 1 <= len(kernel.templates) <= most
        if kernel.level == 1:
            assert kernel.transforms == ()
