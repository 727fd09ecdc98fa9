"""The plan: exactly balanced, and a pure function of (seed, index, attempt)."""

from __future__ import annotations

from collections import Counter

import pytest

from jaxir import config
from jaxir.generator.plan import ATTEMPTS_PER_LEVEL, ATTEMPTS_PER_ROOT, Plan, attempt_above
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
        for counted, known in (
            (Counter(entry.level for entry in inside), range(1, 6)),
            (Counter(entry.root.name for entry in inside), [item.name for item in LIBRARY.by_category[category]]),
        ):
            counts = [counted[value] for value in known]
            assert max(counts) - min(counts) <= 1


def test_in_time_every_root_meets_every_level():
    balanced = plan(balanced=True)
    for place, category in enumerate(CATEGORIES):
        roots = len(LIBRARY.by_category[category])
        entries = [balanced.entry(place + len(CATEGORIES) * turn) for turn in range(5 * roots)]
        assert len({(entry.root.name, entry.level) for entry in entries}) == 5 * roots


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


def test_after_more_attempts_an_index_goes_up_to_the_next_level_of_the_config_and_back_to_its_root():
    some = plan(balanced=True, levels={1: 1, 3: 1, 4: 1})
    first = some.entry(3)
    assert first.level == 1
    entries = [some.entry(3, attempt) for attempt in range(4 * ATTEMPTS_PER_LEVEL)]
    assert [entry.level for entry in entries[::ATTEMPTS_PER_LEVEL]] == [1, 3, 4, 4]
    assert entries[ATTEMPTS_PER_LEVEL - 1].level == 1
    assert [attempt_above(attempt) for attempt in (0, 3, 15, 16)] == [16, 16, 16, 32]
    for attempt in (attempt_above(0), attempt_above(16)):
        assert entries[attempt].root is first.root
        assert entries[attempt - 1].root is not first.root
    assert some.kernel(3, 16).level == 3


def test_the_weights_of_the_config_are_kept():
    weighted = plan(categories={"array": 1, "math": 3}, levels={1: 1, 4: 1})
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
        return [plan_of[seed].kernel(index, attempt).source for index in range(25)]

    plan_of = {seed: plan(balanced=True, seed=seed) for seed in (0, 1)}
    assert texts(0, 0) == texts(0, 0)
    assert sum(a == b for a, b in zip(texts(0, 0), texts(1, 0), strict=True)) < 3
    assert sum(a == b for a, b in zip(texts(0, 0), texts(0, 1), strict=True)) < 5


def test_levels_hold_as_many_templates_as_the_config_says():
    rules = config.load().level_rules
    balanced = plan(balanced=True)
    exact = made = 0
    for index in range(400):
        kernel = balanced.kernel(index)
        fewest, most = rules[kernel.level].templates
        made += 1
        exact += fewest <= len(kernel.templates) <= most
        if not LIBRARY.by_name[kernel.operation].holes:
            # Only the holes of a root can ask for more than the level has.
            assert len(kernel.templates) <= most
        if kernel.level == 1:
            assert kernel.transforms == ()
    assert exact > 0.95 * made
