"""Single-op mutants, what the comparison catches of them, and the inputs that make rare behaviour show."""

import jax
import numpy as np
import pytest
from conftest import ROOT, table_of

from jaxir import ArraySpec
from jaxir.executor.inputs import numpy_dtype
from jaxir.executor.mutation.check import mutation_check
from jaxir.executor.mutation.mutants import KINDS, mutants
from jaxir.executor.mutation.probes import PROBES, probe
from jaxir.executor.oracle import Pair
from jaxir.extractor import canonical
from jaxir.extractor.program import parse
from jaxir.sample import DTYPES

HEAD = "import jax\nimport jax.numpy as jnp\nfrom jax import lax\n\n\n"


def pair(body, *specs):
    source = f"{HEAD}def f({', '.join('xyz'[: len(specs)])}):\n    return {body}\n"
    inputs = tuple(map(ArraySpec.parse, specs))
    made = Pair(source, "f", "", inputs, ())
    outputs = [ArraySpec(leaf.shape, leaf.dtype.name) for leaf in jax.tree.leaves(made.traced.out_info)]
    return Pair(source, "f", made.traced.lower().as_text(), inputs, outputs)


@pytest.fixture(scope="module")
def rows():
    columns = ["index", "python_source", "function_name", "stablehlo", "inputs", "outputs", "platform", "x64"]
    return table_of(ROOT / "data" / "sample", [*columns, "num_devices"]).to_pylist()


def details(body, *specs, limit=50):
    return {mutant.detail for mutant in mutants(pair(body, *specs).stablehlo, 0, limit)}


# what is made


def test_each_kind_on_a_kernel_that_offers_all():
    found = mutants(pair("jnp.sin(x).T - (-y) * 3.0", "float32[4,4]", "float32[4,4]").stablehlo, 0, 50)
    assert {mutant.kind for mutant in found} == set(KINDS)
    assert {mutant.detail for mutant in found} >= {
        *("stablehlo.sine -> stablehlo.cosine", "stablehlo.subtract -> stablehlo.add", "3.000000e+00 -> -3.0"),
        *("stablehlo.negate -> its first operand", "0 and 1 of stablehlo.subtract"),
        "stablehlo.transpose permutation [1, 0] -> [0, 1]",
    }


def test_mutants_are_valid_different_and_not_the_same_program(rows):
    for row in rows[::50]:
        original = canonical.structure(parse(row["stablehlo"])).canonical
        found = mutants(row["stablehlo"], 3, 8)
        hashes = [canonical.structure(parse(mutant.text)).canonical for mutant in found]
        assert original not in hashes
        assert len({mutant.text for mutant in found}) == len(found)


def test_mutants_are_a_function_of_program_and_seed(rows):
    texts = [row["stablehlo"] for row in rows[7:200:40]]
    assert [mutants(text, 1, 6) for text in texts] == [mutants(parse(text), 1, 6) for text in texts]
    assert [mutants(text, 1, 6) for text in texts] != [mutants(text, 2, 6) for text in texts]
    program = parse(texts[0])
    before = str(program.module)
    mutants(program, 1, 6)
    assert str(program.module) == before


@pytest.mark.parametrize(
    ("body", "specs", "absent"),
    [
        ("jnp.abs(x - y)", ("float32[3]", "float32[3]"), "0 and 1 of stablehlo.subtract"),
        ("jnp.square(x - y)", ("float32[3]", "float32[3]"), "0 and 1 of stablehlo.subtract"),
        ("jnp.cos(-x)", ("float32[3]",), "stablehlo.negate -> its first operand"),
        ("jnp.einsum('ij,ij->i', x, y)", ("float32[3,4]", "float32[3,4]"), "0 and 1 of stablehlo.dot_general"),
        ("jnp.max(x)", ("uint8[4]",), "0 -> 1"),
        ("x.at[0].set(1)[1]", ("int32[3]",), "stablehlo.add -> stablehlo.subtract"),
    ],
)
def test_changes_without_effect_are_not_made(body, specs, absent):
    assert absent not in details(body, *specs)


def test_a_number_that_the_type_lacks_is_no_mutant():
    for body, spec in (("x & jnp.uint4(15)", "uint4[3]"), ("x & jnp.uint2(3)", "uint2[3]")):
        assert {detail.partition(" ")[0] for detail in details(body, spec)} == {"stablehlo.and"}


def test_what_ends_a_loop_stays_as_it_is():
    loop = "lax.while_loop(lambda c: c[0] < y, lambda c: (c[0] * 2 + 1, jnp.sin(c[1])), (1, x))[1]"
    found = details(loop, "float32[3]", "int32[]")
    assert "stablehlo.sine -> stablehlo.cosine" in found
    assert not [detail for detail in found if "multiply" in detail or "compare" in detail or "->" in detail[1:6]]


# what is caught


def test_every_mutant_of_plain_kernels_is_caught():
    for body in ("jnp.sin(x) * 3.0 + y", "jnp.maximum(x, y) - x / 2.0", "jnp.dot(x, y) - jnp.exp(-x)"):
        result = mutation_check(pair(body, "float32[5]", "float32[5]"), limit=20)
        assert result.made == result.caught > 4
        assert (result.undetected, result.survivors) == (0, ())


def test_a_value_that_never_reaches_the_result_is_undetected():
    result = mutation_check(pair("jnp.where(x * x < 0, jnp.sin(x), x + 1)", "float32[5]"), limit=20)
    assert result.undetected > 0
    assert result.made == result.caught + result.undetected + len(result.survivors)


def test_a_kernel_beyond_the_interpreter_makes_none_and_says_why():
    result = mutation_check(pair("lax.map(lambda m: jnp.linalg.qr(m)[1], x)", "float32[2,3,3]"))
    assert (result.made, result.caught) == (0, 0)
    assert result.limit.startswith("stablehlo.custom_call")


def test_results_are_the_same_every_time(rows):
    assert [mutation_check(Pair.from_row(row)) for row in rows[11:100:40]] == [
        mutation_check(Pair.from_row(row)) for row in rows[11:100:40]
    ]


def check_catch_rate(rows, least):
    results = [mutation_check(Pair.from_row(row)) for row in rows]
    made = sum(result.made for result in results)
    assert made > 5 * len(rows)
    undetected = sum(result.undetected for result in results)
    assert sum(result.caught for result in results) >= least * (made - undetected)
    assert undetected < 0.15 * made


def test_mutants_of_11_kernels_are_caught(rows):
    check_catch_rate(rows[3::49], 0.95)  # of every category


@pytest.mark.slow
def test_mutants_of_300_kernels_are_caught(rows):
    check_catch_rate(rows[:300], 0.98)
    wide = [row for row in rows[:300] if "f16" not in row["stablehlo"]]
    check_catch_rate(wide, 0.985)


# probes


@pytest.mark.parametrize("dtype", DTYPES)
def test_probes_of_every_type(dtype):
    spec = ArraySpec((6, 5), dtype)
    for number in range(PROBES):
        (array,) = probe([spec], number)
        assert (array.shape, array.dtype) == ((6, 5), numpy_dtype(dtype))
        assert array.tobytes() == probe([spec], number)[0].tobytes()


def test_probes_have_what_they_promise():
    specs = [ArraySpec((400,), name) for name in ("float32", "int16", "uint8")]
    few, wide, half, whole = (probe(specs, number) for number in range(PROBES))
    assert set(few[0]) == {0.0, -0.5, 0.5, -1.0, 1.0, 2.0, -3.0}
    assert wide[1].min() < -30000 < 30000 < wide[1].max()
    assert 150 < (half[0] == 0).sum() < 250
    assert 0 < (whole[0] == np.floor(whole[0])).sum() < 400
