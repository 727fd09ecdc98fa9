"""The records: `ArraySpec`, `Kernel`, `Sample`, `Rejection`, and the Arrow schema of a corpus.

A `Kernel` is what the generator makes (text and specs); a `Sample` is one row of a corpus; a `Rejection` says why a
candidate did not become one. Plain types only, so that `datasets`, pandas, polars and DuckDB read the files.
This module does not import jax.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from jaxir.errors import UserError

#: The five categories, in the order in which a remainder is given out.
CATEGORIES: tuple[str, ...] = ("arithmetic", "math", "array", "control_flow", "combined")
#: The splits, in the order in which files and tables name them.
SPLITS: tuple[str, ...] = ("train", "validation", "test")
#: Texts a kernel can be lowered to; each is a column of the record.
DIALECTS: tuple[str, ...] = ("stablehlo", "hlo", "jaxpr")

#: Element types that JAX knows, by their NumPy / ml_dtypes name.
DTYPES: tuple[str, ...] = (
    "bool",
    *("int2", "int4", "int8", "int16", "int32", "int64"),
    *("uint2", "uint4", "uint8", "uint16", "uint32", "uint64"),
    *("float4_e2m1fn", "float8_e3m4", "float8_e4m3", "float8_e4m3b11fnuz", "float8_e4m3fn", "float8_e4m3fnuz"),
    *("float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu"),
    *("bfloat16", "float16", "float32", "float64", "complex64", "complex128"),
)
#: Types that JAX only has with x64 on.
DTYPES_64: frozenset[str] = frozenset(("int64", "uint64", "float64", "complex128"))
#: Types that few operations and fewer devices have: floats of 8 bits and 4, integers of 4 bits and 2.
LOW_BIT: tuple[str, ...] = tuple(
    name for name in DTYPES if name.startswith(("float8", "float4")) or name.endswith(("int2", "int4"))
)

_SPEC = re.compile(r"^\s*([a-z]\w*)\s*(?:\[([^\[\]]*)\])?\s*$")
#: A name, or what JAX prints of a result's dim: `2*b + 1`, `floordiv(b, 2)`.
_SYMBOLIC_DIM = re.compile(r"^[A-Za-z_]\w*$|^(?=.*[A-Za-z_])(?=.*(\*|\+|\(|- ))[\w(-][\w +*(),^-]*$")
#: Commas outside of parentheses.
_COMMA = re.compile(r",(?![^(]*\))")


@dataclasses.dataclass(frozen=True)
class ArraySpec:
    """Shape and element type of one array, written `float32[2,3]`, or `float32[b,4]` with a symbolic dim.

    `str(spec)` and `ArraySpec.parse(text)` are inverse to each other; a scalar is `float32[]`.
    """

    shape: tuple[int | str, ...]
    dtype: str

    def __str__(self) -> str:
        return f"{self.dtype}[{','.join(map(str, self.shape))}]"

    @property
    def rank(self) -> int:
        return len(self.shape)

    @classmethod
    def parse(cls, text: str) -> ArraySpec:
        """Read a type string; `UserError` names what is wrong with it."""
        match = _SPEC.match(text)
        if not match:
            raise UserError(f"'{text}' is no array type; expected DTYPE[DIM,...] such as float32[3,4] or int32[]")
        dtype, dims = match.groups()
        if dtype not in DTYPES:
            raise UserError(f"'{text}': unknown element type '{dtype}'; expected one of {', '.join(DTYPES)}")
        shape: list[int | str] = []
        for dim in _COMMA.split(dims) if (dims or "").strip() else ():
            dim = dim.strip()
            if dim.isdecimal():
                shape.append(int(dim))
            elif _SYMBOLIC_DIM.match(dim):
                shape.append(dim)
            else:
                raise UserError(f"'{text}': '{dim}' is no dimension; expected a size >= 0 or a name")
        return cls(tuple(shape), dtype)


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A Python kernel before it is lowered: text, argument specs and where it came from."""

    source: str  #: a module that runs alone: imports, helpers and the kernel
    function_name: str  #: the function in `source` that is the kernel
    inputs: tuple[ArraySpec, ...]
    input_names: tuple[str, ...]
    description: str = ""
    category: str = ""
    operation: str = ""  #: root template
    level: int = 0
    templates: tuple[str, ...] = ()  #: every template used, in source order, repeats included
    transforms: tuple[str, ...] = ()  #: wraps from the inside out, such as ("checkpoint", "grad")
    options: str = "[]"  #: JSON text: [["template", {"option": value}], ...], in source order
    index: int = 0
    attempt: int = 0
    seed: int = 0
    x64: bool = False  #: to be lowered with 64-bit types enabled


@dataclasses.dataclass(frozen=True)
class Rejection:
    """Why one attempt at one index was refused; counted by (stage, reason) in `stats.json`."""

    index: int
    attempt: int
    operation: str
    stage: str
    reason: str
    detail: str = ""


@dataclasses.dataclass(frozen=True)
class Sample:
    """One row of a corpus. Field names are a contract; a dialect that was not asked for is an empty string."""

    # identity
    id: str  #: content hash of source, inputs and IR (`jaxir.extractor.lower`)
    index: int  #: position in the plan
    split: str  #: train, validation or test: a function of `skeleton_hash` alone
    category: str
    operation: str  #: root template
    level: int  #: 1..5
    function_name: str
    # text
    python_source: str  #: a module that runs alone; the kernel is its `function_name`
    description: str  #: plain English
    stablehlo: str  #: equals `jax.jit(f).lower(*specs).as_text()` in a fresh process; symbolic: `jax.export`
    hlo: str
    jaxpr: str
    # signature
    signature: str  #: "softmax(logits: float32[2,3]) -> float32[2,3]"
    inputs: tuple[str, ...]  #: type strings, see `ArraySpec`
    outputs: tuple[str, ...]
    input_names: tuple[str, ...]
    # lineage
    templates: tuple[str, ...]
    transforms: tuple[str, ...]
    options: str  #: JSON text
    seed: int  #: seed of the run; with `index` and `attempt` it determines the kernel
    attempt: int  #: number of this candidate at its index, from 0; those before it were refused or skipped
    # structure
    ops: tuple[str, ...]  #: distinct op names of the StableHLO text, sorted
    op_counts: str  #: JSON text: {"stablehlo.add": 3}
    num_ops: int
    depth: int  #: longest def-use chain of ops
    python_chars: int
    ir_chars: int  #: characters of `stablehlo`
    flops: float  #: see `jaxir.extractor.facts` for the counting rules
    bytes_accessed: float
    transcendentals: float
    # uniqueness
    canonical_hash: str  #: IR up to names
    skeleton_hash: str  #: IR up to names, shapes, dtypes and constants
    behavior_hash: str  #: rounded outputs on fixed inputs
    # proof
    verified: tuple[str, ...]  #: the oracles that agreed
    input_seed: int  #: draws the inputs of `output_digest` (`jaxir.executor.inputs`)
    output_digest: str  #: sha256 of the outputs on these inputs
    max_abs_error: float | None  #: largest difference between the oracles
    # environment
    platform: str  #: what it was lowered for, comma separated
    x64: bool
    num_devices: int
    # provenance
    jax_version: str
    jaxlib_version: str
    jaxir_version: str


_STRINGS = pa.list_(pa.field("element", pa.string()))
_ARROW = {
    "str": pa.string(),
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "tuple[str, ...]": _STRINGS,
    "float | None": pa.float64(),
}

#: The one explicit schema of every shard, derived from the field types of `Sample`.
SCHEMA: pa.Schema = pa.schema([pa.field(field.name, _ARROW[str(field.type)]) for field in dataclasses.fields(Sample)])


def to_table(samples: Iterable[Sample]) -> pa.Table:
    """Rows to one Arrow table of `SCHEMA`, in the order given."""
    rows = list(samples)
    columns = {field.name: pa.array([getattr(row, field.name) for row in rows], type=field.type) for field in SCHEMA}
    return pa.table(columns, schema=SCHEMA)


def from_row(row: Mapping[str, Any]) -> Sample:
    """A row as a dict (from `to_pylist`, JSON) to a `Sample`; unknown keys are dropped, a missing one is a KeyError."""
    values: dict[str, Any] = {}
    for name in SCHEMA.names:
        values[name] = tuple(row[name]) if isinstance(row[name], list) else row[name]
    return Sample(**values)


def split_of(skeleton_hash: str) -> str:
    """The split of a program skeleton: about 90 % train, 5 % validation, 5 % test.

    A function of the skeleton alone, so that no program skeleton is ever in two splits.

    Args:
        skeleton_hash: hexadecimal text of at least 8 characters.
    """
    share = int(skeleton_hash[:8], 16) / 2**32
    if share < 0.90:
        return "train"
    return "validation" if share < 0.95 else "test"
