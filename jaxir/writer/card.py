"""The dataset card: `README.md` with the metadata that `datasets` and the Hub read, and a page for people.

The metadata is plain data made from the Arrow schema and the list of files, so the card depends on the corpus alone and
not on which version of `datasets` is installed. The syntax is that of https://huggingface.co/docs/hub/datasets-cards;
the tests hold it against what `datasets` makes of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import pyarrow as pa

from jaxir import files
from jaxir.sample import CATEGORIES, SCHEMA, SPLITS

LICENSE = "apache-2.0"
NAME = "jaxir: Python kernels and their compiler IR"
SUMMARY = "JAX kernels as Python source, each with the compiler IR it lowers to, distinct and reproducible row by row."
_TAG = "jaxir"
_TEMPLATE = "card.md.j2"
_SIZES = (
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
    *((10**8, "10M<n<100M"), (10**9, "100M<n<1B"), (10**10, "1B<n<10B"), (10**11, "10B<n<100B"), (10**12, "100B<n<1T")),
)

CATEGORY_DOCS: dict[str, str] = {
    "arithmetic": "elementwise arithmetic, comparisons, bits and number types",
    "math": "elementary and special functions, complex numbers, random numbers",
    "array": "shapes, indexing, reductions, sorting, linear algebra",
    "control_flow": "loops, scans, conditionals and selections",
    "combined": "models, solvers, filters and other whole programs",
}

#: What each column holds, in the order of the record.
FIELD_DOCS: dict[str, str] = {
    "id": "content hash of source, inputs and IR",
    "index": "position in the plan of the run",
    "split": "train, validation or test; a function of `skeleton_hash` alone",
    "category": "one of the categories above",
    "operation": "root template",
    "level": "1 (one template) to 5 (many templates, sub-programs and transforms)",
    "function_name": "the kernel within `python_source`",
    "python_source": "a module that runs alone: imports, helpers, kernel",
    "description": "the kernel in plain English",
    "stablehlo": "what `jax.jit(f).lower(*specs).as_text()` gives in a fresh process; symbolic dims: `jax.export`",
    "hlo": "HLO text; empty if it was not asked for",
    "jaxpr": "jaxpr text; empty if it was not asked for",
    "signature": "argument and result types, as `f(x: float32[2,3]) -> float32[2,3]`",
    "inputs": "argument types, as `float32[2,3]`",
    "outputs": "result types",
    "input_names": "argument names",
    "templates": "every template used, in source order",
    "transforms": "wraps such as `grad` and `vmap`, from the inside out",
    "options": "JSON: chosen template options",
    "seed": "seed of the run; with `index` and `attempt` it determines the kernel",
    "attempt": "number of this candidate at its index, from 0; those before it were refused or skipped",
    "ops": "distinct op names of the StableHLO text, sorted",
    "op_counts": "JSON: op name to how often it occurs",
    "num_ops": "ops in the StableHLO text",
    "depth": "longest chain of ops that use one another's results",
    "python_chars": "characters of `python_source`",
    "ir_chars": "characters of `stablehlo`",
    "flops": "floating-point operations of one call, counted from the IR",
    "bytes_accessed": "bytes that the ops read and write, without fusion",
    "transcendentals": "elements of transcendental ops",
    "canonical_hash": "IR up to names; distinct in every row",
    "skeleton_hash": "IR up to names, shapes, element types and constants",
    "behavior_hash": "rounded outputs on fixed inputs",
    "verified": "the oracles that agreed on the outputs",
    "input_seed": "draws the inputs of `output_digest`",
    "output_digest": "SHA-256 of the outputs on these inputs",
    "max_abs_error": "largest difference between the oracles; null if none was measured",
    "platform": "what it was lowered for, comma separated",
    "x64": "whether 64-bit types were enabled",
    "num_devices": "devices that lowering needs",
    "jax_version": "version of jax that lowered it",
    "jaxlib_version": "version of jaxlib",
    "jaxir_version": "version of jaxir",
}

#: The columns of the predecessor's layout.
LEGACY_DOCS: dict[str, str] = {
    "id": FIELD_DOCS["id"],
    "kernel_name": FIELD_DOCS["function_name"],
    "python_source": FIELD_DOCS["python_source"],
    "ir_code": "text of the IR",
    "dialect": "dialect of `ir_code`: stablehlo, hlo or jaxpr; a kernel has one row for each",
    "input_info": "shape and element type of each argument; -1 is a symbolic dimension",
    "output_info": "shape and element type of each result",
    "complexity": "level, " + FIELD_DOCS["level"],
    "category": FIELD_DOCS["category"],
    "operation": FIELD_DOCS["operation"],
    "metadata": "every other field of the record",
}


@dataclasses.dataclass(frozen=True)
class DataFile:
    """One published data file."""

    path: str  #: relative to the corpus
    split: str
    category: str
    rows: int
    bytes: int  #: of the file
    memory: int  #: bytes of the rows: as Arrow for Parquet, as text for JSON lines
    sha256: str


def content_digest(data: Iterable[DataFile]) -> str:
    """One hash for all data files: SHA-256 over lines `sha256  path`, sorted by path, as `sha256sum` prints them."""
    lines = [f"{entry.sha256}  {entry.path}\n" for entry in sorted(data, key=lambda entry: entry.path)]
    return files.sha256_bytes("".join(lines).encode())


def features(schema: pa.Schema | pa.StructType) -> list[dict[str, Any]]:
    """Arrow types in the notation of `dataset_info.features`."""
    return [{"name": field.name, **_feature(field.type)} for field in schema]


def size_category(rows: int) -> str:
    """The Hub's name for a number of rows."""
    return next((name for limit, name in _SIZES if rows < limit), "n>1T")


def metadata(data: Sequence[DataFile], schema: pa.Schema = SCHEMA) -> dict[str, Any]:
    """The card's metadata for the files in `data/`.

    Each config's description has a digest of all data files: `datasets` keys its cache of a local folder by the
    metadata and the folder's name alone, and would otherwise return old rows after a corpus was made again in place.
    """
    digest = content_digest(data)
    by_category = {name: [entry for entry in data if entry.category == name] for name in _categories(data)}
    configs, infos = [], []
    for name, entries in {"default": list(data), **by_category}.items():
        splits = {split: [entry for entry in entries if entry.split == split] for split in SPLITS}
        splits = {split: chosen for split, chosen in splits.items() if chosen}
        if name == "default":
            paths: list[dict[str, Any]] = [{"split": split, "path": f"data/{split}-*"} for split in splits]
        else:
            paths = [{"split": split, "path": [entry.path for entry in chosen]} for split, chosen in splits.items()]
        about = "all categories" if name == "default" else f"category {name}"
        config = {"config_name": name, "description": f"{about}; data sha256 {digest}", "data_files": paths}
        configs.append({**config, "default": True} if name == "default" else config)
        infos.append(
            {
                "config_name": name,
                "features": features(schema),
                "splits": [
                    {
                        "name": split,
                        "num_bytes": sum(entry.memory for entry in chosen),
                        "num_examples": sum(entry.rows for entry in chosen),
                    }
                    for split, chosen in splits.items()
                ],
                "download_size": sum(entry.bytes for entry in entries),
                "dataset_size": sum(entry.memory for entry in entries),
            }
        )
    return {
        "pretty_name": NAME,
        "license": LICENSE,
        "language": ["code", "en"],
        "annotations_creators": ["machine-generated"],
        "source_datasets": ["original"],
        "size_categories": [size_category(sum(entry.rows for entry in data))],
        "task_categories": ["text-generation"],
        "tags": [_TAG, "jax", "stablehlo", "mlir", "xla", "compiler", "code", "synthetic"],
        "configs": configs,
        "dataset_info": infos,
    }


def render(
    data: Sequence[DataFile],
    *,
    schema: pa.Schema = SCHEMA,
    layout: str = "native",
    counts: Mapping[tuple[str, str], int],
    stats: Mapping[str, Any],
    command: str,
) -> str:
    """The whole `README.md`.

    Args:
        data: every data file; those in `data/` make the configs, those in `jsonl/` are only mentioned.
        schema: columns of the files in `data/`.
        layout: field names of the JSON lines.
        counts: rows by (split, category).
        stats: figures; the plain values (numbers and texts) become a table.
        command: the command line that makes the corpus; may be empty.
    """
    from huggingface_hub import DatasetCardData  # half a second, and only a publish needs it

    main = [entry for entry in data if entry.path.startswith("data/")]
    docs = FIELD_DOCS if schema.equals(SCHEMA) else LEGACY_DOCS
    categories = _categories(main)
    splits = [split for split in SPLITS if any(entry.split == split for entry in main)]
    table = [
        {"name": name, "about": CATEGORY_DOCS.get(name, ""), "rows": [counts.get((split, name), 0) for split in splits]}
        for name in categories
    ]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # the page is Markdown, made from our own data
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(_TEMPLATE).render(
        yaml=DatasetCardData(**metadata(main, schema)).to_yaml(line_break="\n"),
        name=NAME,
        summary=SUMMARY,
        command=command,
        categories=table,
        splits=splits,
        totals=[sum(counts.get((split, name), 0) for name in categories) for split in splits],
        rows=sum(counts.values()),
        figures=[(key.replace("_", " "), _figure(value)) for key, value in stats.items() if _is_plain(value)],
        fields=[(field.name, _type_name(field.type), docs[field.name]) for field in schema],
        example=categories[0],
        has_parquet=main[0].path.endswith(".parquet"),
        jsonl=any(entry.path.startswith("jsonl/") for entry in data),
        layout=layout,
        digest=content_digest(main),
    )


def is_card(path: Path) -> bool:
    """Whether a file is the card of a jaxir corpus."""
    if not path.is_file():
        return False
    parts = path.read_text(encoding="utf-8", errors="replace").split("---\n", 2)
    return len(parts) == 3 and not parts[0] and f"\n- {_TAG}\n" in parts[1]


def _categories(data: Iterable[DataFile]) -> list[str]:
    present = {entry.category for entry in data}
    return [name for name in CATEGORIES if name in present] + sorted(present - {*CATEGORIES})


def _feature(kind: pa.DataType) -> dict[str, Any]:
    if pa.types.is_list(kind):
        item = _feature(kind.value_type)
        return {"list": item.get("struct", item.get("dtype"))}
    if pa.types.is_struct(kind):
        return {"struct": features(kind)}
    return {"dtype": _type_name(kind)}


def _type_name(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"list of {_type_name(kind.value_type)}"
    if pa.types.is_struct(kind):
        return "struct"
    return {"double": "float64"}.get(str(kind), str(kind))


def _is_plain(value: Any) -> bool:
    return isinstance(value, (bool, int, float, str))


def _figure(value: Any) -> str:
    if isinstance(value, (bool, str)):
        return str(value).replace("|", "\\|").replace("\n", " ")
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
