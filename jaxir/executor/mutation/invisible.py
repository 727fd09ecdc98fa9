"""What no result of a program can show: changes that the next ops of a module hide.

These are the rules by which `edits.py` leaves mutants unmade that would compute the same by construction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from jaxlib.mlir import ir

#: Results of these do not change with the sign of their operand.
_EVEN: Final = frozenset(("stablehlo.abs", "stablehlo.cosine", "chlo.cosh", "chlo.square"))
#: These hand a sign on as it is: to their result, whichever operand has it.
_SIGN_KEEPING: Final = frozenset(
    f"stablehlo.{name}"
    for name in ("negate", "reshape", "transpose", "broadcast_in_dim", "slice", "reverse", "multiply", "divide")
)
#: A dense attribute of one number.
DENSE: Final = re.compile(r"^dense<([^\[\]\"<>]*)> : tensor<.*>$")


def literal(constant: ir.Operation) -> str:
    """Text of a constant's value; "" where the bindings have none."""
    try:
        return str(constant.attributes["value"])
    except TypeError:  # the bindings cannot cast dense complex attributes
        return ""


def splat(value: Any) -> str:
    """Text of the number that a value is a constant of, also behind a broadcast; "" where it is none."""
    owner = value.owner
    while isinstance(owner, ir.Operation | ir.OpView) and owner.operation.name == "stablehlo.broadcast_in_dim":
        owner = owner.operation.operands[0].owner
    if isinstance(owner, ir.Operation | ir.OpView) and owner.operation.name == "stablehlo.constant":
        match = DENSE.match(literal(owner.operation))
        return match[1] if match else ""
    return ""


def number_of(text: str) -> float | None:
    """A real number as MLIR prints it; None for complex numbers, booleans, bit patterns of infinities and NaN."""
    try:
        return None if text.startswith("0x") else float(text)
    except ValueError:
        return None


def sign_is_invisible(value: Any) -> bool:
    """Whether every use of a value computes the same from its negative, as far as the next ops show."""
    uses = list(value.uses)
    for use in uses:
        user = use.owner.operation
        if user.name in _EVEN:
            continue
        if user.name == "stablehlo.multiply" and user.operands[0] == user.operands[1]:
            continue
        if user.name in _SIGN_KEEPING and sign_is_invisible(user.results[0]):
            continue
        return False
    return bool(uses)


def _uses(value: Any) -> Iterator[Any]:
    """Uses of a value, those of its broadcasts instead of the broadcasts."""
    for use in value.uses:
        user = use.owner.operation
        if user.name == "stablehlo.broadcast_in_dim":
            yield from _uses(user.results[0])
        else:
            yield use


def _ignores(use: Any) -> bool:
    """Whether a use of a constant hides a small change of it."""
    user, position = use.owner.operation, use.operand_number
    if user.name == "stablehlo.add" and counts_from_the_end(user):
        return True
    if user.name in ("stablehlo.dynamic_slice", "stablehlo.dynamic_update_slice"):
        # A start index where the slice is as long as the dim: any index is clamped to 0.
        first = 1 if user.name == "stablehlo.dynamic_slice" else 2
        piece = user.results[0] if first == 1 else user.operands[1]
        axis = position - first
        shapes = (ir.RankedTensorType(value.type).shape for value in (user.operands[0], piece))
        return axis >= 0 and len({shape[axis] for shape in shapes}) == 1
    if user.name == "stablehlo.reduce" and position >= len(user.operands) // 2:
        # The start of a maximum or minimum is a bound that its terms are beyond.
        names = {view.operation.name for view in user.regions[0].blocks[0].operations}
        return bool(names & {"stablehlo.maximum", "stablehlo.minimum"})
    if user.name == "stablehlo.while":
        # A buffer that the turns of the loop fill.
        inside = list(user.regions[1].blocks[0].arguments[position].uses)
        return bool(inside) and all(_fills(one) for one in inside)
    return False


def _fills(use: Any) -> bool:
    user = use.owner.operation
    if user.name == "func.call":
        return "dynamic_update" in str(user.attributes["callee"]) and bool(use.operand_number == 0)
    return user.name == "stablehlo.dynamic_update_slice" and bool(use.operand_number == 0)


def counts_from_the_end(add: ir.Operation) -> bool:
    """Whether a sum is what JAX makes of a negative index, `select(i < 0, i + size, i)`; kernels hardly have any."""
    index = add.operands[0]

    def is_for_negatives(use: Any) -> bool:
        user = use.owner.operation
        if user.name != "stablehlo.select" or user.operands[2] != index:
            return False
        test = user.operands[0].owner
        return (
            isinstance(test, ir.Operation | ir.OpView)
            and test.operation.name == "stablehlo.compare"
            and test.operation.operands[0] == index
            and splat(test.operation.operands[1]) == "0"
        )

    uses = list(add.results[0].uses)
    return bool(uses) and all(map(is_for_negatives, uses))


def _selects(user: ir.Operation, value: Any) -> bool:
    """Whether an op selects between `value` and another one."""
    return user.name == "stablehlo.select" and value in (user.operands[1], user.operands[2])


def is_symmetric(dot: ir.Operation) -> bool:
    """Whether a product sums over all but the batch dims of its operands, along the same dims of both."""
    batch_and_sums = re.findall(
        r"_(?:batching|contracting)_dimensions = \[([^\]]*)\]", str(dot.attributes["dot_dimension_numbers"])
    )
    left, right = batch_and_sums[0::2], batch_and_sums[1::2]
    free = ir.RankedTensorType(dot.operands[0].type).rank - sum(len(dims.split(",")) for dims in left)
    return left == right and free == 0


def constant_is_invisible(constant: ir.Operation) -> bool:
    """Whether every use of a constant hides a small change of it."""
    return all(_ignores(use) for use in _uses(constant.results[0]))


def is_selected_against(op: ir.Operation) -> bool:
    """Whether every use of an op's result selects between it and the op's first operand."""
    return all(_selects(use.owner.operation, op.operands[0]) for use in op.results[0].uses)
