"""Structural hashes of a program: what is computed, not how it is written.

Each value gets a hash of the op that makes it, the hashes of the op's operands, its regions, attributes and result
types; a program's hash is that of what `main` returns. So names, locations, the order of independent statements,
repeated subexpressions, dead code and helper functions (a call is the callee's body) do not count, and operands of
commutative ops are sorted. Ops with side effects count even where nothing reads their results, in program order.

Two levels:

* `canonical`: up to names. Types, attributes and constants count in full.
* `skeleton`: up to names, shapes, element types and constants. Of a type the rank is kept. Of the attributes those that
  speak of axes and modes are kept (permutations, reduced dimensions, dimension numbers of dot, gather and convolution,
  direction of a comparison, the custom-call target up to its element type), those that carry sizes, element types or
  numbers are dropped: `SIZED_ATTRIBUTES`.

Not recognised as equal, on purpose: other algebra (`x + x` and `2 * x`), other operand orders of variadic ops, other
orders of loop carries.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from typing import Final, NamedTuple

from jaxir.errors import Rejected
from jaxir.extractor.dependence import EFFECTS, Dependence
from jaxir.extractor.program import Block, Op, Program, symbol

#: Elementwise ops whose two operands may be swapped (StableHLO specification; floating point addition and
#: multiplication commute, they only do not associate).
COMMUTATIVE: Final = frozenset(
    f"stablehlo.{name}" for name in ("add", "multiply", "maximum", "minimum", "and", "or", "xor")
)
#: `a > b` is hashed as `b < a`.
MIRRORED: Final = {"GT": "LT", "GE": "LE"}
#: Names and layout hints for compilers; no part of the computation.
IGNORED_ATTRIBUTES: Final = frozenset(
    {"jax.result_info", "mhlo.frontend_attributes", "sym_visibility", "sdy.sharding_rule"}
)
#: Attributes that carry sizes, element types or numbers: they do not count in a skeleton.
SIZED_ATTRIBUTES: Final = frozenset(
    {
        *("value", "properties", "start_indices", "limit_indices", "strides", "slice_sizes"),
        *("edge_padding_low", "edge_padding_high", "interior_padding", "padding"),
        *("window_dimensions", "window_strides", "base_dilations", "window_dilations"),
        *("lhs_dilation", "rhs_dilation", "feature_group_count", "batch_group_count"),
        *("fft_length", "k", "exponent_bits", "mantissa_bits", "compare_type", "algorithm"),
        *("replica_groups", "source_target_pairs", "channel_handle", "mhlo.sharding", "sdy.sharding"),
        *("epsilon", "split_count", "output_operand_aliases", "composite_attributes"),
    }
)
#: Ops looked at while calls are inlined; a program that needs more doubles at each level of its helpers.
MAX_INLINED_OPS: Final = 50_000

_COMPARE: Final = "stablehlo.compare"
#: LAPACK's names begin with the element type; the complex routines of a few say unitary or Hermitian in place of
#: orthogonal or symmetric.
_LAPACK_TYPE: Final = re.compile(r"lapack_[sdcz](?:(un|or)(?=gqr|mqr|gtr|mtr)|(he|sy)(?=ev|tr))?")
_SYMBOL: Final = re.compile(r'@(?:"([^"]*)"|([\w.$-]+))')


@dataclasses.dataclass(frozen=True)
class Structure:
    """What `structure` finds.

    Attributes:
        canonical: 32 hex digits, equal for programs that are equal up to names.
        skeleton: 32 hex digits, equal for programs that are equal up to names, shapes, element types and constants.
        depends: for each result of `main`, the positions of the arguments it depends on, in order.
        used: positions of the arguments that some result or side effect depends on, in order.
        depth: the most ops on a def-use chain from an argument to a result, through calls and regions.
    """

    canonical: str
    skeleton: str
    depends: tuple[tuple[int, ...], ...]
    used: tuple[int, ...]
    depth: int


class _Value(NamedTuple):
    """What is known of a value: two hashes, the arguments it depends on as a bit mask, the longest chain behind it."""

    canonical: str
    skeleton: str
    arguments: int
    depth: int


def _hash(*parts: str) -> str:
    # No part contains the separator: parts are hex digests and MLIR text, which escapes control characters.
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()


def _any_type(name: re.Match[str]) -> str:
    return "lapack_?" + ("or" if name[1] else "sy" if name[2] else "")


def _bits(mask: int) -> tuple[int, ...]:
    return tuple(position for position in range(mask.bit_length()) if mask >> position & 1)


class _Walk:
    """One forward walk over a program: every op once per distinct arguments of its function."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.effects: list[_Value] = []
        self.calls: dict[tuple[str, int, tuple[_Value, ...]], tuple[_Value, ...]] = {}
        self.visited = 0
        # Texts repeat: the digest of a type's or attribute's share is worked out once.
        self.full_types = [value_type.text for value_type in program.types]
        self.ranks = [str(len(value_type.dims)) for value_type in program.types]

    def argument(self, tag: str, depth: int, position: int, number: int, mask: int, chain: int) -> _Value:
        place = f"{tag} {depth} {position} "
        return _Value(_hash(place, self.full_types[number]), _hash(place, self.ranks[number]), mask, chain)

    def block(self, block: Block, env: dict[int, _Value], depth: int) -> tuple[_Value, ...]:
        for op in block.ops:
            self.visited += 1
            if self.visited > MAX_INLINED_OPS:
                raise Rejected("parse", "program too large after inlining")
            operands = tuple([env[number] for number in op.operands])
            if op.name == "func.call":
                results = self.call(symbol(op.attribute("callee")), operands, depth)
            else:
                results = tuple(self.op(op, operands, env, depth))
            env.update(zip(op.results, results, strict=True))
        return tuple([env[number] for number in block.returns])

    def call(self, callee: str, operands: tuple[_Value, ...], depth: int) -> tuple[_Value, ...]:
        key = (callee, depth, operands)
        known = self.calls.get(key)
        if known is not None:
            return known
        effects = len(self.effects)
        body = self.program.functions[callee]
        results = self.block(body, dict(zip(body.arguments, operands, strict=True)), depth)
        # Effects of a call happen each time, so such a call is walked each time.
        if len(self.effects) == effects:
            self.calls[key] = results
        return results

    def op(self, op: Op, operands: tuple[_Value, ...], env: dict[int, _Value], depth: int) -> list[_Value]:
        arguments = 0
        chain = 0
        for operand in operands:
            arguments |= operand.arguments
            chain = max(chain, operand.depth)
        full = [operand.canonical for operand in operands]
        skeleton = [operand.skeleton for operand in operands]
        attributes = {name: text for name, text in op.attributes if name not in IGNORED_ATTRIBUTES}
        if op.name in COMMUTATIVE:
            full.sort()
            skeleton.sort()
        elif op.name == _COMPARE:
            direction = attributes["comparison_direction"]
            for mirrored, kept in MIRRORED.items():
                if f" {mirrored}>" in direction:
                    attributes["comparison_direction"] = direction.replace(f" {mirrored}>", f" {kept}>")
                    full.reverse()
                    skeleton.reverse()
            if " EQ>" in direction or " NE>" in direction:
                full.sort()
                skeleton.sort()
        effects = len(self.effects)
        longest = chain
        for region in op.regions:
            # A region may read every value around it, and value numbers are unique: one table serves all.
            for position, number in enumerate(region.arguments):
                env[number] = self.argument("region", depth, position, number, arguments, chain)
            for value in self.block(region, env, depth + 1):
                full.append(value.canonical)
                skeleton.append(value.skeleton)
                arguments |= value.arguments
                longest = max(longest, value.depth)
            full.append("region")
            skeleton.append("region")
        inside = self.effects[effects:]
        del self.effects[effects:]
        for value in inside:
            full.append(value.canonical)
            skeleton.append(value.skeleton)
            arguments |= value.arguments
        for name, text in attributes.items():
            for function in self.functions_named(text):
                # The name of the function is no part of the program, its body is.
                text = _SYMBOL.sub("@", text)
                for value in self.call(function, self.parameters(function, arguments, longest, depth), depth + 1):
                    full.append(value.canonical)
                    skeleton.append(value.skeleton)
                    longest = max(longest, value.depth)
            full.append(f"{name}={text}")
            if name not in SIZED_ATTRIBUTES:
                skeleton.append(f"{name}={_LAPACK_TYPE.sub(_any_type, text)}")
        is_effect = bool(inside) or op.name in EFFECTS or attributes.get("has_side_effect") == "true"
        if is_effect:
            # The position in the program tells two executions of the same effect apart.
            place = f"effect {len(self.effects)}"
            full.append(place)
            skeleton.append(place)
        # A chain starts at an argument: what depends on none has no length.
        longest = longest + 1 if arguments else 0
        full += [self.full_types[number] for number in op.results]
        skeleton += [self.ranks[number] for number in op.results]
        canonical, shape = _hash(op.name, *full), _hash(op.name, *skeleton)
        if is_effect:
            self.effects.append(_Value(canonical, shape, arguments, longest))
        if len(op.results) == 1:
            return [_Value(canonical, shape, arguments, longest)]
        return [
            _Value(_hash(canonical, str(position)), _hash(shape, str(position)), arguments, longest)
            for position in range(len(op.results))
        ]

    def functions_named(self, text: str) -> list[str]:
        """Functions that an attribute refers to: the body of a composite, the computation of a custom call."""
        if "@" not in text:
            return []
        names = [quoted or plain for quoted, plain in _SYMBOL.findall(text)]
        return [name for name in names if name in self.program.functions]

    def parameters(self, function: str, arguments: int, chain: int, depth: int) -> tuple[_Value, ...]:
        return tuple(
            self.argument("parameter", depth, position, number, arguments, chain)
            for position, number in enumerate(self.program.functions[function].arguments)
        )


def structure(program: Program) -> Structure:
    """Hashes, dependencies and depth of a program; positions do not count arguments that JAX added.

    Time is linear in the number of ops after inlining, where a call with the same arguments is looked at once.

    Raises:
        Rejected: stage `parse` where inlining exceeds `MAX_INLINED_OPS` or calls nest too deeply.
    """
    walk = _Walk(program)
    main = program.main
    env: dict[int, _Value] = {}
    position = 0
    for place, number in enumerate(main.arguments):
        if place in program.implicit:
            env[number] = walk.argument("implicit", 0, place, number, 0, 0)
        else:
            env[number] = walk.argument("argument", 0, position, number, 1 << position, 0)
            position += 1
    signature = [env[number] for number in main.arguments]
    try:
        results = walk.block(main, env, 0)
        dependence = Dependence(program)
        masks = dependence.of_results([value.arguments for value in signature])
    except RecursionError:
        raise Rejected("parse", "nested too deeply") from None
    roots = [*results, *walk.effects]
    used = dependence.effects
    for mask in masks:
        used |= mask
    return Structure(
        canonical=_hash("program", *[v.canonical for v in signature], "returns", *[v.canonical for v in roots]),
        skeleton=_hash("program", *[v.skeleton for v in signature], "returns", *[v.skeleton for v in roots]),
        depends=tuple(map(_bits, masks)),
        used=_bits(used),
        depth=max((value.depth for value in roots), default=0),
    )
