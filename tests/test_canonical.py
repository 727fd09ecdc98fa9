"""Structural hashes: blind to how a program is written, awake to what it computes."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

import jaxir
from jaxir import Rejected
from jaxir.executor.limits import limit_of
from jaxir.executor.mutation.mutants import mutants
from jaxir.extractor.canonical import structure
from jaxir.extractor.facts import facts
from jaxir.extractor.program import parse

TENSOR = "tensor<2xf32>"
UNARY = ("sine", "negate", "exponential")
COMMUTATIVE = ("add", "multiply", "maximum")
ORDERED = ("subtract", "divide", "power")
DIRECTIONS = {"LT": "GT", "LE": "GE", "GT": "LT", "GE": "LE", "EQ": "EQ", "NE": "NE"}


@st.composite
def programs(draw):
    """Statements over two arguments: (op, operand positions, parameter); everything that nothing reads is returned."""
    statements = []
    for position in range(2, draw(st.integers(4, 14))):
        pick = st.integers(0, position - 1)
        kind = draw(st.sampled_from(("unary", "commutative", "ordered", "constant", "select")))
        if kind == "unary":
            statements.append((draw(st.sampled_from(UNARY)), (draw(pick),), None))
        elif kind == "commutative":
            statements.append((draw(st.sampled_from(COMMUTATIVE)), (draw(pick), draw(pick)), None))
        elif kind == "ordered":
            statements.append((draw(st.sampled_from(ORDERED)), (draw(pick), draw(pick)), None))
        elif kind == "constant":
            statements.append(("constant", (), draw(st.integers(-9, 9))))
        else:
            picks = tuple(draw(pick) for _ in range(4))
            statements.append(("select", picks, draw(st.sampled_from(sorted(DIRECTIONS)))))
    return statements


def returned(statements):
    read = {operand for _, operands, _ in statements for operand in operands}
    return [position for position in range(2, len(statements) + 2) if position not in read]


def line(name, op, operands, parameter, tensor):
    names = [f"%{operand}" for operand in operands]
    if op == "constant":
        return f"%{name} = stablehlo.constant dense<{parameter}.0> : {tensor}\n"
    if op == "select":
        flags = tensor.replace("f32", "i1").replace("f64", "i1").replace("bf16", "i1")
        return (
            f"%{name}c = stablehlo.compare {parameter}, {names[0]}, {names[1]} : ({tensor}, {tensor}) -> {flags}\n"
            f"%{name} = stablehlo.select %{name}c, {names[2]}, {names[3]} : {flags}, {tensor}\n"
        )
    return f"%{name} = stablehlo.{op} {', '.join(names)} : {tensor}\n"


def text(statements, results, order=None, name="v{}", tensor="tensor<2x3xf32>", outline=None):
    """The module; `outline` moves the statements from one position to another into a function of their own."""
    names = [name.format(position) for position in range(len(statements) + 2)]
    order = list(range(2, len(statements) + 2)) if order is None else order

    def lines(positions):
        made = ""
        for position in positions:
            op, operands, parameter = statements[position - 2]
            made += line(names[position], op, [names[operand] for operand in operands], parameter, tensor)
        return made

    def signature(positions):
        return ", ".join(tensor for _ in positions)

    helper, body = "", lines(order)
    if outline:
        first, last = outline
        inside, before = order[first:last], [0, 1, *order[:first]]
        listed = ", ".join(f"%{names[position]}" for position in inside)
        parameters = ", ".join(f"%{names[p]}: {tensor}" for p in before)
        helper = (
            f"func.func private @helper({parameters}) -> ({signature(inside)}) {{\n"
            f"{lines(inside)}return {listed} : {signature(inside)}\n}}\n"
        )
        call = f"{listed} = func.call @helper({', '.join(f'%{names[p]}' for p in before)}) : "
        body = lines(order[:first]) + f"{call}({signature(before)}) -> ({signature(inside)})\n" + lines(order[last:])
    arguments = f"%{names[0]}: {tensor}, %{names[1]}: {tensor}"
    return (
        f"module {{\nfunc.func public @main({arguments}) -> ({signature(results)}) {{\n"
        f"{body}return {', '.join(f'%{names[p]}' for p in results)} : {signature(results)}\n}}\n{helper}}}\n"
    )


def hashes(module_text):
    found = structure(parse(module_text))
    return found.canonical, found.skeleton


def commuted(statements, coins):
    made = []
    for (op, operands, parameter), coin in zip(statements, coins, strict=False):
        if coin and op in COMMUTATIVE:
            operands = operands[::-1]
        elif coin and op == "select":
            operands, parameter = (operands[1], operands[0], *operands[2:]), DIRECTIONS[parameter]
        made.append((op, operands, parameter))
    return made


def reordered(statements, priorities):
    """Another order in which every statement still comes after what it reads."""
    order, done = [], {0, 1}
    while len(order) < len(statements):
        ready = [p for p in range(2, len(statements) + 2) if p not in done and done.issuperset(statements[p - 2][1])]
        order.append(min(ready, key=lambda p: (priorities[p], p)))
        done.add(order[-1])
    return order


@settings(deadline=None, max_examples=60)
@given(programs(), st.data())
def test_writing_does_not_count(statements, data):
    results = returned(statements)
    truth = hashes(text(statements, results))
    coins = data.draw(st.lists(st.booleans(), min_size=len(statements), max_size=len(statements)))
    priorities = data.draw(st.lists(st.integers(0, 5), min_size=len(statements) + 2, max_size=len(statements) + 2))
    order = reordered(statements, priorities)
    first = data.draw(st.integers(0, len(statements) - 1))
    last = data.draw(st.integers(first + 1, len(statements)))
    dead = [*statements, ("sine", (0,), None), ("power", (len(statements) + 2, 1), None)]
    assert hashes(text(statements, results, name="other_{}_name")) == truth
    assert hashes(text(commuted(statements, coins), results)) == truth
    assert hashes(text(statements, results, order=order)) == truth
    assert hashes(text(dead, results)) == truth
    assert hashes(text(statements, results, outline=(first, last))) == truth
    everything = text(commuted(statements, coins), results, order=order, name="z{}", outline=(first, last))
    assert hashes(everything) == truth


@settings(deadline=None, max_examples=60)
@given(programs(), st.data())
def test_what_is_computed_counts(statements, data):
    results = returned(statements)
    canonical, skeleton = hashes(text(statements, results))
    position = data.draw(st.integers(0, len(statements) - 1))
    op, operands, parameter = statements[position]
    changed, keeps_skeleton = list(statements), False
    if op == "constant":
        changed[position], keeps_skeleton = (op, operands, 77), True
    elif op == "select":
        changed[position] = (op, operands, "NE" if parameter == "EQ" else "EQ")
    elif (
        op in ORDERED
        and operands[0] != operands[1]
        and hashes(text(statements, [operands[0], operands[1]])) != hashes(text(statements, [operands[1], operands[0]]))
    ):
        changed[position] = (op, operands[::-1], parameter)
    else:
        changed[position] = ("cosine" if op in UNARY else "atan2", operands, parameter)
    other = hashes(text(changed, results))
    assert other[0] != canonical
    if keeps_skeleton:
        assert other[1] == skeleton
    elif op not in ORDERED:
        assert other[1] != skeleton
    for tensor in ("tensor<5x7xf32>", "tensor<2x3xf64>", "tensor<4x1xbf16>"):
        resized = hashes(text(statements, results, tensor=tensor))
        assert resized[0] != canonical
        assert resized[1] == skeleton
    assert hashes(text(statements, results, tensor="tensor<6xf32>"))[1] != skeleton


def of(fn, *shapes, dtype=jnp.float32):
    args = [jax.ShapeDtypeStruct(shape, dtype) for shape in shapes]
    return structure(parse(jax.jit(fn).lower(*args).as_text()))


def test_python_side():
    """The same through JAX: styles of writing, jitted helpers, commuted bodies of reductions."""

    def plain(x, y):
        return jnp.sum(jnp.where(x > 0, x * 2, y) ** 2) + jax.nn.softmax(x).max()

    def styled(alpha, beta):
        dead = jnp.sin(alpha)  # noqa: F841  because dead code is what is tested
        helper = jax.jit(lambda v: jax.nn.softmax(v).max())
        t = lax.select(jnp.less(0, alpha), 2 * alpha, beta)
        return helper(alpha) + jnp.sum(t * t)

    assert of(plain, (4,), (4,)).canonical == of(styled, (4,), (4,)).canonical
    assert of(plain, (4,), (4,)).skeleton == of(plain, (8,), (8,)).skeleton
    assert of(plain, (4,), (4,)).canonical != of(plain, (8,), (8,)).canonical


def test_commuted_region_arguments():
    def reduced(body):
        return of(lambda x: lax.reduce(x, jnp.float32(0), body, (0,)), (4,))

    assert reduced(lambda a, b: a + b * 2 + 1).canonical != reduced(lambda a, b: b + a * 2 + 1).canonical
    assert reduced(lambda a, b: a * b + 1).canonical == reduced(lambda a, b: b * a + 1).canonical


def test_values_that_a_region_captures_count():
    def looped(weight):
        return of(lambda x, y: lax.fori_loop(0, 3, lambda i, c: c * weight(x, y), x), (4,), (4,))

    assert looped(lambda x, y: y).canonical == looped(lambda a, b: b).canonical
    assert looped(lambda x, y: y).canonical != looped(lambda x, y: x).canonical
    assert looped(lambda x, y: y).used == (0, 1)
    assert looped(lambda x, y: x).used == (0,)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda x: x[1:3], lambda x: x[0:2]),
        (lambda x: jnp.pad(x, 1), lambda x: jnp.pad(x, 2)),
        (lambda x: x.reshape(2, 8), lambda x: x.reshape(8, 2)),
        (lambda x: x + 1, lambda x: x + 3),
        (lambda x: x.astype(jnp.bfloat16), lambda x: x.astype(jnp.int32)),
    ],
)
def test_sizes_dtypes_and_constants_leave_the_skeleton(one, other):
    first, second = of(one, (4, 4)), of(other, (4, 4))
    assert first.canonical != second.canonical
    assert first.skeleton == second.skeleton


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda x: x.sum(0), lambda x: x.sum(1)),
        (lambda x: lax.transpose(x[None], (0, 2, 1)), lambda x: lax.transpose(x[None], (2, 1, 0))),
        (
            lambda x: lax.dot_general(x, x, (((0,), (0,)), ((), ()))),
            lambda x: lax.dot_general(x, x, (((1,), (0,)), ((), ()))),
        ),
        (lambda x: x > 0, lambda x: x >= 0),
        (lambda x: x, lambda x: x[0]),
        (lambda x: lax.concatenate([x, x], 0), lambda x: lax.concatenate([x, x], 1)),
        (lambda x: jnp.sin(x), lambda x: jnp.cos(x)),
    ],
)
def test_axes_modes_ranks_and_ops_are_the_skeleton(one, other):
    assert of(one, (4, 4)).skeleton != of(other, (4, 4)).skeleton


def test_lapack_type_is_no_skeleton():
    text = jax.jit(jnp.linalg.cholesky).lower(jax.ShapeDtypeStruct((3, 3), jnp.float32)).as_text()
    double = text.replace("lapack_spotrf", "lapack_dpotrf").replace("f32", "f64")
    assert "lapack_d" in double
    assert hashes(text)[0] != hashes(double)[0]
    assert structure(parse(text)).skeleton == structure(parse(double)).skeleton


def test_complex_constants():
    """The bindings cannot cast these attributes; they still count."""
    one, two = (of(lambda x, n=n: x * (1 + n * 1j), (3,), dtype=jnp.complex64) for n in (2, 3))
    assert one.canonical != two.canonical
    assert one.skeleton == two.skeleton


def test_composite_body_counts_and_its_name_of_function_does_not():
    def composed(factor):
        scaled = lax.composite(lambda x: x * factor, name="test.scaled")
        return jax.jit(lambda x: scaled(x)).lower(jax.ShapeDtypeStruct((3,), jnp.float32)).as_text()

    twice = composed(2.0)
    assert hashes(twice)[0] != hashes(composed(3.0))[0]
    # The call and the function: the composite's own name, "test.scaled", stays.
    assert twice.count("@test.scaled") == 2
    assert hashes(twice) == hashes(twice.replace("@test.scaled", "@another"))
    assert hashes(twice)[0] != hashes(twice.replace('"test.scaled"', '"test.other"'))[0]


@pytest.mark.parametrize("name", ["a b", "\u00e9", r"a\22b", "@a"])
def test_any_name_of_a_helper_is_found(name):
    """Names of Python, which need not be ASCII, stand quoted and escaped in the text; strangers write any."""

    @jax.jit
    def helper(x):
        return jnp.sin(x) * 2

    looped = jax.jit(lambda x: jnp.sin(lax.while_loop(lambda c: helper(c) < 1, lambda c: helper(c) + 1, x)))
    plain = looped.lower(jnp.float32(0)).as_text()
    assert plain.count("call @helper(") == 2
    odd = parse(plain.replace("@helper(", f'@"{name}"('))
    assert structure(odd) == structure(parse(plain))
    assert facts(odd) == facts(parse(plain))
    assert limit_of(odd) == ""
    assert len(mutants(odd, 0, 9)) == 2  # of what comes after the loop


def test_dependencies_and_depth():
    found = of(lambda x, y, z: (jnp.sin(x), jnp.cos(jnp.sin(y)) + x, jnp.ones(2) * 3), (2,), (2,), (2,))
    assert found.depends == ((0,), (0, 1), ())
    assert found.used == (0, 1)
    assert found.depth == 3


def test_effects_count_in_their_order():
    call = '%{0} = stablehlo.custom_call @touch(%arg0) {{has_side_effect = true, backend_config = "{1}"}}'
    head = "module {\nfunc.func public @main(%arg0: tensor<2xf32>) -> tensor<2xf32> {\n"
    tail = "return %arg0 : tensor<2xf32>\n}\n}\n"

    def module(*configs):
        kind = " : (tensor<2xf32>) -> tensor<2xf32>\n"
        return head + "".join(call.format(n, config) + kind for n, config in enumerate(configs)) + tail

    texts = [module(), module("a"), module("b"), module("a", "a"), module("a", "b"), module("b", "a")]
    assert len({hashes(one)[0] for one in texts}) == len(texts)


def test_long_programs_and_long_chains_of_helpers():
    tensor = "tensor<2xf32>"
    long = [("add", (position - 1, 0), None) for position in range(2, 5000)]
    found = structure(parse(text(long, returned(long), tensor=tensor)))
    assert found.depth == 4998

    def chain(depth, second):
        made = f"module {{\nfunc.func public @main(%0: {tensor}) -> {tensor} {{\n"
        made += f"%1 = func.call @f0(%0) : ({tensor}) -> {tensor}\nreturn %1 : {tensor}\n}}\n"
        for level in range(depth):
            made += f"func.func private @f{level}(%0: {tensor}) -> {tensor} {{\n%1 = stablehlo.sine %0 : {tensor}\n"
            made += f"%2 = func.call @f{level + 1}(%0) : ({tensor}) -> {tensor}\n"
            made += f"%3 = func.call @f{level + 1}(%{second}) : ({tensor}) -> {tensor}\n"
            made += f"%4 = stablehlo.add %2, %3 : {tensor}\nreturn %4 : {tensor}\n}}\n"
        return made + f"func.func private @f{depth}(%0: {tensor}) -> {tensor} {{\nreturn %0 : {tensor}\n}}\n}}\n"

    # Two calls with the same argument are one; with different ones, levels of sines meet again: depth * depth / 2.
    assert structure(parse(chain(100, 0))).depth == 100
    assert structure(parse(chain(100, 1))).depth == 200
    with pytest.raises(Rejected, match="nested too deeply"):
        structure(parse(chain(3000, 0)))


def nested_calls(depth):
    made = f"module {{\nfunc.func public @main(%0: {TENSOR}) -> {TENSOR} {{\n"
    made += f"%1 = func.call @f0(%0) : ({TENSOR}) -> {TENSOR}\nreturn %1 : {TENSOR}\n}}\n"
    for level in range(depth):
        made += f"func.func private @f{level}(%0: {TENSOR}) -> {TENSOR} {{\n%1 = stablehlo.sine %0 : {TENSOR}\n"
        made += f"%2 = func.call @f{level + 1}(%1) : ({TENSOR}) -> {TENSOR}\nreturn %2 : {TENSOR}\n}}\n"
    return made + f"func.func private @f{depth}(%0: {TENSOR}) -> {TENSOR} {{\nreturn %0 : {TENSOR}\n}}\n}}\n"


def nested_whiles(depth):
    made = f"module {{\nfunc.func public @main(%a0: {TENSOR}) -> {TENSOR} {{\n"
    made += "%more = stablehlo.constant dense<true> : tensor<i1>\n"
    for level in range(1, depth + 1):
        made += f"%r{level} = stablehlo.while(%a{level} = %a{level - 1}) : {TENSOR}\n"
        made += "cond {\nstablehlo.return %more : tensor<i1>\n} do {\n"
    made += f"%r{depth + 1} = stablehlo.sine %a{depth} : {TENSOR}\n"
    made += "".join(f"stablehlo.return %r{level + 1} : {TENSOR}\n}}\n" for level in range(depth, 0, -1))
    return made + f"return %r1 : {TENSOR}\n}}\n}}\n"


@pytest.mark.parametrize("nested", [nested_calls, nested_whiles])
def test_nesting_at_the_edge_of_the_stack_is_refused(nested):
    # Each walk over a program has an edge of its own, in between.
    for depth in range(200, 401, 10):
        program = parse(nested(depth))
        for read in (structure, facts):
            with contextlib.suppress(Rejected):
                read(program)
    with pytest.raises(Rejected, match="nested too deeply"):
        structure(program)


def test_calls_that_are_too_deep_to_count_are_refused():
    with pytest.raises(Rejected, match="nested too deeply"):
        facts(parse(nested_calls(400)))


def test_exploding_calls_are_refused():
    tensor = "tensor<2xf32>"
    made = f"module {{\nfunc.func public @main(%0: {tensor}) -> {tensor} {{\n"
    made += f"%1 = func.call @f0(%0) : ({tensor}) -> {tensor}\nreturn %1 : {tensor}\n}}\n"
    for level in range(25):
        made += f"func.func private @f{level}(%0: {tensor}) -> {tensor} {{\n"
        for branch, op in enumerate(("sine", "cosine")):
            made += f"%a{branch} = stablehlo.{op} %0 : {tensor}\n"
            made += f"%b{branch} = func.call @f{level + 1}(%a{branch}) : ({tensor}) -> {tensor}\n"
        made += f"%c = stablehlo.add %b0, %b1 : {tensor}\nreturn %c : {tensor}\n}}\n"
    made += f"func.func private @f25(%0: {tensor}) -> {tensor} {{\nreturn %0 : {tensor}\n}}\n}}\n"
    with pytest.raises(Rejected, match="program too large after inlining"):
        structure(parse(made))


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("module {", "MLIRError"),
        ("module { func.func @other() { return } }", "no function main"),
        ("module { func.func private @main() }", "region without exactly one block"),
        ("module { func.func @main(%a: tensor<2xf32>) -> tensor<3xf32> { return %a : tensor<2xf32> } }", "MLIRError"),
    ],
)
def test_text_that_is_no_program(source, reason):
    with pytest.raises(Rejected) as caught:
        parse(source)
    assert (caught.value.stage, caught.value.reason) == ("parse", reason)


def test_hashes_do_not_depend_on_the_process():
    source = text([("add", (0, 1), None), ("select", (0, 2, 1, 2), "GT")], [3])
    code = (
        "import sys\nfrom jaxir.extractor.canonical import structure\nfrom jaxir.extractor.program import parse\n"
        "found = structure(parse(sys.stdin.read()))\nprint(found.canonical, found.skeleton)\n"
    )
    outputs = set()
    for seed in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(jaxir.__file__).parents[1])}
        ran = subprocess.run(
            [sys.executable, "-c", code], input=source, capture_output=True, text=True, check=True, env=env, timeout=300
        )
        outputs.add(ran.stdout)
    assert outputs == {"{} {}\n".format(*hashes(source))}


@pytest.mark.parametrize(
    "name", ["cholesky", "inv", "det", "qr", "svd", "eigvals", "eigh", "slogdet", "pinv", "matrix_rank"]
)
def test_linear_algebra_of_two_sizes_is_one_skeleton(name):
    # The custom calls carry a sharding rule that spells out the sizes: a hint for compilers, no computation.
    function = getattr(jnp.linalg, name)
    assert of(function, (5, 5)).skeleton == of(function, (7, 7)).skeleton
    assert of(function, (5, 5)).canonical != of(function, (7, 7)).canonical


def test_orthogonal_and_unitary_routines_are_one_skeleton():
    real, imaginary = (of(jnp.linalg.qr, (4, 4), dtype=dtype) for dtype in (jnp.float32, jnp.complex64))
    assert real.skeleton == imaginary.skeleton


def _scan(x, y):
    (a, b), _ = lax.scan(lambda c, _: ((jnp.sin(c[0]), c[1] + 1), None), (x, y), None, length=3)
    return a, b


DEPENDENCE = [
    (lambda x, y: jnp.sin(lax.optimization_barrier((x, y))[0]), [(0,)]),
    (lambda x, y: lax.while_loop(lambda c: c[0][0] < 9, lambda c: (c[0] + 1, c[1] * 2), (x, y)), [(0,), (0, 1)]),
    (lambda x, y: lax.while_loop(lambda c: c[0][0] < 9, lambda c: (c[0] + c[1], c[1]), (x, y)), [(0, 1), (1,)]),
    (lambda x, y: lax.sort((x, y), num_keys=1), [(0,), (0, 1)]),
    (_scan, [(0,), (1,)]),
    (lambda x, y: lax.cond(x[0] > 0, lambda: (x, y), lambda: (x + 1, y * 2)), [(0,), (0, 1)]),
    (lambda x, y: jax.jit(lambda a, b: (a, b * 2))(x, y), [(0,), (1,)]),
    (lambda x, y: lax.cond(x[0] > 0, lambda: jnp.arange(3.0), lambda: jnp.ones(3)) + y, [(0, 1)]),
]


@pytest.mark.parametrize(("function", "depends"), DEPENDENCE, ids=range(len(DEPENDENCE)))
def test_each_result_depends_on_what_it_is_made_of(function, depends):
    assert list(of(function, (3,), (3,)).depends) == depends
