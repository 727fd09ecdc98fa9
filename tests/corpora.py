"""Small corpora for the tests of the analysis: made by real lowerings, written by pyarrow and json."""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pyarrow as pa
import pyarrow.parquet as pq
from jax import lax

from jaxir.analysis.irtext import canonical_text, skeleton_text
from jaxir.sample import CATEGORIES, SCHEMA, SPLITS

_HEADER = "import jax\nimport jax.numpy as jnp\nfrom jax import lax\n\n\n"
#: Bodies with a hole for a constant: each is one program skeleton.
BODIES = (
    "jnp.sin(x) * {c}",
    "jnp.sum(x) + {c}",
    "jnp.sort(x) / {c}",
    "lax.fori_loop(0, 3, lambda i, a: jnp.cos(a) - {c}, x)",
    "jnp.where(x > {c}, x, -x)",
    "jnp.linalg.norm(x) ** {c}",
)


@functools.cache
def lowered(source: str, name: str, size: int = 4) -> str:
    namespace: dict[str, Any] = {"jax": jax, "jnp": jnp, "lax": lax}
    exec(source, namespace)
    return str(jax.jit(namespace[name]).lower(jax.ShapeDtypeStruct((size,), "float32")).as_text())


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@functools.cache
def _native_rows(count: int) -> tuple[dict[str, Any], ...]:
    plain = {"string": "", "int64": 0, "double": 0.0, "bool": False}
    rows = []
    for index in range(count):
        body, constant = BODIES[index % len(BODIES)], 1.5 + index // len(BODIES)
        source = f"{_HEADER}def kernel_{index}(x):\n    return {body.format(c=constant)}\n"
        ir = lowered(source, f"kernel_{index}")
        row: dict[str, Any] = {field.name: plain.get(str(field.type), []) for field in SCHEMA}
        row |= {
            "id": digest(source), "index": index, "python_source": source, "stablehlo": ir,
            "category": CATEGORIES[index % 5], "operation": f"op_{index % len(BODIES)}", "level": 1 + index % 2,
            "split": SPLITS[0] if index % len(BODIES) < 4 else SPLITS[index % len(BODIES) - 3],
            "function_name": f"kernel_{index}", "description": "computes a thing", "inputs": ["float32[4]"],
            "templates": ["sin", "sin", "mul"], "transforms": ["grad"] if index % 2 else [],
            "canonical_hash": digest(canonical_text(ir)), "skeleton_hash": digest(skeleton_text(ir)),
            "behavior_hash": digest(f"{body}{constant}"), "jaxir_version": "0.1.0",
        }  # fmt: skip
        rows.append(row)
    return tuple(rows)


def native_rows(count: int) -> list[dict[str, Any]]:
    """Rows of the schema: distinct sources and IRs, six skeletons, no skeleton in two splits."""
    return [dict(row) for row in _native_rows(count)]


def write_native(folder: Path, rows: list[dict[str, Any]], run: dict[str, Any] | None = None) -> Path:
    """A corpus folder as jaxir writes it: a shard a split, `stats.json`, the card, the hidden ledger."""
    (folder / "data").mkdir(parents=True)
    for split in SPLITS:
        table = pa.Table.from_pylist([row for row in rows if row["split"] == split], schema=SCHEMA)
        pq.write_table(table, folder / "data" / f"{split}-00000-of-00001.parquet", row_group_size=7)
    (folder / "stats.json").write_text(json.dumps({"rows": len(rows), **(run or {})}))
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    (folder / ".jaxir").mkdir()
    (folder / ".jaxir" / "ledger.jsonl").write_text('{"python_source": "not a sample", "stablehlo": "module @x"}\n')
    return folder


def legacy_record(number: int, kinds: int = 2) -> dict[str, Any]:
    """A record as the predecessor made it: no source, one IR under another function name in every row."""
    name = f"kernel_{number:05d}"
    ir = lowered(f"def {name}(x):\n    return {BODIES[number % kinds].format(c=2.0)}\n", name)
    return {
        "python_source": "# Source not available",
        "ir_code": ir,
        "dialect": "stablehlo",
        "input_info": [{"shape": [4], "dtype": "float32"}],
        "complexity": "simple",
        "metadata": {"category": "math", "operation": ("sin", "sum")[number % 2]},
    }


def write_legacy(folder: Path, count: int) -> Path:
    """One JSON file a sample, in sub-folders, beside a checkpoint that is no sample."""
    for number in range(count):
        path = folder / f"batch_{number % 3}" / f"sample_{number:05d}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(legacy_record(number), indent=2))
    (folder / "checkpoint.json").write_text(json.dumps({"completed": 2 * count, "files": ["a", "b"]}))
    return folder
