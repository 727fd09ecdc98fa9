"""Open any corpus of (Python, IR) pairs and stream its rows under normalised keys.

Three kinds: `jaxir` (a folder that jaxir wrote), `legacy` (the predecessor's `python_source` and `ir_code`, also what
`--layout legacy` writes), `foreign` (any Parquet or JSON with a source-like and an IR-like column). Rows are data:
nothing of a corpus is imported, executed or parsed as MLIR.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypedDict

import pyarrow.parquet as pq

from jaxir.analysis.columns import find_columns, flatten, to_list, to_text
from jaxir.analysis.irnames import dialect_of
from jaxir.analysis.records import LINES, PARQUET, VALUES, read_records
from jaxir.errors import UserError
from jaxir.sample import DIALECTS

#: Files are read of the first of these formats that holds samples, so that a corpus in two formats counts once.
_FORMATS: tuple[tuple[str, ...], ...] = (PARQUET, LINES, VALUES)
_SPLITS = {"train": "train", "training": "train", "validation": "validation", "valid": "validation"} | {
    "val": "validation", "dev": "validation", "test": "test", "eval": "test",
}  # fmt: skip
#: What is known only to the run that made a corpus; the rest of its `stats.json` is counted anew.
RUN_FIGURES = ("candidates", "rejections")
_PEEK = 20  # records that decide what the columns are


class Row(TypedDict):
    """One pair. A text that the corpus lacks is "", a list is ()."""

    id: str
    python_source: str
    stablehlo: str  #: the IR, whatever its dialect
    dialect: str  #: `stablehlo`, `mlir`, `hlo`, `llvm`, `jaxpr` or ""
    description: str
    category: str
    operation: str
    level: str
    split: str
    function_name: str
    inputs: tuple[str, ...]
    templates: tuple[str, ...]
    transforms: tuple[str, ...]
    canonical_hash: str
    skeleton_hash: str
    behavior_hash: str


@dataclasses.dataclass(frozen=True)
class Corpus:
    """An opened corpus: what it is, and its rows.

    Attributes:
        path: the folder or file that was opened.
        kind: `jaxir`, `legacy` or `foreign`.
        files: the files that are read, sorted by path.
        columns: normalised key -> column of the first file that holds samples.
        run: figures of the run that made it (`stats.json`), or {}.
    """

    path: Path
    kind: str
    files: tuple[Path, ...]
    columns: Mapping[str, str]
    run: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def rows(self) -> Iterator[Row]:
        """All rows, in the order of the files and of the records in them; memory does not grow with the corpus.

        Raises:
            UserError: a file is broken; the line says which and where.
        """
        known: dict[tuple[str, ...], dict[str, str] | None] = {}
        for path in self.files:
            split = "" if self.path == path and self.kind != "jaxir" else _split_of_path(path, self.path)
            columns = _columns_of(path, known)
            if columns is None:
                continue
            wanted = sorted({name.partition(".")[0] for name in columns.values()} | {*DIALECTS})
            for record in read_records(path, _present(path, wanted)):
                yield _row(record, columns, split)


def open_corpus(path: str | os.PathLike[str]) -> Corpus:
    """Open a corpus folder, any folder or file of Parquet, JSON Lines or JSON with (source, IR) pairs.

    Raises:
        UserError: nothing is there, nothing can be read, a file is broken, or no two columns hold source and IR.
    """
    root = Path(path)
    if not root.exists():
        raise UserError(f"{root}: no such folder or file; make a corpus with `jaxir generate` or give another path")
    everything = [root] if root.is_file() else _data_files(root)
    tried: list[Path] = []
    for suffixes in _FORMATS:
        files = [file for file in everything if file.name.lower().endswith(suffixes)]
        known: dict[tuple[str, ...], dict[str, str] | None] = {}
        for number, file in enumerate(files):
            columns = _columns_of(file, known)
            tried.append(file)
            if columns is not None:
                kind = _kind_of(columns, next(read_records(file)))
                run = {} if kind == "foreign" else _run_figures(root)
                return Corpus(root, kind, tuple(files[number:]), columns, run)
    if not tried:
        if (root / ".jaxir").is_dir():
            raise UserError(
                f"{root}: an unfinished run that has published nothing; go on with the same `jaxir generate`"
            )
        what = "no file of a known type" if root.is_file() else "nothing to read in this folder"
        raise UserError(f"{root}: {what}; expected .parquet, .jsonl or .json files of (Python source, IR) pairs")
    first = next(read_records(tried[0]), None)
    found = "no rows" if first is None else f"the columns {', '.join(sorted(map(str, first)))[:200]}"
    raise UserError(
        f"{tried[0]}: no pairs here ({len(tried)} files looked at); found {found}; "
        "expected a column of Python source (such as python_source, code) and one of IR (such as stablehlo, ir_code)"
    )


def newest_corpus(data_dir: str | os.PathLike[str] = Path("data")) -> Corpus:
    """The jaxir corpus under a folder that was written last, by the time of its `stats.json` or `README.md`.

    Raises:
        UserError: there is none; the line says how to make one.
    """
    root = Path(data_dir)
    found: list[tuple[int, str, Path]] = []
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        shards = folder / "data"
        if shards.is_dir() and any(file.name.endswith((*PARQUET, *LINES)) for file in shards.iterdir()):
            marks = [folder / "stats.json", folder / "README.md", shards]
            found.append((next(mark.stat().st_mtime_ns for mark in marks if mark.exists()), folder.name, folder))
    if not found:
        raise UserError(f"{root}: no corpus under this folder; make one with `jaxir generate`, or name a folder")
    return open_corpus(max(found)[2])


def _data_files(root: Path) -> list[Path]:
    """Every file of a known type, sorted; of a corpus folder those in `data/`, which holds nothing else."""
    start = root / "data" if (root / "data").is_dir() and _is_ours(root) else root
    found = []
    for folder, folders, names in os.walk(start):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        found += [Path(folder, name) for name in names if not name.startswith(".")]
    return sorted(found)


def _is_ours(root: Path) -> bool:
    return any((root / name).exists() for name in (".jaxir", "stats.json", "README.md", "croissant.json"))


def _columns_of(path: Path, known: dict[tuple[str, ...], dict[str, str] | None]) -> dict[str, str] | None:
    """The columns of a file, from its first records; files with the same fields are looked at once."""
    records = read_records(path)
    first = next(records, None)
    if first is None:
        return None
    flat = flatten(first)
    fields = (path.suffix, *sorted(flat))
    # A folder of one-record files: what the first such file showed holds for the next, unless it showed nothing.
    if known.get(fields) is None:
        known[fields] = find_columns([flat, *map(flatten, itertools.islice(records, _PEEK - 1))])
    return known[fields]


def _present(path: Path, wanted: list[str]) -> list[str] | None:
    """Those of the wanted top-level columns that a Parquet file has; None for JSON, which is read whole."""
    if not path.name.lower().endswith(PARQUET):
        return None
    return sorted({*wanted} & {*pq.read_schema(path).names})


def _kind_of(columns: Mapping[str, str], record: Mapping[str, Any]) -> str:
    if {"python_source", "stablehlo", "canonical_hash", "skeleton_hash", "jaxir_version"} <= set(record):
        return "jaxir"
    return "legacy" if columns["stablehlo"].rpartition(".")[2] == "ir_code" else "foreign"


def _split_of_path(path: Path, root: Path) -> str:
    """`train-00000-of-00004.parquet`, `test.jsonl` or `val/7.json` name their split; anything else does not."""
    parts = [path.name] if path == root else [path.name, *reversed(path.relative_to(root).parts[:-1])]
    for part in parts:
        for word in re.split(r"[^a-z]+", part.lower()):
            if word in _SPLITS:
                return _SPLITS[word]
    return ""


def _row(record: Mapping[str, Any], columns: Mapping[str, str], split: str) -> Row:
    flat = flatten(record) if any("." in name for name in columns.values()) else record

    def text(key: str) -> str:
        return to_text(flat.get(columns[key])) if key in columns else ""

    def words(key: str) -> tuple[str, ...]:
        return to_list(flat.get(columns[key])) if key in columns else ()

    ir = text("stablehlo")
    if not ir:  # a corpus in another dialect than its first column
        ir = next((to_text(flat[name]) for name in DIALECTS if flat.get(name)), "")
    named = text("split")
    return Row(
        id=text("id"),
        python_source=text("python_source"),
        stablehlo=ir,
        dialect=dialect_of(ir),
        description=text("description"),
        category=text("category"),
        operation=text("operation"),
        level=text("level"),
        split=_SPLITS.get(named.lower(), named) or split,
        function_name=text("function_name"),
        inputs=words("inputs"),
        templates=words("templates"),
        transforms=words("transforms"),
        canonical_hash=text("canonical_hash"),
        skeleton_hash=text("skeleton_hash"),
        behavior_hash=text("behavior_hash"),
    )


def _run_figures(root: Path) -> dict[str, Any]:
    """`candidates` and `rejections` of `stats.json`; a file that is missing or broken tells nothing."""
    try:
        figures = json.loads((root / "stats.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return {key: figures[key] for key in RUN_FIGURES if key in figures} if isinstance(figures, dict) else {}
