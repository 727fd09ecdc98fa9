"""Rewrite a module so that the StableHLO reference interpreter runs it rightly.

It updates a scatter's operand in place; an integer division by zero, an fft of 32-bit parts and a convolution whose
result does not start with the batch kill the process; it has no tokens, takes a total order for the usual one and
computes a convolution in the operands' type; and Python cannot read results of some element types. All measured on
jaxlib 0.10.2; what cannot be cured is in `jaxir.executor.limits`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo

from jaxir.executor.inputs import ELEMENT

#: Types whose arrays Python cannot take out of the interpreter, and the wider type that holds their values exactly.
_WIDER: Final = {
    "bf16": "f32",
    **dict.fromkeys(("i2", "i4"), "i8"),
    **dict.fromkeys(("ui2", "ui4"), "ui8"),
}


def _copy_scatter_operands(op: ir.Operation) -> None:
    """Feed a scatter private copies: the interpreter updates its operands in place."""
    with ir.InsertionPoint(op):
        for position in range((len(op.operands) - 1) // 2):
            operand = op.operands[position]
            op.operands[position] = stablehlo.reshape(operand.type, operand)


def _guard_division(op: ir.Operation) -> None:
    """Give x / 0 and x / -1 the values that XLA gives them: all ones and -x; remainders x and 0 (x86 would trap)."""
    result_type = ir.RankedTensorType(op.results[0].type)
    if not isinstance(result_type.element_type, ir.IntegerType):
        return
    element = result_type.element_type
    predicate = ir.RankedTensorType.get(result_type.shape, ir.IntegerType.get_signless(1))
    direction = stablehlo.ComparisonDirectionAttr.get("EQ")
    signed = not element.is_unsigned
    kind = stablehlo.ComparisonTypeAttr.get("SIGNED" if signed else "UNSIGNED")

    def filled(number: int) -> ir.Value[Any]:
        value = ir.IntegerAttr.get(element, number)
        return stablehlo.constant(ir.DenseElementsAttr.get_splat(result_type, value))

    dividend, divisor = op.operands[0], op.operands[1]
    with ir.InsertionPoint(op):
        one = filled(1)
        is_zero = stablehlo.compare(divisor, filled(0), direction, compare_type=kind, results=[predicate])
        safe = stablehlo.select(is_zero, one, divisor)
        if signed:
            is_minus_one = stablehlo.compare(divisor, filled(-1), direction, compare_type=kind, results=[predicate])
            safe = stablehlo.select(is_minus_one, one, safe)
        exact = ir.Operation.create(op.name, results=[result_type], operands=[dividend, safe]).results[0]
        if op.name == "stablehlo.divide":
            if signed:
                exact = stablehlo.select(is_minus_one, stablehlo.negate(dividend), exact)
            # Not an attribute of all ones: Python's bindings cannot make one of 64 unsigned bits.
            exact = stablehlo.select(is_zero, stablehlo.not_(filled(0)), exact)
        else:
            exact = stablehlo.select(is_zero, dividend, exact)
    op.results[0].replace_all_uses_with(exact)
    op.erase()


def _widen_fft(op: ir.Operation) -> None:
    """Let an fft of 32-bit parts, which kills the process, work in 64 bits."""

    def resized(value_type: ir.Type, old: str, new: str) -> ir.Type:
        tensor = ir.RankedTensorType(value_type)
        return ir.RankedTensorType.get(tensor.shape, ir.Type.parse(str(tensor.element_type).replace(old, new)))

    operand, result = op.operands[0], op.results[0]
    with ir.InsertionPoint(op):
        wide = stablehlo.convert(resized(operand.type, "f32", "f64"), operand)
        attributes = {name: op.attributes[name] for name in ("fft_type", "fft_length")}
        made = ir.Operation.create(
            op.name, results=[resized(result.type, "f32", "f64")], operands=[wide], attributes=attributes
        ).results[0]
        result.replace_all_uses_with(stablehlo.convert(result.type, made))
    op.erase()


def _order_totally(op: ir.Operation) -> None:
    """Compare in IEEE 754's total order, which the interpreter ignores: as integers made of the bits."""
    if "compare_type" not in op.attributes or "TOTALORDER" not in str(op.attributes["compare_type"]):
        return
    tensor = ir.RankedTensorType(op.operands[0].type)
    bits = ir.FloatType(tensor.element_type).width
    element = ir.IntegerType.get_signless(bits)
    integers_type = ir.RankedTensorType.get(tensor.shape, element)
    flags = op.results[0].type
    signed = stablehlo.ComparisonTypeAttr.get("SIGNED")

    def filled(number: int) -> ir.Value[Any]:
        value = ir.IntegerAttr.get(element, number)
        return stablehlo.constant(ir.DenseElementsAttr.get_splat(integers_type, value))

    def key(value: ir.Value[Any]) -> ir.Value[Any]:
        # Negative numbers order backwards by their bits: all but the sign is flipped.
        raw = stablehlo.bitcast_convert(integers_type, value)
        direction = stablehlo.ComparisonDirectionAttr.get("LT")
        is_negative = stablehlo.compare(raw, filled(0), direction, compare_type=signed, results=[flags])
        return stablehlo.select(is_negative, stablehlo.xor(raw, filled((1 << (bits - 1)) - 1)), raw)

    with ir.InsertionPoint(op):
        made = stablehlo.compare(
            key(op.operands[0]),
            key(op.operands[1]),
            op.attributes["comparison_direction"],
            compare_type=signed,
            results=[flags],
        )
    op.results[0].replace_all_uses_with(made)
    op.erase()


#: Ops that only order effects.
TOKEN_OPS: Final = ("stablehlo.create_token", "stablehlo.after_all")


def is_as_wide(result: str, operand: str) -> bool:
    """Whether one element type holds all values of another: the same, or more bits of its kind."""
    wide, narrow = ELEMENT.fullmatch(result), ELEMENT.fullmatch(operand)
    if result == operand or wide is None or narrow is None:
        return result == operand
    kinds = {wide[1].removeprefix("b"), narrow[1].removeprefix("b")}
    return len(kinds) == 1 and int(wide[2]) > int(narrow[2])


def _convolve(op: ir.Operation) -> None:
    _widen_operands(op)
    _batch_first(op)


def _widen_operands(op: ir.Operation) -> None:
    """Give a convolution operands of its result's element type: the interpreter computes in theirs."""
    element = ir.RankedTensorType(op.results[0].type).element_type
    with ir.InsertionPoint(op):
        for position, operand in enumerate(op.operands):
            tensor = ir.RankedTensorType(operand.type)
            if tensor.element_type != element:
                op.operands[position] = stablehlo.convert(ir.RankedTensorType.get(tensor.shape, element), operand)


def _batch_first(op: ir.Operation) -> None:
    """Let a convolution put the batch first, and transpose: another place of it in the result kills the process."""
    numbers = stablehlo.ConvDimensionNumbers(op.attributes["dimension_numbers"])
    batch = numbers.output_batch_dimension
    if batch == 0:
        return
    result = op.results[0]
    tensor = ir.RankedTensorType(result.type)
    order = [batch, *(axis for axis in range(tensor.rank) if axis != batch)]
    moved = stablehlo.ConvDimensionNumbers.get(
        numbers.input_batch_dimension,
        numbers.input_feature_dimension,
        list(numbers.input_spatial_dimensions),
        numbers.kernel_input_feature_dimension,
        numbers.kernel_output_feature_dimension,
        list(numbers.kernel_spatial_dimensions),
        0,
        order.index(numbers.output_feature_dimension),
        [order.index(axis) for axis in numbers.output_spatial_dimensions],
    )
    attributes = {name: op.attributes[name] for name in op.attributes} | {"dimension_numbers": moved}
    made_type = ir.RankedTensorType.get([tensor.shape[axis] for axis in order], tensor.element_type)
    with ir.InsertionPoint(op):
        made = ir.Operation.create(
            op.name, results=[made_type], operands=list(op.operands), attributes=attributes
        ).results[0]
        back = ir.DenseI64ArrayAttr.get([order.index(axis) for axis in range(tensor.rank)])
        result.replace_all_uses_with(stablehlo.transpose(made, back))
    op.erase()


CURES: Final[dict[str, Callable[[ir.Operation], None]]] = {
    "stablehlo.compare": _order_totally,
    "stablehlo.convolution": _convolve,
    "stablehlo.fft": _widen_fft,
    "stablehlo.scatter": _copy_scatter_operands,
    "stablehlo.divide": _guard_division,
    "stablehlo.remainder": _guard_division,
    **dict.fromkeys(TOKEN_OPS, ir.Operation.erase),
}


def widen_results(main: ir.Operation) -> None:
    """Let `main` return arrays that Python can read: wider elements, complex as real and imaginary part."""
    terminator = main.regions[0].blocks[0].operations[len(main.regions[0].blocks[0].operations) - 1].operation
    results = []
    with ir.InsertionPoint(terminator):
        for value in terminator.operands:
            tensor = ir.RankedTensorType(value.type)
            element = str(tensor.element_type)
            wider = "f32" if element.startswith(("f8", "f4")) else _WIDER.get(element)
            if element.startswith("complex"):
                results += [stablehlo.real(value), stablehlo.imag(value)]
            elif wider:
                results.append(stablehlo.convert(ir.RankedTensorType.get(tensor.shape, ir.Type.parse(wider)), value))
            else:
                results.append(value)
        ir.Operation.create("func.return", operands=results)
    terminator.erase()
    declare(main, [value.type for value in results])


def declare(main: ir.Operation, results: Sequence[ir.Type]) -> None:
    """Let the type of `main` be that of its arguments and of the results that it returns now."""
    inputs = [argument.type for argument in main.regions[0].blocks[0].arguments]
    main.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(inputs, list(results)))
    for name in ("arg_attrs", "res_attrs"):
        if name in main.attributes:
            del main.attributes[name]
