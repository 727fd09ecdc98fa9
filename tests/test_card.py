"""The card and the Croissant file, held against the libraries that read them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import datasets
import pytest
from datasets.utils.metadata import MetadataConfigs
from huggingface_hub import DatasetCard
from rows import IDENTITY, make_samples

from jaxir.sample import CATEGORIES, SCHEMA, SPLITS
from jaxir.writer import card, shards
from jaxir.writer.folder import Folder

ROWS = 120
STATS = {"distinct_skeletons": 60, "reject_share": 0.03278, "median_ir_chars": 12345, "ops": {"add": 1}}


def publish(out: Path, **settings: Any) -> Path:
    with Folder.open(out, IDENTITY) as folder:
        folder.commit(make_samples(0, ROWS), {("run", "not finite"): 4})
        folder.publish(ROWS, shard_size=10, stats=STATS, command="jaxir generate --target 120", **settings)
    return out


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish(tmp_path_factory.mktemp("card") / "corpus")


@pytest.fixture(scope="module")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish(tmp_path_factory.mktemp("card") / "legacy", formats=("jsonl",), layout="legacy")


def test_every_field_is_documented_in_order() -> None:
    assert list(card.FIELD_DOCS) == SCHEMA.names
    assert list(card.LEGACY_DOCS) == shards.LEGACY_SCHEMA.names
    assert list(card.CATEGORY_DOCS) == list(CATEGORIES)


def test_card_states_the_features_of_the_schema(corpus: Path, legacy: Path, tmp_path: Path) -> None:
    for out, schema in ((corpus, SCHEMA), (legacy, shards.LEGACY_SCHEMA)):
        for name in ("default", "math"):
            info = datasets.load_dataset_builder(str(out), name, cache_dir=str(tmp_path)).info
            assert info.features == datasets.Features.from_arrow_schema(schema)


def test_configs(corpus: Path) -> None:
    configs = MetadataConfigs.from_dataset_card_data(DatasetCard.load(corpus / "README.md").data)
    assert list(configs) == ["default", *CATEGORIES]
    assert configs.get_default_config_name() == "default"
    listed: list[str] = []
    for name in CATEGORIES:
        for part in configs[name]["data_files"]:
            assert part["split"] in SPLITS
            for path in part["path"]:
                assert path.startswith(f"data/{part['split']}-")
                assert set(shards.read_parquet(corpus / path, ["category"])["category"].to_pylist()) == {name}
            listed += part["path"]
    assert sorted(listed) == sorted(f"data/{path.name}" for path in (corpus / "data").iterdir())


def test_counts_and_sizes_are_true(corpus: Path) -> None:
    for info in DatasetCard.load(corpus / "README.md").data.to_dict()["dataset_info"]:
        paths = sorted((corpus / "data").iterdir())
        tables = {path: shards.read_parquet(path) for path in paths}
        if info["config_name"] != "default":
            tables = {p: t for p, t in tables.items() if t["category"][0].as_py() == info["config_name"]}
        for split in info["splits"]:
            chosen = [table for path, table in tables.items() if path.name.startswith(split["name"])]
            assert split["num_examples"] == sum(table.num_rows for table in chosen) > 0
            assert split["num_bytes"] == sum(table.nbytes for table in chosen)
        assert info["download_size"] == sum(path.stat().st_size for path in tables)
        assert info["dataset_size"] == sum(split["num_bytes"] for split in info["splits"])
        assert sum(split["num_examples"] for split in info["splits"]) == sum(t.num_rows for t in tables.values())


def test_empty_splits_and_categories_are_left_out() -> None:
    data = [card.DataFile("data/train-00000-of-00001.parquet", "train", "math", 5, 10, 20, "ab")]
    front = card.metadata(data)
    assert [config["config_name"] for config in front["configs"]] == ["default", "math"]
    assert [part["split"] for config in front["configs"] for part in config["data_files"]] == ["train", "train"]


def test_metadata_changes_with_any_file() -> None:
    """The cache key of `datasets` is this metadata, so every config must show that one file differs."""
    data = [card.DataFile(f"data/{split}-00000-of-00001.parquet", split, "math", 5, 10, 20, "ab") for split in SPLITS]
    other = [*data[:2], dataclasses.replace(data[2], sha256="ac")]
    pairs = zip(card.metadata(data)["configs"], card.metadata(other)["configs"], strict=True)
    assert all(before != after for before, after in pairs)


def test_digest_is_that_of_sha256sum(corpus: Path) -> None:
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  data/{path.name}\n" for path in (corpus / "data").iterdir()
    ]
    lines.sort(key=lambda line: line.split("  ")[1])
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    assert json.loads((corpus / "stats.json").read_text())["corpus"]["content_digest"] == digest
    assert (corpus / "README.md").read_text().count(digest) == 1 + len(("default", *CATEGORIES))


def test_page_for_people(corpus: Path, legacy: Path) -> None:
    text = (corpus / "README.md").read_text()
    assert "jaxir generate --target 120" in text
    assert "| distinct skeletons | 60 |" in text
    assert "| median ir chars | 12,345 |" in text
    assert "| reject share | 0.03278 |" in text
    counts = json.loads((corpus / "stats.json").read_text())["corpus"]["splits"]
    cells = " | ".join(str(counts[split].get("math", 0)) for split in SPLITS)
    assert f"| `math` | {card.CATEGORY_DOCS['math']} | {cells} |" in text
    assert all(f"| `{name}` |" in text for name in SCHEMA.names)
    assert "\n\n\n" not in text
    assert "read_parquet" in text
    assert "read_parquet" not in (legacy / "README.md").read_text()


def test_the_snippet_of_the_card_runs(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    code = (corpus / "README.md").read_text().split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {}
    exec(code.replace("path/to/this/folder", str(corpus)), names)
    assert sum(names["corpus"].num_rows.values()) == ROWS
    assert set(names["part"]["train"]["category"]) == {"arithmetic"}
    assert next(iter(names["rows"]))["split"] == "train"


def test_is_card(corpus: Path, tmp_path: Path) -> None:
    assert card.is_card(corpus / "README.md")
    assert not card.is_card(tmp_path / "absent.md")
    (tmp_path / "README.md").write_text("# my project\n\n- jaxir\n")
    assert not card.is_card(tmp_path / "README.md")


def test_size_categories() -> None:
    names = [card.size_category(rows) for rows in (1, 999, 1000, 9999, 10_000, 10**6, 10**9)]
    assert names == ["n<1K", "n<1K", "1K<n<10K", "1K<n<10K", "10K<n<100K", "1M<n<10M", "1B<n<10B"]


def test_croissant_names_every_file_with_its_hash(corpus: Path) -> None:
    document = json.loads((corpus / "croissant.json").read_text())
    objects = {entry["@id"]: entry for entry in document["distribution"] if entry["@type"] == "cr:FileObject"}
    assert sorted(objects) == sorted(f"data/{path.name}" for path in (corpus / "data").iterdir())
    for path, entry in objects.items():
        assert entry["sha256"] == hashlib.sha256((corpus / path).read_bytes()).hexdigest()
        assert entry["contentSize"] == f"{(corpus / path).stat().st_size} B"
    sets = {entry["@id"]: entry for entry in document["distribution"] if entry["@type"] == "cr:FileSet"}
    for records in document["recordSet"]:
        assert [field["name"].split("/")[1] for field in records["field"]] == SCHEMA.names
        for field in records["field"]:
            pattern = sets[field["source"]["fileSet"]["@id"]]["includes"]
            assert list(corpus.glob(pattern))
            assert bool(field.get("repeated")) == str(SCHEMA.field(field["name"].split("/")[1]).type).startswith("list")
