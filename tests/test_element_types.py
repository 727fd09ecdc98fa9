"""Element types: 64-bit ones with x64 on, low-bit ones where templates take them, and the file that says so."""

from __future__ import annotations

import contextlib
import textwrap

import jax
import pytest

from jaxir import config
from jaxir.errors import Rejected
from jaxir.executor.oracle import ORACLES, Pair
from jaxir.executor.verify import observe
from jaxir.extractor.fastpath import FAST
from jaxir.extractor.lower import extract_kernel, load, lower
from jaxir.generator import element_types
from jaxir.generator.check import _turns, check_template
from jaxir.generator.plan import Plan, composers, show_alone
from jaxir.generator.rng import Rng
from jaxir.generator.templates import Library, load_library, read_library
from jaxir.reproduce import lowers_differently
from jaxir.sample import DTYPES_64, LOW_BIT, ArraySpec, Kernel, to_table

LIBRARY = load_library()
WIDE = {"float64": 4, "int64": 2, "uint64": 2, "complex128": 2}


def _made(kernel: Kernel, verify: str = "fast"):
    with jax.enable_x64(kernel.x64):
        extraction = extract_kernel(kernel)
    return extraction, observe(Pair.from_extraction(extraction), 4_000, verify)


@pytest.mark.parametrize(
    ("dtype", "body"),
    [
        ("float64", "jnp.sum(jnp.sin(x) * jnp.linspace(0.0, 1.0, 4))"),
        ("int64", "jnp.cumsum(x) + jnp.argmax(x)"),
        ("uint64", "x * 3 + (x >> 2)"),
        ("complex128", "jnp.fft.fft(x)"),
    ],
)
def test_all_oracles_run_kernels_of_64_bit_types(dtype, body):
    source = f"import jax.numpy as jnp\n\n\ndef kernel(x):\n    return {body}\n"
    kernel = Kernel(source, "kernel", (ArraySpec((4,), dtype),), ("x",), x64=True)
    extraction, seen = _made(kernel, "full")
    assert extraction.sample.x64
    assert seen.verified == tuple(ORACLES)
    assert {"64" in text or "128" in text for text in extraction.sample.outputs} == {True}
    assert lowers_differently(to_table([extraction.sample]).to_pylist()[0]) == ""


def test_a_constant_of_the_module_is_of_the_mode_too():
    source = "import jax.numpy as jnp\n\nTABLE = jnp.arange(4.0) / 3\n\n\ndef kernel(x):\n    return x * TABLE\n"
    kernel = Kernel(source, "kernel", (ArraySpec((4,), "float64"),), ("x",), x64=True)
    extraction, _ = _made(kernel)
    assert extraction.sample.outputs == ("float64[4]",)
    sample = extraction.sample
    stored = Pair(source, "kernel", sample.stablehlo, kernel.inputs, extraction.lowering.outputs, x64=True)
    assert str(stored.traced.out_info.dtype) == "float64"


def test_the_fast_path_keeps_rules_of_both_modes_apart():
    source = "import jax.numpy as jnp\n\n\ndef kernel(x):\n    return x[jnp.argsort(jnp.sin(x))], jnp.argmax(x)\n"
    specs = (ArraySpec((5,), "float32"),)
    texts = {}
    FAST.install()
    try:
        for x64 in (False, True, False, True):
            with jax.enable_x64(x64):
                fast = lower(load(source, "kernel"), specs).stablehlo
                with FAST.paused():
                    assert lower(load(source, "kernel"), specs).stablehlo == fast
            texts.setdefault(x64, fast)
            assert texts[x64] == fast
    finally:
        FAST.remove()
    assert texts[False] != texts[True]


def test_a_plan_of_64_bit_types_makes_rows_with_x64_on():
    plan = Plan(config.load("default", {"balanced": True, "arrays": {**_arrays(), "dtypes": WIDE}}), LIBRARY)
    kernels = []
    for index in range(60):
        # Some roots have no program in these types alone.
        with contextlib.suppress(Rejected):
            kernels.append(plan.kernel(index))
    wide = [kernel for kernel in kernels if any(spec.dtype in WIDE for spec in kernel.inputs)]
    assert len(wide) > 20
    assert all(kernel.x64 for kernel in wide)


def _arrays():
    arrays = config.load().arrays
    return {"dtypes": dict(arrays.dtypes), "sizes": dict(arrays.sizes), "ranks": dict(arrays.ranks)}


def _folder(path, text, types=""):
    (path / "own.py").write_text(
        "import jax.numpy as jnp\nfrom jaxtyping import Array, Float, Int, Int32, Shaped\n\n\n" + textwrap.dedent(text)
    )
    if types:
        (path / element_types.FILE).write_text(types)
    return path


OWN = '''
def twice(x: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """twice `x`"""
    return x + x


def place(x: Float[Array, "n"]) -> Int32[Array, ""]:
    """the place of the largest entry of `x`"""
    return jnp.argmax(x)
'''


def test_low_bit_types_are_taken_by_the_templates_that_the_file_names(tmp_path):
    types = "low_bit:\n  - {types: [float8_e8m0fnu, float8_e5m2, int4], templates: [twice]}\n"
    library, errors = read_library([_folder(tmp_path, OWN, types)])
    assert errors == []
    assert set(library.by_name["twice"].steered.dtypes) & set(LOW_BIT) == {"float8_e8m0fnu", "float8_e5m2"}
    assert not set(library.by_name["place"].steered.dtypes) & set(LOW_BIT)


def test_a_template_whose_types_change_with_x64_is_found_or_declared(tmp_path):
    library, _ = read_library([_folder(tmp_path, OWN)])
    own = Library(library.templates)
    found = list(check_template(own.by_name["place"], composers(config.load(), own), 16))
    assert "traced int64[]" in found[0].message
    assert "float64" in found[0].message
    library, _ = read_library([_folder(tmp_path, OWN, "x64_off: [place]\n")])
    own = Library(library.templates)
    assert list(check_template(own.by_name["place"], composers(config.load(), own), 16)) == []


@pytest.mark.parametrize(
    ("types", "message"),
    [
        ("x64_off: [nobody]\n", "types.yaml: there is no template 'nobody'"),
        ("x64: [twice]\n", "unknown option `x64`; did you mean `x64_off`? ("),
        ("low_bit:\n  - {types: [float9], templates: [twice]}\n", "expected one of int2, int4"),
        ("low_bit: {\n", "types.yaml:2: not YAML"),
    ],
)
def test_a_wrong_file_is_one_clear_line(tmp_path, types, message):
    _, errors = read_library([_folder(tmp_path, OWN, types)])
    assert message in str(errors[0])
    assert "\n" not in str(errors[0])


def test_the_check_sees_both_modes_in_few_draws():
    kinds = ["bool", "int32", "float32", "float64", "int64", "float16", "int8"]
    turns = _turns(kinds, Rng(0))
    assert sorted(turns) == sorted(kinds)
    assert [name in DTYPES_64 for name in turns[:4]] == [False, True, False, True]


@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "float8_e5m2fnuz", "float8_e3m4", "float4_e2m1fn", "int4", "uint2"])
def test_kernels_of_low_bit_types_are_proved(dtype):
    proved = 0
    plan = Plan(config.load("default", {"arrays": {**_arrays(), "dtypes": {dtype: 1}}}), LIBRARY)
    roots = [name for name in ("add", "maximum", "absolute", "negate", "square") if name in LIBRARY.by_name]
    for number, name in enumerate(roots):
        root = LIBRARY.by_name[name]
        if not root.steered.admits(dtype):
            continue
        text, _ = show_alone(plan.config, Library((root,)), root)
        rng = Rng(number)
        spec = ArraySpec((rng.integer(3, 5),), dtype)
        parameters = [item.name for item in root.parameters]
        function = text[text.index("def ") + 4 : text.index("(")]
        kernel = Kernel(text, function, (spec,) * len(parameters), tuple(parameters))
        with contextlib.suppress(Rejected):
            _, seen = _made(kernel)
            proved += seen.verified == ("interpreter", "numpy")
    assert proved >= 2
