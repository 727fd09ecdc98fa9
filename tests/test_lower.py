"""Lowering: the stored text is that of public JAX in a fresh process, whatever was lowered before."""

import gc
import inspect
import json
import linecache
import os
import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest
from jax import lax

import jaxir
from jaxir import ArraySpec, Kernel, Rejected, UserError
from jaxir.extractor.lower import LOWERINGS_PER_CACHE, extract_kernel, forget, load, lower

HEAD = "import jax\nimport jax.numpy as jnp\nfrom jax import lax\n\n\n"
#: name -> (body of f, argument types); chosen for JAX features that cache what they trace.
BODIES = {
    "where": ("return jnp.where(x > 0, x, 2 * x) + jnp.where(x > 1, x, 2 * x)", ["float32[4,5]"]),
    "clip": ("return jnp.clip(jnp.clip(x, 0, 1) * 2, 0, 1)", ["float32[4,5]"]),
    "softmax": ("return jax.nn.softmax(jax.nn.softmax(x) * 2)", ["float32[4,5]"]),
    "take": (
        "return jnp.take(x, y, axis=0) + jnp.take_along_axis(x, y[:, None], axis=1)",
        ["float32[4,5]", "int32[4]"],
    ),
    "scan": ("return lax.scan(lambda c, v: (jnp.where(c > 0, c, v), jnp.clip(c, 0, 1)), x[0], x)", ["float32[4,5]"]),
    "cond": ("return lax.cond(x.sum() > 0, lambda v: jnp.clip(v, 0, 1), lambda v: jnp.tanh(v), x)", ["float32[4,5]"]),
    "custom_jvp": ("return jax.nn.relu(x) + jax.nn.relu(x * 2) + jax.nn.silu(x)", ["float32[4,5]"]),
    "grad": ("return jax.grad(lambda v: jnp.sum(jax.nn.gelu(jax.nn.softmax(v)) ** 2))(x)", ["float32[4,5]"]),
    "vmap": ("return jax.vmap(lambda v: jax.nn.logsumexp(jnp.where(v > 0, v, 1.0)))(x)", ["float32[4,5]"]),
    "checkpoint": ("return jax.grad(lambda v: jnp.sum(jax.checkpoint(jnp.tanh)(v)))(x)", ["bfloat16[4,5]"]),
    "random": ("return x + jax.random.normal(y, x.shape)", ["float32[4]", "uint32[2]"]),
}


def kernel(name):
    body, specs = BODIES[name]
    inputs = tuple(map(ArraySpec.parse, specs))
    names = ("x", "y")[: len(inputs)]
    return Kernel(f"{HEAD}def {name}({', '.join(names)}):\n    {body}\n", name, inputs, names)


def text_of(name):
    one = kernel(name)
    return lower(load(one.source, one.function_name), one.inputs).stablehlo


def test_a_text_stands_in_linecache_as_long_as_its_function_lives():
    source = "def kept(x):\n    return x * 7\n"
    first = load(source, "kept")
    second = load(source, "kept")
    filename = first.__code__.co_filename
    assert inspect.getsource(first) == inspect.getsource(second) == source
    del first
    gc.collect()
    assert inspect.getsource(second) == source
    del second
    gc.collect()
    assert filename not in linecache.cache
    before = len(linecache.cache)
    for number in range(200):
        one = load(f"def f(x):\n    return x * {number}\n", "f")
        lower(one, [ArraySpec((2,), "float32")])
    del one
    forget()
    gc.collect()
    assert len(linecache.cache) <= before


FRESH = """
import json, sys
import jax
for name, source, inputs in json.load(sys.stdin):
    namespace = {}
    exec(source, namespace)
    specs = [jax.ShapeDtypeStruct(shape, dtype) for shape, dtype in inputs]
    jax.clear_caches()
    print(json.dumps(jax.jit(namespace[name]).lower(*specs).as_text()))
"""


def run_fresh(*names):
    """Lower by public JAX alone in a new process, caches emptied before each kernel."""
    jobs = [(k.function_name, k.source, [(spec.shape, spec.dtype) for spec in k.inputs]) for k in map(kernel, names)]
    ran = subprocess.run(
        [sys.executable, "-c", FRESH], input=json.dumps(jobs), capture_output=True, text=True, check=True, timeout=300
    )
    return dict(zip(names, map(json.loads, ran.stdout.splitlines()), strict=True))


def test_same_text_first_last_and_alone():
    alone = run_fresh(*BODIES)
    for order in (list(BODIES), list(reversed(BODIES)), sorted(BODIES)):
        forget()
        assert {name: text_of(name) for name in order} == alone


@pytest.mark.slow
def test_text_does_not_depend_on_long_history():
    """JAX issue 40312: once entries of JAX's caches were evicted, an inner function is emitted twice."""
    x, y = ArraySpec((16, 8), "float32"), ArraySpec((16,), "int32")

    @jax.jit
    def inner(y):
        def body(i, carry):
            out, total = carry
            return out.at[i].set(total), total + y[i]

        return lax.fori_loop(0, y.shape[0], body, (jnp.zeros_like(y), jnp.int32(0)))

    @jax.jit
    def middle(x, y):
        out, total = inner(y)
        return x * out.astype(jnp.float32)[:, None], total.astype(jnp.float32)

    def kernel(x, y):
        for _ in range(2):
            x, total = middle(x, y)
            x = x + total
        return middle(x, y)[0] * 5.0

    def other(x, y):
        x, total = middle(x, y)
        return x - total

    def unrelated():
        inside = jax.jit(lambda z: z + 1.0)
        return lambda z: inside(z) * 2.0

    forget()
    alone = lower(kernel, (x, y)).stablehlo
    forget()
    lower(other, (x, y))
    keep = []
    for _ in range(1100):
        keep.append(unrelated())
        lower(keep[-1], (x,))
    lower(other, (x, y))
    assert lower(kernel, (x, y)).stablehlo == alone
    assert len(keep) > LOWERINGS_PER_CACHE


def test_dialects_are_those_of_public_jax():
    one = kernel("grad")
    fn = load(one.source, one.function_name)
    made = lower(fn, one.inputs, dialects=("stablehlo", "hlo", "jaxpr"))
    specs = [jax.ShapeDtypeStruct(spec.shape, spec.dtype) for spec in one.inputs]
    assert made.stablehlo == jax.jit(fn).lower(*specs).as_text()
    assert made.hlo == jax.jit(fn).lower(*specs).as_text("hlo")
    assert made.jaxpr == str(jax.jit(fn).trace(*specs).jaxpr)
    only = lower(fn, one.inputs, dialects=("jaxpr",))
    assert (only.stablehlo, only.hlo) == ("", "")
    assert only.jaxpr == made.jaxpr


def test_outputs_are_flat_leaves():
    made = lower(lambda x: {"b": x.sum(), "a": (x, x > 0)}, [ArraySpec((2,), "float32")])
    assert [str(spec) for spec in made.outputs] == ["float32[2]", "bool[2]", "float32[]"]


def test_platforms():
    fn = lambda x: jnp.linalg.cholesky(x)  # noqa: E731  because a function object of its own is wanted
    spec = [ArraySpec((3, 3), "float32")]
    texts = {platform: lower(fn, spec, platforms=(platform,)).stablehlo for platform in ("cpu", "cuda", "tpu")}
    assert len(set(texts.values())) == 3
    assert texts["cpu"] == jax.jit(fn).lower(jax.ShapeDtypeStruct((3, 3), "float32")).as_text()
    assert "_platform_index" in lower(fn, spec, platforms=("cpu", "tpu")).stablehlo


def test_sample_of_a_kernel():
    one = kernel("softmax")
    sample = extract_kernel(one, dialects=("stablehlo", "jaxpr")).sample
    assert sample.signature == "softmax(x: float32[4,5]) -> float32[4,5]"
    assert sample.ops == tuple(sorted(json.loads(sample.op_counts)))
    assert sample.num_ops == sum(json.loads(sample.op_counts).values()) == sample.stablehlo.count("stablehlo.")
    assert (sample.verified, sample.behavior_hash, sample.output_digest, sample.max_abs_error) == ((), "", "", None)
    assert sample.ir_chars == len(sample.stablehlo)
    assert (sample.platform, sample.x64, sample.hlo) == ("cpu", False, "")
    assert extract_kernel(one).sample.id == sample.id
    assert re.fullmatch("[0-9a-f]{32}", sample.id)


def test_tuple_results_stand_in_parentheses():
    one = Kernel("def f(a, b):\n    return a + b, a - b\n", "f", (ArraySpec((), "int32"),) * 2, ("a", "b"))
    sample = extract_kernel(one).sample
    assert sample.signature == "f(a: int32[], b: int32[]) -> (int32[], int32[])"
    assert sample.python_source == one.source


@pytest.mark.parametrize(
    ("source", "stage", "reason"),
    [
        ("def f(x, y):\n    return x +\n", "trace", "SyntaxError"),
        ("import nothing_like_this\n", "trace", "ModuleNotFoundError"),
        ("def g(x, y):\n    return x\n", "trace", "no such function"),
        ("def f(x, y):\n    return x if x.sum() > 0 else y\n", "trace", "TracerBoolConversionError"),
        ("def f(x, y):\n    return x @ y[:2]\n", "trace", "TypeError"),
        ("def f(x, y):\n    return x + 1\n", "inputs", "unused input"),
        ("import jax\ndef f(x, y):\n    return x + y, jax.numpy.ones(3)\n", "inputs", "output ignores the inputs"),
        ("def f(x, y):\n    return y, x\n", "inputs", "no computation"),
    ],
)
def test_rejections(source, stage, reason):
    with pytest.raises(Rejected) as caught:
        extract_kernel(Kernel(source, "f", (ArraySpec((3,), "float32"),) * 2, ("x", "y")))
    assert (caught.value.stage, caught.value.reason) == (stage, reason)
    assert "\n" not in caught.value.detail


def test_an_input_that_only_a_dead_helper_reads_is_unused():
    source = (
        "import jax\n\n\n@jax.jit\ndef helper(a, b):\n    return a * 2, b * 3\n\n\n"
        "def f(x, y):\n    first, second = helper(x, y)\n    return first\n"
    )
    with pytest.raises(Rejected, match="unused input"):
        extract_kernel(Kernel(source, "f", (ArraySpec((3,), "float32"),) * 2, ("x", "y")))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (ArraySpec(("2*b", 2), "float32"), r"'2\*b' is no size and no name"),
        (ArraySpec((2,), "float64"), "JAX_ENABLE_X64=1"),
    ],
)
def test_specs_that_jax_would_bend(spec, message):
    with pytest.raises(UserError, match=message):
        lower(lambda x: x + 1, [spec])


def test_x64_process():
    code = (
        "from jaxir import ArraySpec, Kernel\nfrom jaxir.extractor.lower import extract_kernel\n"
        "k = Kernel('def f(x):\\n    return x * 2\\n', 'f', (ArraySpec((2,), 'float64'),), ('x',))\n"
        "s = extract_kernel(k).sample\nprint(s.signature, s.x64)\n"
    )
    env = {**os.environ, "JAX_ENABLE_X64": "1", "PYTHONPATH": str(Path(jaxir.__file__).parents[1])}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env, timeout=300)
    assert ran.stdout == "f(x: float64[2]) -> float64[2] True\n"


def test_tracebacks_show_the_text():
    import traceback

    fn = load("def f(x):\n    raise ValueError(x)  # the line\n", "f")
    with pytest.raises(ValueError, match="1") as caught:
        fn(1)
    assert "# the line" in "".join(traceback.format_exception(caught.value))


def test_a_module_can_find_itself_while_it_runs():
    source = (
        "from __future__ import annotations\nimport dataclasses\nfrom typing import ClassVar\n\n\n"
        "@dataclasses.dataclass\nclass Scale:\n    by: float\n    name: ClassVar[str] = 'scale'\n\n\n"
        "def kernel(x):\n    return x * Scale(2.0).by\n"
    )
    assert load(source, "kernel")(3.0) == 6.0


def test_a_text_that_exits_is_refused():
    with pytest.raises(Rejected, match="SystemExit"):
        load("raise SystemExit(0)\n", "kernel")
