"""A StableHLO module as plain Python: parsed and verified once, walked once, read by everything else.

`parse` turns IR text into a `Program`: functions, blocks and ops with value numbers, types and attribute texts. Hashes
(`jaxir.extractor.canonical`), figures (`jaxir.extractor.facts`) and the oracles work on it and never parse again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, Final

from jax.interpreters import mlir
from jaxlib.mlir import ir

from jaxir.errors import Rejected

#: Constants live as long as their MLIR context, so a context is replaced after this many modules.
MODULES_PER_CONTEXT: Final = 1000

#: Ops that end a block or hold the program together; they are no part of what is computed.
STRUCTURE: Final = frozenset(("func.func", "func.return", "func.call", "stablehlo.return", "sdy.return"))


@dataclasses.dataclass(frozen=True, slots=True)
class TensorType:
    """Type of a value: element type in MLIR's spelling (`f32`, `complex<f32>`, `i1`) and dims; -1 is a dynamic dim."""

    text: str
    element: str
    dims: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of elements; a dynamic dim counts as one."""
        count = 1
        for dim in self.dims:
            count *= dim if dim >= 0 else 1
        return count


@dataclasses.dataclass(frozen=True, slots=True)
class Op:
    """One op: operand and result value numbers, attribute texts by name, regions (each of one block)."""

    name: str
    operands: tuple[int, ...]
    results: tuple[int, ...]
    attributes: tuple[tuple[str, str], ...]
    regions: tuple[Block, ...]

    def attribute(self, name: str) -> str:
        """Text of an attribute, or "" where the op has none of that name."""
        return next((text for key, text in self.attributes if key == name), "")


@dataclasses.dataclass(frozen=True, slots=True)
class Block:
    """Arguments, ops in order without the terminator, and the values that the terminator hands out."""

    arguments: tuple[int, ...]
    ops: tuple[Op, ...]
    returns: tuple[int, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Program:
    """A parsed and verified module.

    Attributes:
        module: the MLIR module; it keeps its context alive.
        functions: body of each function by name as `symbol` gives it, in file order; the entry is `main`.
        types: type of each value, by value number.
        implicit: positions of `main`'s arguments that JAX added, such as the index of the platform.
        num_devices: devices that the module is for: its partitions.
    """

    module: Any
    functions: dict[str, Block]
    types: tuple[TensorType, ...]
    implicit: tuple[int, ...]
    num_devices: int = 1

    @property
    def main(self) -> Block:
        return self.functions["main"]

    def ops(self) -> Iterator[Op]:
        """Every op of the text once, nested ones included, in file order; `STRUCTURE` left out."""
        pending = list(reversed(self.functions.values()))
        while pending:
            block = pending.pop()
            for op in block.ops:
                if op.name not in STRUCTURE:
                    yield op
                pending.extend(op.regions)


class _Context:
    """An MLIR context with the Python views of its types and attributes: both are unique and immortal inside it."""

    def __init__(self) -> None:
        self.mlir = mlir.make_ir_context()
        self.mlir.enable_multithreading(False)
        self.uses = 0
        self.types: dict[ir.Type, TensorType] = {}
        self.attributes: dict[ir.Attribute, str] = {}

    def type_of(self, value: ir.Value[Any]) -> TensorType:
        key = value.type
        found = self.types.get(key)
        if found is None:
            if isinstance(key, ir.RankedTensorType):
                dims = tuple(-1 if key.is_dynamic_dim(axis) else key.get_dim_size(axis) for axis in range(key.rank))
                found = TensorType(str(key), str(key.element_type), dims)
            else:
                found = TensorType(str(key), str(key), ())
            self.types[key] = found
        return found

    def attributes_of(self, op: ir.Operation) -> tuple[tuple[str, str], ...]:
        texts = self.attributes
        pairs = []
        try:
            for name, attribute in op.attributes.items():
                text = texts.get(attribute)
                if text is None:
                    text = texts[attribute] = str(attribute)
                pairs.append((name, text))
        except TypeError:
            # The bindings cannot cast dense complex attributes; the op's own text holds them between `<{` and `}>`.
            printed = str(op.get_asm(print_generic_op_form=True, use_local_scope=True))
            return (("properties", printed[printed.index("<{") : printed.index("}>") + 2]),)
        return tuple(sorted(pairs))


class _Reader:
    """One walk over one module."""

    def __init__(self, context: _Context) -> None:
        self.context = context
        self.numbers: dict[ir.Value[Any], int] = {}
        self.types: list[TensorType] = []

    def define(self, value: ir.Value[Any]) -> int:
        number = self.numbers[value] = len(self.types)
        self.types.append(self.context.type_of(value))
        return number

    def block(self, region: ir.Region) -> Block:
        blocks = list(region.blocks)
        if len(blocks) != 1:
            raise Rejected("parse", "region without exactly one block")
        arguments = tuple(self.define(argument) for argument in blocks[0].arguments)
        ops = []
        operands: tuple[int, ...] = ()
        for view in blocks[0].operations:
            op = view.operation
            operands = tuple(self.numbers[operand] for operand in op.operands)
            attributes = self.context.attributes_of(op)
            regions = tuple(self.block(region) for region in op.regions)
            results = tuple(self.define(result) for result in op.results)
            ops.append(Op(op.name, operands, results, attributes, regions))
        if not ops or ops[-1].name not in STRUCTURE:
            raise Rejected("parse", "block without a terminator")
        return Block(arguments, tuple(ops[:-1]), operands)


def symbol(text: str) -> str:
    """The name in the text of a symbol attribute: `f` of `@f`, `a b` of `@"a b"`; what MLIR escapes stays escaped."""
    return text.removeprefix("@").strip('"')


_current: _Context | None = None


def _context() -> _Context:
    global _current
    if _current is None or _current.uses >= MODULES_PER_CONTEXT:
        _current = _Context()
    _current.uses += 1
    return _current


def parse(text: str) -> Program:
    """Parse and verify StableHLO text.

    The MLIR context is shared by calls (its multithreading is off) and replaced now and then, so this is cheap.

    Raises:
        Rejected: stage `parse` where the text is no valid module, has no function `main`, nests too deeply, or refers
            to data outside of the text.
    """
    if "dense_resource" in text:
        raise Rejected("parse", "data outside of the text", "dense_resource")
    context = _context()
    with context.mlir, ir.Location.unknown():
        try:
            module = ir.Module.parse(text)
        except ir.MLIRError as error:
            raise Rejected("parse", "MLIRError", " ".join(str(error).split())) from None
        # `Module.parse` runs the verifier; asking again is cheap and does not rely on that.
        if not module.operation.verify():
            raise Rejected("parse", "does not verify")
        named = module.operation.attributes
        count = ir.IntegerAttr(named["mhlo.num_partitions"]).value if "mhlo.num_partitions" in named else 1
        reader = _Reader(context)
        functions: dict[str, Block] = {}
        implicit: tuple[int, ...] = ()
        for view in module.body.operations:
            op = view.operation
            if op.name != "func.func":
                if op.name.startswith("sdy."):  # mesh declarations: sharding, not computation
                    continue
                raise Rejected("parse", "unknown top-level op", op.name)
            # As calls print it: MLIR escapes quotes, backslashes and whatever is not ASCII.
            name = symbol(str(ir.FlatSymbolRefAttr.get(ir.StringAttr(op.attributes["sym_name"]).value)))
            try:
                functions[name] = reader.block(op.regions[0])
            except RecursionError:
                raise Rejected("parse", "nested too deeply") from None
            if name == "main" and "arg_attrs" in op.attributes:
                implicit = tuple(
                    position
                    for position, attributes in enumerate(ir.ArrayAttr(op.attributes["arg_attrs"]))
                    if "jax.global_constant" in ir.DictAttr(attributes)
                )
    if "main" not in functions:
        raise Rejected("parse", "no function main")
    return Program(module, functions, tuple(reader.types), implicit, count)
