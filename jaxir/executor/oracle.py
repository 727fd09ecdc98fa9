"""Run a kernel's IR: the StableHLO reference interpreter where it can be trusted, else a compiled executable.

The interpreter needs no compilation (about 0.3 ms where a compile takes 25 ms), and it is a second implementation, not
the compiler that JAX uses. What it cannot do, or does wrong, is data: `LIMITS`. Some faults are cured in the module
before it runs (`_CURES`): it updates a scatter's operand in place, an integer division by zero and an fft of 32-bit
parts kill the process, it takes a total order for the usual one, and Python cannot read results of some element types.

Foreign IR may kill or hang a process in either oracle: run it in a worker process that may die, with a deadline.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Final

import jax
import numpy as np
import numpy.typing as npt
from jax.interpreters import mlir
from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo
from jaxlib.mlir.passmanager import PassManager

from jaxir.errors import Rejected
from jaxir.executor.inputs import DISTRIBUTIONS, draw, numpy_dtype
from jaxir.extractor.facts import Costs, integers
from jaxir.extractor.lower import Extraction, Lowering
from jaxir.extractor.program import Op, Program, TensorType
from jaxir.sample import ArraySpec

Array = npt.NDArray[Any]

stablehlo.register_stablehlo_passes()


@dataclasses.dataclass(frozen=True)
class Limit:
    """An op that the interpreter (of jaxlib 0.10.2) must not see.

    Attributes:
        op: name of the op; a trailing `*` stands for any rest.
        reason: what would happen.
        when: whether it would, from the types of operands and results; by default always.
    """

    op: str
    reason: str
    when: Callable[[list[TensorType], list[TensorType]], bool] = lambda operands, results: True

    def concerns(self, name: str) -> bool:
        return name.startswith(self.op[:-1]) if self.op.endswith("*") else name == self.op


def _is_odd_real(result: TensorType) -> bool:
    return not result.element.startswith("complex") and result.dims[-1] % 2 == 1


LIMITS: Final = (
    Limit("stablehlo.custom_call", "kills the process"),
    Limit("sdy.*", "kills the process"),
    Limit("stablehlo.rng_bit_generator", "kills the process"),
    Limit("stablehlo.rng", "draws from another generator"),
    Limit("stablehlo.fft", "wrong for irfft of an odd length", lambda _, results: _is_odd_real(results[0])),
    Limit(
        "stablehlo.convolution",
        "ignores a result type wider than the operands'",
        lambda operands, results: operands[0].element != results[0].element,
    ),
    Limit("stablehlo.composite", "not implemented"),
    Limit("stablehlo.infeed", "needs a host"),
    Limit("stablehlo.outfeed", "needs a host"),
    Limit("stablehlo.send", "needs a host"),
    Limit("stablehlo.recv", "needs a host"),
    Limit("stablehlo.all_*", "needs several devices"),
    Limit("stablehlo.collective_*", "needs several devices"),
    Limit("stablehlo.reduce_scatter", "needs several devices"),
    Limit("stablehlo.replica_id", "needs several devices"),
    Limit("stablehlo.partition_id", "needs several devices"),
)
#: Element types that the interpreter must not see, with what would happen.
ELEMENT_LIMITS: Final = {"f8E8M0FNU": "wrong for f8E8M0", "!stablehlo.token": "has no tokens"}

#: Work (flops, transcendentals and 8-byte accesses) that takes the interpreter as long as a compile takes, for an empty
#: program and for each op more: measured, three runs cost 1.5 us a unit, a compile 30 ms and 1.3 ms an op.
WORK_PER_COMPILE: Final = 20_000.0
WORK_PER_COMPILED_OP: Final = 800.0
#: Turns assumed for a loop whose condition compares with no constant.
UNKNOWN_TURNS: Final = 20.0

#: Types whose arrays Python cannot take out of the interpreter, and the wider type that holds their values exactly.
_WIDER: Final = {
    "bf16": "f32",
    **dict.fromkeys(("i2", "i4"), "i8"),
    **dict.fromkeys(("ui2", "ui4"), "ui8"),
}


@functools.cache
def _limits_of(name: str) -> tuple[Limit, ...]:
    return tuple(limit for limit in LIMITS if limit.concerns(name))


def _turns(loop: Op) -> float:
    """How often a loop runs, guessed from the largest integer constant in its condition."""
    values = [integers(op.attribute("value")) for op in loop.regions[0].ops if op.name == "stablehlo.constant"]
    return float(max((value[0] for value in values if len(value) == 1 and value[0] > 0), default=UNKNOWN_TURNS))


def limit_of(program: Program) -> str:
    """Why the interpreter cannot run this program, or "" where it can."""
    types = program.types
    if program.implicit:
        return "several platforms"
    for element in sorted({value_type.element for value_type in types} & ELEMENT_LIMITS.keys()):
        return ELEMENT_LIMITS[element]
    ops = list(program.ops())
    for op in ops:
        for limit in _limits_of(op.name):
            if limit.when([types[number] for number in op.operands], [types[number] for number in op.results]):
                return f"{op.name}: {limit.reason}"
    cost = Costs(program, _turns).function("main")
    work = cost.flops + cost.transcendentals + cost.bytes_accessed / 8
    return "takes too long" if work > WORK_PER_COMPILE + WORK_PER_COMPILED_OP * len(ops) else ""


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
        ones = (1 << element.width) - 1
        exact = ir.Operation.create(op.name, results=[result_type], operands=[dividend, safe]).results[0]
        if op.name == "stablehlo.divide":
            if signed:
                exact = stablehlo.select(is_minus_one, stablehlo.negate(dividend), exact)
            exact = stablehlo.select(is_zero, filled(-1 if signed else ones), exact)
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


_CURES: Final[dict[str, Callable[[ir.Operation], None]]] = {
    "stablehlo.compare": _order_totally,
    "stablehlo.fft": _widen_fft,
    "stablehlo.scatter": _copy_scatter_operands,
    "stablehlo.divide": _guard_division,
    "stablehlo.remainder": _guard_division,
}


def _widen_results(main: ir.Operation) -> None:
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
    inputs = [argument.type for argument in main.regions[0].blocks[0].arguments]
    main.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(inputs, [value.type for value in results]))
    if "res_attrs" in main.attributes:
        del main.attributes["res_attrs"]


def _constant(array: Array) -> ir.Attribute:
    contiguous: Any = np.ascontiguousarray(array)
    return ir.DenseElementsAttr.get(contiguous, type=mlir.dtype_to_ir_type(array.dtype), shape=array.shape)


class Interpreter:
    """The StableHLO reference interpreter on one program. It takes the program's module over and changes it."""

    def __init__(self, program: Program, outputs: Sequence[ArraySpec]) -> None:
        self.module = program.module
        self.outputs = tuple(outputs)
        names = {op.name for op in program.ops()}
        with self.module.context, ir.Location.unknown():
            if any(name.startswith("chlo.") for name in names):
                passes = PassManager.parse("builtin.module(func.func(chlo-legalize-to-stablehlo))")
                passes.run(self.module.operation)
                names |= _CURES.keys()  # an expansion may hold any op
            if names & _CURES.keys():
                found: list[ir.Operation] = []

                def collect(op: ir.Operation) -> ir.WalkResult:
                    if op.name in _CURES:
                        found.append(op)
                    return ir.WalkResult.ADVANCE

                self.module.operation.walk(collect)
                for op in found:
                    _CURES[op.name](op)
            functions = {ir.StringAttr(view.operation.attributes["sym_name"]).value: view for view in self.module.body}
            _widen_results(functions["main"].operation)
            if not self.module.operation.verify():
                raise Rejected("run", "prepared module does not verify")

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """Run on arrays of the argument types; results have the types of `outputs`."""
        with self.module.context, ir.Location.unknown():
            attributes = [_constant(array) for array in inputs]
            raw = iter([np.array(result) for result in stablehlo.eval_module(self.module, attributes)])
        results = []
        for spec in self.outputs:
            array = next(raw)
            if spec.dtype.startswith("complex"):
                array = array + 1j * next(raw)
            results.append(array.astype(numpy_dtype(spec.dtype)))
        return results


class Compiled:
    """An executable for the device at hand, compiled with few optimisations."""

    def __init__(self, lowering: Lowering) -> None:
        here = lowering.platforms == ("cpu",) == (jax.default_backend(),)
        lowered = lowering.lowered if here else lowering.traced.lower()
        options = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
        self.executable = lowered.compile(compiler_options=options)

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """Run on arrays of the argument types; results are flat."""
        return [np.asarray(leaf) for leaf in jax.tree.leaves(self.executable(*inputs))]


def oracle_for(extraction: Extraction) -> Interpreter | Compiled:
    """The interpreter where no limit speaks against it, else a compiled executable.

    Raises:
        Rejected: stage `run`, with the type of the exception.
    """
    try:
        if limit_of(extraction.program):
            return Compiled(extraction.lowering)
        return Interpreter(extraction.program, extraction.lowering.outputs)
    except Rejected:
        raise
    except Exception as error:
        raise Rejected("run", type(error).__name__, str(error)) from error


@dataclasses.dataclass(frozen=True)
class Observation:
    """What running a kernel showed.

    Attributes:
        input_seed: draws the inputs of `output_digest` (`jaxir.executor.inputs.draw`).
        output_digest: sha256 of the outputs on these inputs, see `digest`.
        behavior_hash: 32 hex digits of the rounded outputs on inputs that only depend on the argument types.
    """

    input_seed: int
    output_digest: str
    behavior_hash: str


#: Inputs that every kernel of the same argument types sees: positive ones above 1 and ones around 0, so that neither
#: rectifiers nor functions with a limited domain all look alike.
BEHAVIOR_SEEDS: Final = (4_000_000_001, 4_000_000_003)
#: Distributions in the order in which they are tried: both signs first, they show most.
_ORDER: Final = (2, 3, 0, 1)
#: Below this share of an array's largest magnitude a value is rounding noise.
_NOISE: Final = 1e-5


def digest(outputs: Sequence[Array]) -> str:
    """sha256 of arrays: element type, shape and bytes of each."""
    total = hashlib.sha256()
    for array in outputs:
        total.update(f"{array.dtype}[{','.join(map(str, array.shape))}]\n".encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


#: 1e-307 to 1e308 as literals: NumPy's `power` may differ in the last bit between processors, and ties would flip.
_POWERS: Final = np.array([float(f"1e{exponent}") for exponent in range(-307, 309)])


def _rounded(array: Array) -> bytes:
    """An array to three significant digits: integers times powers of ten; one zero, one NaN."""
    if array.dtype == np.bool_ or array.dtype.kind in "iu":
        return array.tobytes()
    if array.dtype.kind == "c":
        return _rounded(array.real) + _rounded(array.imag)
    values = array.astype(np.float64)
    finite = np.isfinite(values)
    magnitude = np.where(finite, np.abs(values), 0.0)
    floor = _NOISE * float(magnitude.max(initial=0.0))
    kept = magnitude > max(floor, np.finfo(np.float64).tiny)
    exponent = np.floor(np.log10(np.where(kept, magnitude, 1.0)))
    scale = _POWERS[np.clip(exponent - 2, -307, 308).astype(np.int64) + 307]
    digits = np.rint(np.where(kept, values, 0.0) / scale)
    overflow = np.abs(digits) >= 1000
    digits, exponent = np.where(overflow, digits / 10, digits), np.where(overflow, exponent + 1, exponent)
    special = np.where(np.isnan(values), 1, np.where(finite, 0, np.where(values > 0, 2, 3)))
    exponent = np.where(kept, exponent, 0)
    return np.stack([digits, exponent, special]).astype(np.int64).tobytes()


def behavior(runs: Sequence[Sequence[Array]]) -> str:
    """32 hex digits of the outputs of several runs, rounded to three significant digits."""
    total = hashlib.blake2b(digest_size=16)
    for outputs in runs:
        for array in outputs:
            total.update(f"{array.dtype}[{','.join(map(str, array.shape))}]\n".encode())
            total.update(_rounded(array))
    return total.hexdigest()


def _is_finite(array: Array) -> bool:
    if array.dtype == np.bool_ or array.dtype.kind in "iu":
        return True
    return bool(np.isfinite(array if array.dtype.kind in "fc" else array.astype(np.float32)).all())


def _is_constant(array: Array) -> bool:
    """More than one element, all equal; a boolean array may well be that."""
    return array.dtype != np.bool_ and array.size > 1 and bool((array == array.flat[0]).all())


def _is_frozen(outputs: Sequence[Array], probes: Sequence[Sequence[Array]]) -> bool:
    """Whether all outputs, or one of them with several elements, are the same whatever the inputs were."""
    same = [all(digest([probe[place]]) == digest([array]) for probe in probes) for place, array in enumerate(outputs)]
    alone = (array.dtype != np.bool_ and array.size > 1 for array in outputs)
    return all(same) or any(still and counts for still, counts in zip(same, alone, strict=True))


def observe(extraction: Extraction) -> Observation:
    """Admission rule 5: find inputs on which all outputs are finite and none is constant.

    Tried are four seeds made of the sample's id, one of each distribution. The outputs also have to differ from those
    on the behaviour inputs: a kernel that gives the same whatever it gets is constant.

    Raises:
        Rejected: stage `run`: `non-finite output`, `constant output`, or the type of an exception.
    """
    oracle = oracle_for(extraction)
    specs = extraction.lowering.inputs
    base = int(extraction.sample.id[:8], 16) * len(DISTRIBUTIONS)
    try:
        probes = [oracle.run(draw(specs, seed)) for seed in BEHAVIOR_SEEDS]
        fault = ""
        for position in _ORDER:
            outputs = oracle.run(draw(specs, base + position))
            if not all(map(_is_finite, outputs)):
                fault = fault or "non-finite output"
                continue
            exact = digest(outputs)
            if any(map(_is_constant, outputs)) or _is_frozen(outputs, probes):
                fault = fault or "constant output"
                continue
            return Observation(base + position, exact, behavior(probes))
    except Exception as error:
        raise Rejected("run", type(error).__name__, str(error)) from error
    raise Rejected("run", fault)
