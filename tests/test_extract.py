"""A user's function comes out as text that runs alone and lowers to the function's own StableHLO."""

import functools
import linecache
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from jax import lax

import jaxir
from jaxir import ArraySpec, Kernel, UserError, extract
from jaxir.extractor.containers import flat_kernel
from jaxir.extractor.inspection import load_function
from jaxir.extractor.lower import load

X = jax.ShapeDtypeStruct((3, 4), jnp.float32)
SCALE = 2.5
TABLE = np.arange(4, dtype=np.float32)


def holds(fn, *args, **options):
    """Extract, then check the contract from the outside: the stored text alone gives the function's StableHLO."""
    sample = extract(fn, *args, **options)
    alone = load(sample.python_source, sample.function_name)
    assert jax.jit(alone).lower(*args).as_text() == sample.stablehlo == jax.jit(fn).lower(*args).as_text()
    return sample


def _squash(x):
    return jnp.tanh(x) * SCALE


def uses_helpers(x):
    """squashes rows against a table

    More text.
    """
    # a comment that stays
    return _squash(x) + TABLE


def test_module_function_brings_imports_helpers_and_constants():
    sample = holds(uses_helpers, X)
    assert "# a comment that stays" in sample.python_source
    assert "import jax.numpy as jnp" in sample.python_source
    assert "pytest" not in sample.python_source
    assert sample.description == "squashes rows against a table"
    assert (sample.category, sample.operation, sample.level, sample.index) == ("extracted", "uses_helpers", 0, 0)
    assert sample.signature == "uses_helpers(x: float32[3,4]) -> float32[3,4]"
    assert sample.hlo.startswith("HloModule")
    assert sample.jaxpr.startswith("{ lambda")


def test_lambdas_on_one_line_are_told_apart():
    pair = (lambda x: jnp.sin(x) + 1, lambda x: jnp.cos(x) + 1)
    assert "jnp.cos" not in holds(pair[0], X).python_source
    assert "jnp.sin" not in holds(pair[1], X).python_source


def test_lambda_keeps_the_name_it_was_given():
    double = lambda x: x * 2  # noqa: E731  because the name of a lambda is what is tested
    assert holds(double, X).function_name == "double"


def test_lambda_over_several_lines():
    # fmt: off
    assert "jnp.exp" in holds((
        lambda x:
            jnp.exp(x)
            + 1
    ), X).python_source
    # fmt: on


def test_lambda_inside_a_lambda():
    outer = lambda x: (lambda y: y * 3)(x) + 1  # noqa: E731  because nested lambdas are what is tested
    assert holds(outer, X).python_source.count("lambda") == 2


def test_lambda_with_a_loop_default():
    made = [lambda x, n=n: x**n for n in (2, 3)]
    assert "n = 3" in holds(made[1], X).python_source


def make_closure(number, words, table, act, shape):
    def inner(x):
        y = act(x) * number + table
        return jnp.reshape(y, shape) if "flat" in words else y

    return inner


def test_closure_values_become_assignments():
    fn = make_closure(0.1, ("flat", None), np.array([1, 2, 3, 4], np.int8), _squash, (2, 6))
    source = holds(fn, X).python_source
    assert "number = 0.1" in source
    assert "words = ('flat', None)" in source
    assert "np.array([1, 2, 3, 4], dtype='int8')" in source
    assert "def _squash" in source
    assert "act = _squash" in source


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (complex("inf"), "complex(float("),
        (complex(-0.0, 1.0), "complex(-0.0, 1.0)"),
        (2 - 3j, "(2-3j)"),
        (np.array([complex(0, -np.inf)], np.complex64), "dtype='complex64'"),
        (np.zeros((0, 3), np.float32), "np.zeros((0, 3), dtype='float32')"),
        (jnp.zeros((2, 0), jnp.bfloat16), "jnp.zeros((2, 0), dtype='bfloat16')"),
    ],
)
def test_closure_over_values_whose_literal_says_too_little(value, text):
    def inner(x):
        return x * 2 + jnp.abs(jnp.sum(jnp.asarray(value)))

    assert text in holds(inner, X).python_source


def test_closure_over_library_functions_partials_and_extended_types():
    table = np.array([0.5, 1.5, -2.0, 0.0], ml_dtypes.bfloat16)
    fn = make_closure(jnp.float32(3.0), {"a": [1]}, table, functools.partial(jax.nn.leaky_relu, negative_slope=0.2), 1)
    source = holds(fn, X).python_source
    assert "from jax.nn import leaky_relu" in source
    assert "dtype=ml_dtypes.bfloat16" in source


def test_closure_over_jnp_function_and_lambda():
    assert "from jax.numpy import tanh" in holds(make_closure(2, (), 1.0, jnp.tanh, ()), X).python_source
    assert "act = lambda v: v + 1" in holds(make_closure(2, (), 1.0, lambda v: v + 1, ()), X).python_source


def test_closure_over_what_has_no_text():
    with pytest.raises(UserError, match=r"'table' holds an array of 65 elements.*pass it as an argument"):
        extract(make_closure(1, (), np.zeros(65), jnp.sin, ()), X)
    with pytest.raises(UserError, match=r"'number' holds a object, which cannot be written"):
        extract(make_closure(object(), (), 1, jnp.sin, ()), X)


def test_two_closures_that_disagree():
    one, two = (make_closure(n, (), 1.0, jnp.sin, ()) for n in (1, 2))
    both = lambda x: one(x) + two(x)  # noqa: E731  because a closure over closures is what is tested
    with pytest.raises(UserError, match=r"two different things are named"):
        extract(both, X)


def loss(w, x):
    return jnp.sum((x @ w - 1.0) ** 2)


slope = jax.grad(loss)
jitted_loss = jax.jit(loss)


@jax.jit
def decorated(x):
    return jnp.where(x > 0, x, 0.5 * x)


def doubled(fn):
    @functools.wraps(fn)
    def wrapper(*args):
        return 2 * fn(*args)

    return wrapper


@doubled
def wrapped(x):
    return jnp.sin(x)


W = jax.ShapeDtypeStruct((4,), jnp.float32)


@pytest.mark.parametrize(
    ("fn", "args"),
    [(slope, (W, X)), (jitted_loss, (W, X)), (decorated, (X,)), (wrapped, (X,))],
    ids=lambda v: str(v)[:20],
)
def test_wrapped_functions_of_a_module(fn, args):
    holds(fn, *args)


def test_wrapped_functions_without_a_module_name():
    local = doubled(lambda x: x + 1)
    holds(local, X)
    holds(functools.partial(lambda n, x: x + n, 3), X)
    sample = extract(jax.jit(lambda x: x + 1), X)
    assert "jit" not in sample.python_source.replace("jax.jit", "")
    with pytest.raises(UserError, match=r"bind it to a module-level name"):
        extract(jax.grad(lambda x: x.sum()), X)


class Layer:
    def __init__(self, scale):
        self.scale = scale
        self.bias = np.ones(4, np.float32)

    def forward(self, x):
        """scales and shifts"""
        return x * self.scale + self.bias

    def pure(self, x):
        return jnp.exp(x)

    def tangled(self, x):
        return self.forward(x) + id(self)

    @staticmethod
    def static(x):
        return x - 1

    def __call__(self, x):
        return x


def test_methods():
    source = holds(Layer(3.0).forward, X).python_source
    assert "self_scale = 3.0" in source
    assert "def forward(x):" in source
    holds(Layer(3.0).pure, X)
    holds(Layer.static, X)
    with pytest.raises(UserError, match=r"tangled: uses 'self' as a whole"):
        extract(Layer(3.0).tangled, X)
    with pytest.raises(UserError, match=r"a Layer has no Python source"):
        extract(Layer(3.0), X)


def test_functions_of_an_interactive_session():
    """Two cells of a notebook: each has a text in linecache, the names of one are only values for the other."""
    namespace = {"__name__": "__main__"}
    cells = [
        "import jax.numpy as jnp\nfactor = 4.0\n",
        "def helper(x):\n    return x * factor\n",
        "f = lambda x: jnp.sin(helper(x))\n",
    ]
    for number, text in enumerate(cells):
        name = f"<cell {number}>"
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        exec(compile(text, name, "exec"), namespace)
    source = holds(namespace["f"], X).python_source
    assert "factor = 4.0" in source
    assert "def helper" in source


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: max, r"max: a builtin_function_or_method has no Python source"),
        (lambda: functools.partial(max, 1), r"has no Python source"),
        (lambda: jnp.sin, r"sin: belongs to jax.*wrap it in a function"),
        (lambda: eval("lambda x: x"), r"no source text \(<string>\)"),
        (lambda: int, r"has no Python source"),
    ],
)
def test_no_source(make, message):
    with pytest.raises(UserError, match=message) as caught:
        extract(make(), X)
    assert "\n" not in str(caught.value)


counter = iter(range(100))


def stateful(x):
    return x + next(counter)


def test_text_that_does_not_tell_the_truth_is_refused():
    next(counter)
    with pytest.raises(UserError, match=r"stateful: its source alone lowers to another StableHLO"):
        extract(stateful, X)


def test_function_that_jax_refuses():
    with pytest.raises(UserError, match=r"JAX cannot lower it \(TracerBoolConversionError"):
        extract(lambda x: x if x.sum() > 0 else -x, X)
    with pytest.raises(UserError, match=r"2 arguments do not fit its signature"):
        extract(_squash, X, X)
    with pytest.raises(UserError, match=r"argument of type str"):
        extract(_squash, "three")


def test_argument_kinds_give_the_types_of_jit():
    sample = extract(lambda a, b, c: (a + b, c), np.zeros(3), jnp.zeros(3, jnp.int8), 2)
    assert sample.inputs == ("float32[3]", "int8[3]", "int32[]")
    assert sample.outputs == ("float32[3]", "int32[]")


def total_of_all(*parts, scale=1.0):
    return sum(part["x"] for part in parts) * scale


def test_containers_become_a_kernel_of_flat_arrays_however_many_they_are():
    spec = ArraySpec((3,), "float32")
    kernel, flat = flat_kernel(total_of_all, [{"x": spec}] * 70, {"scale": 2.0})
    assert kernel.inputs == (spec,) * 70
    assert len(set(kernel.input_names)) == 70
    assert (kernel.input_names[0], kernel.input_names[69]) == ("parts_0_x", "parts_69_x")
    alone = load(kernel.source, kernel.function_name)
    arrays = np.arange(210, dtype=np.float32).reshape(70, 3)
    np.testing.assert_array_equal(alone(*arrays), 2 * arrays.sum(0))
    np.testing.assert_array_equal(flat(*arrays), 2 * arrays.sum(0))


def test_a_kernel_is_taken_as_it_is():
    kernel = Kernel(
        "import jax.numpy as jnp\n\n\ndef f(x):\n    return jnp.sin(x)\n", "f", (ArraySpec((3,), "float32"),), ("x",)
    )
    sample = extract(kernel, dialects=["stablehlo"])
    assert sample.python_source == kernel.source
    assert sample.hlo == ""
    with pytest.raises(UserError, match=r"give no arguments"):
        extract(kernel, X)


def test_platforms_that_are_not_here():
    sample = extract(lambda x: jnp.linalg.cholesky(x @ x.T), X, platforms=("cpu", "cuda", "tpu"))
    assert sample.platform == "cpu,cuda,tpu"
    assert sample.hlo == ""
    assert len(sample.inputs) == 1
    assert extract(_squash, X, platforms=("tpu",)).hlo
    with pytest.raises(UserError, match=r"unknown platform 'gpu'; expected one of cpu, cuda, rocm, tpu"):
        extract(_squash, X, platforms=("gpu",))
    with pytest.raises(UserError, match=r"no HLO text for several platforms"):
        extract(_squash, X, platforms=("cpu", "tpu"), dialects=["hlo"])


def test_a_file_run_as_main(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
        from __future__ import annotations
        import sys
        import jax, jax.numpy as jnp
        from jaxir import extract

        RATE = 0.25

        def step(w: "anything", g):
            return w - RATE * g

        if __name__ == "__main__":
            x = jax.ShapeDtypeStruct((2,), jnp.float32)
            sample = extract(step, x, x)
            sys.stdout.write(sample.python_source)
        """)
    )
    root = str(Path(jaxir.__file__).parents[1])
    ran = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": root}
    )
    assert ran.stdout.startswith("from __future__ import annotations\n")
    assert "RATE = 0.25" in ran.stdout
    assert "extract" not in ran.stdout
    assert load(ran.stdout, "step")(1.0, 2.0) == 0.5


def test_relative_imports_of_a_package(tmp_path, monkeypatch):
    package = tmp_path / "small_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "parts.py").write_text("import jax.numpy as jnp\n\ndef part(x):\n    return jnp.sin(x)\n")
    (package / "whole.py").write_text("from .parts import part\n\ndef whole(x):\n    return part(x) + 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    from small_package.whole import whole

    assert "from small_package.parts import part" in holds(whole, X).python_source


def test_load_function(tmp_path):
    path = tmp_path / "ops.py"
    path.write_text("import jax.numpy as jnp\n\nSIZE = 3\n\ndef twice(x):\n    return jnp.add(x, x)\n")
    assert holds(load_function(f"{path}:twice"), X).function_name == "twice"
    broken = tmp_path / "broken.py"
    broken.write_text("1 / 0\n")
    quits = tmp_path / "quits.py"
    quits.write_text("raise SystemExit(3)\n")
    for target, message in (
        ("ops.py", r"expected path/to/file.py:function"),
        (f"{tmp_path}/none.py:f", r"no such file"),
        (f"{path}:thrice", r"has no 'thrice'; its functions are twice"),
        (f"{path}:SIZE", r"'SIZE' is a int, expected a function"),
        (f"{broken}:f", r"raises ZeroDivisionError"),
        (f"{quits}:f", r"raises SystemExit"),
    ):
        with pytest.raises(UserError, match=message) as caught:
            load_function(target)
        assert "\n" not in str(caught.value)


def recursive(x, n=3):
    return x if n == 0 else lax.sin(recursive(x, n - 1))


def test_a_function_that_calls_itself():
    assert holds(recursive, X).python_source.count("def recursive") == 1

    def inner(x, n=2):
        return x if n == 0 else inner(x * 2, n - 1)

    assert holds(inner, X).python_source.count("def inner") == 1


def test_arguments_without_an_element_type_of_ours_are_one_line():
    with pytest.raises(UserError, match=r"key<fry>: expected one of .*key_data"):
        extract(lambda key: jax.random.uniform(key), jax.random.key(0))
    with pytest.raises(UserError, match="expected one of"):
        extract(lambda x: x, np.zeros(2, dtype=[("a", "<i4")]))
