"""Quotas: what a plan asks of the visits of a template is even in every prefix, and decided by the seed alone."""

from __future__ import annotations

import json
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from jaxir import config
from jaxir.generator.plan import ATTEMPTS_PER_ROOT, PLANNED_ATTEMPTS, Plan
from jaxir.generator.quota import Turns, cycled
from jaxir.generator.rng import Rng
from jaxir.generator.templates import load_library
from jaxir.sample import CATEGORIES, DTYPES_64

LIBRARY = load_library()


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from([1, 2, 3, 8, 40]), min_size=1),
    st.integers(0, 99),
    st.integers(1, 200),
)
def test_each_prefix_of_the_turns_has_the_shares_of_the_weights(weights, seed, visits):
    turns = Turns(weights, Rng(seed))
    counts = Counter(turns[visit] for visit in range(visits))
    for item, weight in weights.items():
        # Each item keeps to its own clock; the clock that all share is off by less than one turn of each other.
        assert abs(counts[item] - visits * weight / sum(weights.values())) < 1 + len(weights) * weight / sum(
            weights.values()
        )


@given(st.permutations(range(40)))
def test_a_turn_does_not_depend_on_which_were_asked_for_before(order):
    weights = {"a": 5, "b": 2, "c": 1}
    asked = Turns(weights, Rng(0))
    found = {visit: asked[visit] for visit in order}
    fresh = Turns(weights, Rng(0))
    assert found == {visit: fresh[visit] for visit in range(40)}


def test_a_cycle_holds_each_choice_once_and_cycles_differ():
    cycles = [[cycled("abcdef", 6 * number + place, 0, "key") for place in range(6)] for number in range(10)]
    assert all(sorted(cycle) == list("abcdef") for cycle in cycles)
    assert len({tuple(cycle) for cycle in cycles}) > 5


def _visits(plan: Plan, root: str) -> list:
    """The entries of a root in a balanced plan of 20,000 rows, in order."""
    place = CATEGORIES.index(LIBRARY.by_name[root].category)
    entries = (plan.entry(index) for index in range(place, 20_000, len(CATEGORIES)))
    return [entry for entry in entries if entry.root.name == root]


def test_a_balanced_plan_gives_element_types_and_options_their_turns():
    plan = Plan(config.load("default", {"balanced": True}), LIBRARY)
    visits = _visits(plan, "add")
    weights = {
        name: weight for name, weight in plan.config.arrays.dtypes.items() if visits[0].root.steered.admits(name)
    }
    total = sum(weights.values())
    counts = Counter(entry.quota.dtype for entry in visits)
    assert all(abs(counts[name] - len(visits) * weight / total) <= 2 for name, weight in weights.items())
    exponents = Counter(entry.quota.options["exponent"] for entry in _visits(plan, "integer_power"))
    assert max(exponents.values()) - min(exponents.values()) <= 1
    assert len(exponents) == 6


def test_after_some_attempts_the_element_type_is_drawn_by_weight():
    plan = Plan(config.load("default", {"balanced": True}), LIBRARY)
    visits = _visits(plan, "add")
    tries = [[plan.entry(visit.index, attempt) for attempt in range(ATTEMPTS_PER_ROOT)] for visit in visits]
    assert {entry.root.name for entries in tries for entry in entries} == {"add"}
    planned = [[entry.quota.dtype for entry in entries[:PLANNED_ATTEMPTS]] for entries in tries]
    assert all(len(set(types)) == 1 for types in planned)
    later = [[entry.quota for entry in entries[PLANNED_ATTEMPTS:]] for entries in tries]
    assert not any(quota.options for quotas in later for quota in quotas)
    assert sum(len({quota.dtype for quota in quotas}) > 1 for quotas in later) > len(visits) / 2
    weights = {
        name: weight for name, weight in plan.config.arrays.dtypes.items() if visits[0].root.steered.admits(name)
    }
    counts = Counter(quota.dtype for quotas in later for quota in quotas)
    for name, weight in weights.items():
        wanted = counts.total() * weight / sum(weights.values())
        assert abs(counts[name] - wanted) <= 1 + 4 * wanted**0.5


def test_kernels_keep_to_the_quota():
    plan = Plan(config.load("default", {"balanced": True}), LIBRARY)
    for index in range(60):
        entry, kernel = plan.entry(index), plan.kernel(index)
        chosen = [options for name, options in json.loads(kernel.options) if name == entry.root.name]
        if entry.quota.options:
            assert entry.quota.options.items() <= chosen[-1].items()
        types = {spec.dtype for spec in kernel.inputs}
        assert kernel.x64 or not types & DTYPES_64
        if not kernel.transforms and len(kernel.templates) == 1 and entry.quota.dtype:
            assert entry.quota.dtype in types
