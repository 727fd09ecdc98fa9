"""IR read as text, held against the MLIR bindings and against real lowerings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax import lax
from jax.extend.mlir import ir as mlir_ir
from jax.interpreters import mlir

from jaxir.analysis.irtext import (
    STRUCTURE,
    bigrams,
    canonical_text,
    dialect_of,
    op_type_pairs,
    ops,
    scan,
    skeleton_text,
)

M = jax.ShapeDtypeStruct((4, 4), "float32")
V = jax.ShapeDtypeStruct((5,), "float32")
I = jax.ShapeDtypeStruct((6,), "int32")  # noqa: E741  the mathematician's name beside M and V
C = jax.ShapeDtypeStruct((4,), "complex64")
H = jax.ShapeDtypeStruct((3,), "bfloat16")
U = jax.ShapeDtypeStruct((7,), "uint8")
B = jax.ShapeDtypeStruct((5,), "bool")
S = jax.ShapeDtypeStruct((), "int32")


def _scan(x: Any) -> Any:
    return lax.scan(lambda c, t: (jnp.sin(c) + t, jnp.dot(c, t)), x[0], x)


def _switch(i: Any, x: Any) -> Any:
    return lax.switch(i, [jnp.sin, lambda a: jnp.sort(a), lambda a: a @ a], x)


def _while(x: Any) -> Any:
    return lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * 2), (0, x))


#: (function, arguments): about 60 programs that reach every printed form JAX uses.
PROGRAMS: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
    *((f, (V,)) for f in (jnp.sin, jnp.exp, jnp.tanh, jnp.arcsinh, lax.erf_inv, lax.lgamma, jnp.sign, jnp.round)),
    *((f, (M,)) for f in (jnp.sum, jnp.prod, jnp.argmax, jnp.sort, jnp.cumsum, jnp.linalg.det, jnp.linalg.cholesky)),
    *((f, (M,)) for f in (jnp.linalg.qr, jnp.linalg.svd, jnp.fft.fft2, jnp.transpose, jnp.ravel, jnp.std, jnp.median)),
    *((f, (I,)) for f in (lax.population_count, lax.clz, jnp.cumprod, jnp.flip)),
    *((f, (I,)) for f in (lambda x: jnp.bincount(x, length=4), lambda x: jnp.unique_counts(x, size=3))),
    *((f, (C,)) for f in (jnp.real, jnp.imag, jnp.abs, jnp.conj, jnp.angle, jnp.sqrt, jnp.fft.ifft)),
    *((f, (H,)) for f in (jnp.square, jax.nn.gelu, jax.nn.softmax, jnp.isfinite, jnp.max)),
    *((f, (U,)) for f in (jnp.invert, lambda x: x << 2, jnp.min, jnp.bitwise_count, lambda x: x // 3)),
    *((f, (B,)) for f in (jnp.any, jnp.logical_not, lambda b: jnp.where(b, 1.0, 2.0))),
    (lambda b: jnp.nonzero(b, size=2), (B,)),
    (lambda x, y: jnp.where(x > y, x, y), (V, V)),
    (lambda x, y: lax.complex(x, y), (V, V)),
    (lambda b, x, y: lax.select(b, x, y), (B, B, B)),
    (lambda x: lax.top_k(x, 2), (V,)),
    (lambda x: lax.reduce(x, 1.0, lambda a, b: a * b + 1, (0,)), (M,)),
    (lambda x: lax.reduce_window(x, 0.0, lax.add, (2, 2), (1, 1), "VALID"), (M,)),
    (lambda x: lax.conv(x[None, None], x[None, None], (1, 1), "SAME"), (M,)),
    (lambda x, i: x.at[i].set(0.0), (V, S)),
    (lambda x, i: x.at[i].add(x[0], mode="drop"), (V, I)),
    (lambda x, i: x[i], (M, I)),
    (lambda x, i: lax.dynamic_update_slice(x, x[:1], (i,)), (V, S)),
    (lambda x: jnp.pad(x, 1), (M,)),
    (lambda x: lax.clamp(0.0, x, 1.0), (V,)),
    (lambda x: x.astype(jnp.float16).astype(jnp.int8), (V,)),
    (lambda x: lax.bitcast_convert_type(x, jnp.uint32), (V,)),
    (lambda x: lax.reduce_precision(x, 5, 10), (V,)),
    (lambda x: lax.optimization_barrier((x, x + 1)), (V,)),
    (lambda x: jax.random.uniform(jax.random.key(0), (3,)) + x[:3], (V,)),
    (lambda x: jnp.array([[1, 2], [3, 4]]) * x[0], (I,)),
    (lambda: jnp.arange(5), ()),
    (lambda x: jax.checkpoint(jnp.sin)(x), (V,)),
    (jax.grad(lambda x: jnp.sum(jax.nn.relu(x) ** 3)), (V,)),
    (jax.vmap(jnp.dot), (M, M)),
    (lambda x: jnp.linalg.solve(x, x[0]), (M,)),
    (_scan, (M,)),
    (_switch, (S, M)),
    (_while, (V,)),
]
TEXTS = [jax.jit(f).lower(*specs).as_text() for f, specs in PROGRAMS]


def walk(text: str) -> tuple[Counter[str], set[tuple[str, str]], Counter[tuple[str, str]]]:
    """Ops, pairs and bigrams from the parsed module: what the text scan must find."""
    found: Counter[str] = Counter()
    pairs: set[tuple[str, str]] = set()
    edges: Counter[tuple[str, str]] = Counter()

    def element(value: Any) -> str:
        return str(value.type.element_type) if hasattr(value.type, "element_type") else str(value.type)

    def visit(op: Any) -> Any:
        name = op.operation.name
        if name in STRUCTURE:
            return mlir_ir.WalkResult.ADVANCE
        found[name] += 1
        if name == "stablehlo.return":
            return mlir_ir.WalkResult.ADVANCE
        operands, results = list(op.operation.operands), list(op.operation.results)
        values = operands[1:2] if name == "stablehlo.select" else operands or results
        if values:
            pairs.add((name, element(values[0])))
        for operand in operands:
            owner = operand.owner
            if not isinstance(owner, mlir_ir.Block) and owner.name not in STRUCTURE:
                edges[owner.name, name] += 1
        return mlir_ir.WalkResult.ADVANCE

    with mlir.make_ir_context():
        mlir_ir.Module.parse(text).operation.walk(visit)
    return found, pairs, edges


def generic_form(text: str) -> str:
    with mlir.make_ir_context():
        return str(mlir_ir.Module.parse(text).operation.get_asm(print_generic_op_form=True))


def test_there_are_enough_programs_and_printed_forms() -> None:
    everything = "\n".join(TEXTS)
    assert len(TEXTS) >= 60
    for form in ("applies stablehlo.", " reducer(", '"stablehlo.case"', "stablehlo.while(", "custom_call @", "chlo."):
        assert form in everything


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_the_text_scan_agrees_with_the_parsed_module(number: int) -> None:
    text = TEXTS[number]
    found, pairs, edges = walk(text)
    assert Counter(ops(text)) == found
    assert op_type_pairs(text) == pairs
    assert bigrams(text) == edges


@pytest.mark.parametrize("number", range(0, len(TEXTS), 3))
def test_the_generic_form_is_read_like_the_pretty_one(number: int) -> None:
    generic = generic_form(TEXTS[number])
    assert '"func.func"' in generic
    assert scan(generic).ops == scan(TEXTS[number]).ops
    assert op_type_pairs(generic) == op_type_pairs(TEXTS[number])
    assert bigrams(generic) == bigrams(TEXTS[number])


def test_custom_calls_and_element_types_are_named() -> None:
    facts = scan(jax.jit(jnp.linalg.cholesky).lower(M).as_text())
    assert facts.custom_calls == {"lapack_spotrf_ffi": 1}
    assert {"f32", "i1", "i32"} <= facts.element_types


def lower(source: str, name: str, *specs: Any, debug_info: bool = False, dialect: str = "stablehlo") -> str:
    namespace: dict[str, Any] = {"jnp": jnp, "jax": jax, "lax": lax}
    exec(source, namespace)
    lowered = jax.jit(namespace[name]).lower(*specs)
    return str(lowered.as_text(dialect=dialect, debug_info=debug_info))


SOURCE = """
def {name}({arg}):
    def {inner}(c):
        return jnp.sort(c) {op} jnp.sin(c)
    return dict({key}=jax.jit({inner})({arg}), z=jnp.sum({arg}))
"""


def variant(name: str = "f", arg: str = "x", inner: str = "g", key: str = "k", op: str = "+", **how: Any) -> str:
    return lower(SOURCE.format(name=name, arg=arg, inner=inner, key=key, op=op), name, V, **how)


@pytest.mark.parametrize("dialect", ["stablehlo", "hlo"])
def test_names_do_not_matter_and_operations_do(dialect: str) -> None:
    plain = variant(dialect=dialect)
    renamed = variant(name="kernel_7", arg="logits", inner="helper_body", key="out", dialect=dialect)
    other = variant(op="*", dialect=dialect)
    assert plain != renamed
    assert canonical_text(plain) == canonical_text(renamed)
    assert canonical_text(plain) != canonical_text(other)


def test_locations_do_not_matter() -> None:
    located = variant(debug_info=True)
    assert "loc(" in located
    assert canonical_text(located) == canonical_text(variant())


def test_ssa_names_and_white_space_do_not_matter_and_custom_call_targets_do() -> None:
    text = jax.jit(jnp.linalg.cholesky).lower(M).as_text()
    loose = text.replace("%arg0", "%operand").replace("%cst", "%k").replace("\n", "\n\n  ")
    assert canonical_text(loose) == canonical_text(text)
    assert canonical_text(text.replace("lapack_spotrf_ffi", "lapack_sgetrf_ffi")) != canonical_text(text)


def test_shapes_and_constants_matter_to_the_canonical_text_only() -> None:
    small = lower("def f(x): return x * 2.5 + 1", "f", V)
    large = lower("def g(x): return x * 0.25 + 1", "g", jax.ShapeDtypeStruct((9,), "float16"))
    other = lower("def f(x): return x * 2.5 - 1", "f", V)
    assert canonical_text(small) != canonical_text(large)
    assert skeleton_text(small) == skeleton_text(large)
    assert skeleton_text(small) != skeleton_text(other)


LLVM = """; ModuleID = 'a.c'
source_filename = "a.c"
declare double @cos(double)
define double @{name}(double %{arg}) {{
entry:
  %{tmp} = fadd double %{arg}, 1.0, !dbg !7 ; sum
  %r = call double @{callee}(double %{tmp})
  br label %{label}
{label}:
  ret double %r
}}
!7 = !{{i32 {line}}}
"""


def test_llvm_names_comments_and_metadata_do_not_matter_and_callees_do() -> None:
    first = LLVM.format(name="f", arg="x", tmp="t", callee="cos", label="done", line=1)
    second = LLVM.format(name="g", arg="y", tmp="sum.1", callee="cos", label="end", line=22)
    third = LLVM.format(name="f", arg="x", tmp="t", callee="f", label="done", line=1)
    assert canonical_text(first) == canonical_text(second)
    assert canonical_text(first) != canonical_text(third)
    assert Counter(ops(first)) == {"llvm.fadd": 1, "llvm.call": 1, "llvm.br": 1, "llvm.ret": 1}


def test_hlo_text_has_ops_and_types() -> None:
    text = variant(dialect="hlo")
    assert dialect_of(text) == "hlo"
    assert {"hlo.sine", "hlo.sort", "hlo.add", "hlo.parameter"} <= set(ops(text))
    assert ("hlo.sine", "f32") in op_type_pairs(text)


def test_dialects_are_told_apart() -> None:
    assert dialect_of(variant()) == "stablehlo"
    assert dialect_of("func.func @f(%a: i32) -> i32 {\n %0 = arith.addi %a, %a : i32\n return %0 : i32\n}") == "mlir"
    assert dialect_of(str(jax.make_jaxpr(jnp.sin)(1.0))) == "jaxpr"
    assert dialect_of("def f(x):\n    return x\n") == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "((((" * 5000,
        "%a = " * 5000,
        '"' * 9999,
        "loc(" * 5000,
        "<" * 9999,
        "module @x " * 999,
        "stablehlo.add<" + "<" * 9999,
        "HloModule a\n" + "{" * 9999,
        "define @" + "%" * 9999,
    ],
)
def test_broken_text_is_counted_and_never_raises(text: str) -> None:
    assert ops(text) == ["stablehlo.add"] * text.startswith("stablehlo.add")
    for rewritten in (canonical_text, skeleton_text):
        assert rewritten(rewritten(text)) == rewritten(text)
