"""Which column of a foreign table is what: candidate names as data, then a look at the content.

Column names are paths: a field `code` inside a struct `input` is `input.code`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jaxir.analysis.irnames import dialect_of

#: Normalised key -> names to look for, best first; compared in lower case with the last part of a column's path.
CANDIDATES: dict[str, tuple[str, ...]] = {
    "python_source": (
        *("python_source", "python_code", "source_code", "source", "jax_code", "jax_source", "kernel_source"),
        *(
            "python",
            "code",
            "kernel",
            "program",
            "function",
            "src",
            "prompt",
            "input",
            "instruction",
            "content",
            "text",
        ),
    ),
    "stablehlo": (
        *(
            "stablehlo",
            "ir_code",
            "stablehlo_ir",
            "stablehlo_text",
            "ir",
            "ir_text",
            "mlir",
            "hlo",
            "hlo_text",
            "jaxpr",
        ),
        *("llvm", "llvm_ir", "jax_ir", "target", "completion", "output", "response", "answer"),
    ),
    "id": ("id", "uid", "uuid", "sample_id", "task_id"),
    "description": ("description", "docstring", "summary", "caption"),
    "category": ("category", "family", "kind"),
    "operation": ("operation", "op_name", "operation_name", "op", "template", "kernel_type"),
    "level": ("level", "complexity", "difficulty"),
    "split": ("split", "subset"),
    "function_name": ("function_name", "kernel_name", "entry_point", "name"),
    "inputs": ("inputs", "input_info", "input_shapes", "arg_shapes"),
    "templates": ("templates",),
    "transforms": ("transforms", "transformations"),
    "canonical_hash": ("canonical_hash",),
    "skeleton_hash": ("skeleton_hash",),
    "behavior_hash": ("behavior_hash",),
}
#: Names that say what a column is; the others must also look like it.
_CERTAIN = frozenset(CANDIDATES["python_source"][:12] + CANDIDATES["stablehlo"][:13])
_PYTHON = re.compile(
    r"^[ \t]*(?:def|import|from|class|@|lambda)\b|\bdef \w+\(|\bimport \w|^# Source not available", re.M
)


def looks_like_python(text: str) -> bool:
    """Whether a cell seems to hold Python, or says that it lacks it; judged by its first 20,000 characters."""
    return not dialect_of(text) and bool(_PYTHON.search(text[:20_000]))


def looks_like_ir(text: str) -> bool:
    """Whether a cell seems to hold an IR of a dialect that `dialect_of` knows."""
    return bool(dialect_of(text))


def flatten(record: Mapping[str, Any], depth: int = 3, prefix: str = "") -> dict[str, Any]:
    """Nested objects to one level; `{"a": {"b": 1}}` becomes `{"a": {"b": 1}, "a.b": 1}`, outer keys first."""
    flat = {prefix + str(key): value for key, value in record.items()}
    for key, value in record.items():
        if depth > 1 and isinstance(value, Mapping):
            for name, inner in flatten(value, depth - 1, f"{prefix}{key}.").items():
                flat.setdefault(name, inner)
    return flat


def find_columns(samples: Sequence[Mapping[str, Any]]) -> dict[str, str] | None:
    """Normalised key -> column, from a few flattened records of one file.

    Returns:
        None unless there is a source-like and an IR-like column.
    """
    texts: dict[str, list[str]] = {}
    names: dict[str, None] = {}
    for sample in samples:
        for name, value in sample.items():
            names.setdefault(name)
            if isinstance(value, str | bytes | list):
                texts.setdefault(name, []).append(to_text(value))
    ir = _best("stablehlo", texts, looks_like_ir, taken=())
    source = _best("python_source", texts, looks_like_python, taken=(ir,) if ir else ())
    if not ir or not source:
        return None
    found = {"python_source": source, "stablehlo": ir}
    for key, candidates in CANDIDATES.items():
        if key not in found:
            named = [name for candidate in candidates for name in names if _last(name) == candidate]
            free = [name for name in named if name not in (source, ir)]
            if free:
                found[key] = min(free, key=lambda name: (candidates.index(_last(name)), name.count(".")))
    return found


def _last(name: str) -> str:
    return name.rpartition(".")[2].lower()


def _best(
    key: str, texts: Mapping[str, Sequence[str]], looks_right: Callable[[str], bool], taken: Sequence[str]
) -> str | None:
    """A named column that looks right, else one with a certain name, else any that looks right."""
    candidates = CANDIDATES[key]
    open_names = [name for name in texts if name not in taken]
    named = sorted(
        (name for name in open_names if _last(name) in candidates),
        key=lambda name: (candidates.index(_last(name)), name.count(".")),
    )
    right = {name for name in open_names if any(looks_right(text) for text in texts[name])}
    certain = [name for name in named if _last(name) in _CERTAIN]
    if certain and (certain[0] in right or not any(name in right for name in named)):
        return certain[0]
    for name in named:
        if name in right:
            return name
    return next((name for name in open_names if name in right), None)


def to_text(value: Any) -> str:
    """Any cell as a text that can be encoded: lists of lines are joined, bytes decoded, lone surrogates replaced."""
    if value is None:
        return ""
    if isinstance(value, list):
        value = "".join(item for item in value if isinstance(item, str))
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return text if text.isascii() else text.encode("utf-8", errors="replace").decode("utf-8")


def to_list(value: Any) -> tuple[str, ...]:
    """A cell of names or array types; `{"shape": [2, 3], "dtype": "float32"}` becomes `float32[2,3]`."""
    if value is None:
        return ()
    if isinstance(value, Mapping):
        value = [value] if "shape" in value or "dtype" in value else list(value.values())
    if not isinstance(value, list | tuple):
        return (to_text(value),)
    return tuple(_array_type(item) for item in value)


def _array_type(item: Any) -> str:
    if isinstance(item, Mapping) and "shape" in item:
        shape = item["shape"]
        dims = ",".join(map(str, shape)) if isinstance(shape, list | tuple) else str(shape)
        return f"{to_text(item.get('dtype', ''))}[{dims}]"
    return to_text(item)
