"""Configs: each one loads and runs; what is wrong in one is said in one line."""

from __future__ import annotations

from typing import get_args

import pytest
from conftest import run_jaxir

from jaxir import config, resources, sample
from jaxir.cli.extract import extract
from jaxir.errors import UserError
from jaxir.extractor import lower
from jaxir.generator import source
from jaxir.writer import shards

# `runtime` says how things run, not what is made; tests/test_devices.py has it.
CONFIGS = sorted(path.stem for path in resources.folder("configs").glob("*.yaml") if path.stem != "runtime")


def test_the_four_configs_are_there():
    assert set(CONFIGS) >= {"balanced_10k", "curriculum", "default", "small"}


@pytest.mark.parametrize(
    ("names", "others"),
    [
        (config.Category, sample.CATEGORIES),
        (config.Dialect, sample.DIALECTS),
        (config.Dialect, {option.name: option for option in extract.params}["dialects"].type.choices),
        (config.Dtype, sample.DTYPES),
        (config.Platform, lower.PLATFORMS),
        (config.Style, source.STYLES),
        (config.Format, shards.FORMATS),
        (config.Layout, shards.LAYOUTS),
    ],
)
def test_what_a_config_may_name_is_what_there_is(names, others):
    # Orders are those of their places: what is drawn goes by the config's, tables by the other.
    assert sorted(get_args(names)) == sorted(others)


@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_makes_a_corpus(name, tmp_path):
    done = run_jaxir(["generate", "--config", name, "--target", "5", "--workers", "1", "--out", "out"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "out: 5 rows, 5 distinct IRs" in done.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("taget: 5", "unknown option `taget`; did you mean `target`?"),
        ("target: -3", "`target`: should be greater than or equal to 1, got -3"),
        ("levels: {9: 1}", "`levels.9`: should be less than or equal to 5, got 9"),
        ("categories: {maths: 1}", "`categories.maths`: should be 'arithmetic'"),
        ("categories: {math: -1}", "`categories.math`: should be greater than or equal to 0, got -1"),
        ("categories: {math: .inf}", "`categories.math`: should be a finite number, got inf"),
        ("arrays: {sizes: {3: .nan}}", "`arrays.sizes.3`: should be a finite number, got nan"),
        ("{balanced: true, curriculum: true}", "`balanced` and `curriculum` exclude each other"),
        ("levels: {1: 0, 2: 0, 3: 0, 4: 0, 5: 0}", "`levels` must give at least one a weight above 0"),
        (
            "level_rules: {2: {templates: [3, 1]}}",
            "`level_rules.2.templates` must be [fewest, most], got [3, 1]",
        ),
        (
            "arrays: {max_elemnts: 3}",
            "unknown option `arrays.max_elemnts`; did you mean `max_elements`?",
        ),
        ("level_rules: {2: {templates: [3, 4], rap: 1}}", "did you mean `wrap`?"),
        ("dialects: [hlo]", "`dialects` must include stablehlo"),
        ("platforms: [gpu]", "`platforms.0`: should be 'cpu', 'cuda', 'rocm' or 'tpu', got 'gpu'"),
        ("target: [", "my.yaml:1: not YAML"),
        ("- target", "expected a mapping of options, found list"),
        ("base: nothing", "no such config file, and no config of that name; known are"),
        ("base: my.yaml", "its `base` leads back to itself"),
    ],
)
def test_what_is_wrong_is_one_line_with_key_and_file(text, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "my.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        config.load("my.yaml")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "my.yaml" in str(caught.value) or "nothing" in str(caught.value)


def test_an_error_of_the_command_line_names_it(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text("target: 5\nseed: -1\n")
    with pytest.raises(UserError, match=r"^`target`: .*, got -3 \(command line\)$"):
        config.load(str(path), {"target": -3, "seed": 1})
    with pytest.raises(UserError, match=r"^`seed`: .*, got -1 \(.*my\.yaml\)$"):
        config.load(str(path), {"target": 3})


def test_the_order_of_dialects_is_not_part_of_the_identity():
    one, other = (
        config.load("default", {"dialects": names}) for names in (["jaxpr", "stablehlo"], ["stablehlo", "jaxpr"])
    )
    assert one.identity() == other.identity()
    assert one.dialects == ("stablehlo", "jaxpr")


def test_the_identity_leaves_out_how_much_and_in_which_files():
    base = config.load()
    same = config.load("default", {"target": 5, "formats": ["jsonl"], "shard_size": 7})
    assert base.identity() == same.identity()
    assert base.identity() != config.load("default", {"seed": 1}).identity()
    # In a curriculum the level of a row depends on how many there are.
    assert config.load("curriculum").identity() != config.load("curriculum", {"target": 5}).identity()


def test_weights_replace_and_rules_merge(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "categories: {math: 1}\nlevels: {2: 1}\nlevel_rules: {2: {templates: [2, 9]}}\narrays: {max_rank: 3}\n"
    )
    mine, base = config.load(str(path)), config.load()
    assert mine.categories == {"math": 1}
    assert mine.levels == {2: 1}
    assert mine.level_rules[2].templates == (2, 9)
    assert mine.level_rules[3] == base.level_rules[3]
    assert (mine.arrays.max_rank, mine.arrays.dtypes) == (3, base.arrays.dtypes)


def test_the_order_in_the_file_does_not_matter():
    one = config.load("default", {"categories": {"array": 1.0, "math": 2.0}, "levels": {5: 1.0, 1: 1.0}})
    other = config.load("default", {"categories": {"math": 2.0, "array": 1.0}, "levels": {1: 1.0, 5: 1.0}})
    assert list(one.categories) == list(other.categories) == ["math", "array"]
    assert list(one.levels) == list(other.levels) == [1, 5]
