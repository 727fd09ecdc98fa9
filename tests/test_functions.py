"""Public functions are read from the text, whatever the aliases, and nothing of the text is executed."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest
from conftest import ROOT, run_jaxir

from jaxir.analysis.functions import METHODS, PROPERTIES, public_functions, unresolved_tables
from jaxir.analysis.reach import template_reach
from jaxir.analysis.universe import universe
from jaxir.errors import UserError

KNOWN = frozenset((*universe().functions, *universe().transforms))
ARRAY = {"jax.Array.operators", "jax.Array.__getitem__"}


def named(text: str) -> set[str]:
    """Without the syntax of arrays, and without the prefix."""
    return {name.removeprefix("jax.") for name in public_functions(inspect.cleandoc(text), KNOWN) - ARRAY}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import jax.numpy as jnp\ndef f(x): return jnp.sin(x)", {"numpy.sin"}),
        ("import jax\ndef f(x): return jax.numpy.linalg.norm(x)", {"numpy.linalg.norm"}),
        ("import jax.numpy\ndef f(x): return jax.lax.add(x, x)", {"lax.add"}),
        ("import jax\ny = jax.scipy.stats.norm.pdf(0.1)", {"scipy.stats.norm.pdf"}),
        ("from jax.scipy import stats\ny = stats.norm.logpdf(0.1)", {"scipy.stats.norm.logpdf"}),
        ("from jax.scipy.stats import norm as n\ny = n.cdf(0.1)", {"scipy.stats.norm.cdf"}),
        ("import jax.scipy as s\nlaw = s.stats.t\ny = law.pdf(0.1, 2)", {"scipy.stats.t.pdf"}),
        ("from jax.nn import relu as activation\ny = map(activation, [])", {"nn.relu"}),
        ("from jax.numpy import sin\ndef f(sin): return sin(1)", set()),
        ("from jax.numpy import sin\ndef f(x):\n    def sin(y): return y\n    return sin(x)", set()),
        ("import jax.numpy as jnp\ny = jnp.add.reduce(jnp.ones(3))", {"numpy.add", "numpy.ones"}),
        (
            "from jax.scipy.spatial.transform import Rotation as R\nr = R.from_quat(q)",
            {"scipy.spatial.transform.Rotation"},
        ),
        ("from jax.experimental import sparse\nm = sparse.BCOO.fromdense(x)", {"experimental.sparse.BCOO"}),
        ("import jax\n@jax.checkpoint\ndef f(x): return x", {"checkpoint"}),
        ("import jax\nf = jax.remat(g)", {"checkpoint"}),
        ("import jax, functools\n@functools.partial(jax.custom_jvp)\ndef f(x): pass", {"custom_jvp"}),
        ("import jax.numpy as jnp\ny = getattr(jnp, 'cos')(x)", {"numpy.cos"}),
        ("import jax.numpy as jnp\nT = {1: 'sin', 2: 'cos'}\ny = getattr(jnp, T[k])(x)", {"numpy.sin", "numpy.cos"}),
        ("import jax.numpy as jnp\nfor n in ('sin', 'tan'):\n    getattr(jnp, n)(x)", {"numpy.sin", "numpy.tan"}),
        (
            "import jax.numpy as jnp\nys = [getattr(jnp, f'arc{n}')(x) for n in ('sin', 'tan')]",
            {"numpy.arcsin", "numpy.arctan"},
        ),
        ("import numpy as np\ny = np.sin(x) + np.ones(3)", set()),
        ("import math\ny = math.sin(x)", set()),
        ("jnp.sin(x)", set()),
        ("from . import numpy as jnp\ny = jnp.sin(x)", set()),
        ("import jax.numpy as jnp\ny = jnp.no_such_function(x)", set()),
        ("def f(x): return x.sum() + x.T", {"numpy.sum", "numpy.transpose"}),
        ("def f(x): return x.reshape(2).astype('f4').mT", {"numpy.reshape", "numpy.astype", "numpy.matrix_transpose"}),
        ("def f(x): return x.at[1:].max(2)", {"Array.at"}),
        ("def f(x): return x.at[0].add(2).max()", {"Array.at", "numpy.max"}),
        ("names = list(x)\nnames.sort()\nother = names.copy()", set()),
    ],
)  # fmt: skip
def test_names_are_resolved(text: str, expected: set[str]) -> None:
    assert named(text) == expected


def test_options_of_a_template_count_one_by_one() -> None:
    text = """
    import jax.numpy as jnp
    from typing import Annotated, Literal
    from jax.scipy import stats
    Law = Literal["norm", "cauchy"]
    def f(x, *, fn: Literal["sin", "cos"], law: Law, part: Annotated[Literal["pdf", "cdf"], "words"]):
        return getattr(jnp, fn)(x) + getattr(getattr(stats, law), part)(x)
    def g(x, *, fn: Literal["tan"]):
        return getattr(jnp, "arc" + fn)(x)
    """
    laws = {f"scipy.stats.{law}.{part}" for law in ("norm", "cauchy") for part in ("pdf", "cdf")}
    assert named(text) == {"numpy.sin", "numpy.cos", "numpy.arctan"} | laws


def test_tables_that_cannot_be_told_are_named_by_line() -> None:
    text = "import jax.numpy as jnp\ndef f(x, fn):\n    return getattr(jnp, fn)(x)\n"
    assert unresolved_tables(text, KNOWN) == [3]
    assert unresolved_tables(text.replace("(x, fn)", "(x, fn: Literal['sin'])"), KNOWN) == []
    assert unresolved_tables("def f(x, fn):\n    return getattr(x, fn)()\n", KNOWN) == []


@pytest.mark.parametrize(
    ("expression", "syntax"),
    [
        ("x + 1", {"operators"}), ("-x", {"operators"}), ("x < y", {"operators"}), ("x @ y", {"operators"}),
        ("x.shape[0] - 1", set()), ("mode == 'max'", set()), ("x is None", set()), ("not x", set()), ("2 * 3", set()),
        ("x[1:]", {"__getitem__"}), ("x[..., None]", {"__getitem__"}), ("x[i]", {"__getitem__"}), ("pair[0]", set()),
        ("x.shape[i]", set()), ("x.at[i].set(1)", {"at"}),
    ],
)  # fmt: skip
def test_syntax_of_arrays(expression: str, syntax: set[str]) -> None:
    found = public_functions(f"def f(x, y, i, pair, mode):\n    return {expression}\n", KNOWN)
    assert {name.rpartition(".")[2] for name in found} == syntax


def test_annotations_are_no_indexing() -> None:
    assert named("def f(x: Float[Array, 'n m'], *, c: Callable[[A], B]) -> Float[Array, 'n']: return g(x)") == set()
    assert public_functions("def f(x: Float[Array, 'n m']) -> Float[Array, 'n']: return g(x)", KNOWN) == set()


def test_methods_are_those_of_arrays() -> None:
    array = jnp.ones((2, 2))
    for method in METHODS:
        assert callable(getattr(array, method))
        assert f"jax.numpy.{method}" in KNOWN or method in ("choose", "compress")
    for name, function in PROPERTIES.items():
        assert (getattr(array, name) == getattr(jnp, function)(array)).all()


def test_every_function_of_the_universe_is_found_where_it_is_written_out() -> None:
    for name in universe().functions:
        module, _, last = name.rpartition(".")
        assert public_functions(f"import jax\njax.{name.removeprefix('jax.')}\n", KNOWN) == {name}
        assert public_functions(f"from {module} import {last} as f\nf(1)\n", KNOWN) == {name}


def test_every_function_of_the_universe_exists() -> None:
    import importlib

    assert universe().jax == jax.__version__
    for name in universe().functions:
        module, _, last = name.rpartition(".")
        assert hasattr(importlib.import_module(module), last), name


def test_hostile_texts_are_neither_run_nor_slow(tmp_path: Path) -> None:
    ruin = tmp_path / "ruin"
    text = f"import jax.numpy as jnp\nopen({str(ruin)!r}, 'w')\n__import__('os').mkdir({str(ruin)!r})\n"
    assert public_functions(text, KNOWN) == set()
    assert not ruin.exists()
    many = ", ".join(f"'n{n}'" for n in range(500))
    lines = ["import jax.numpy as jnp", f"T = ({many})", "U = 'u'"]
    for _ in range(60):  # products and lengths that would double with every line
        lines += ["T = (T, T)", "U = U + U", "V = [f'{a}{b}' for a in T for b in T]", "getattr(getattr(jnp, T), T)"]
    assert public_functions("\n".join(lines), KNOWN) <= {"jax.Array.operators"}


def test_reach_of_a_template_folder(tmp_path: Path) -> None:
    file = tmp_path / "ops.py"
    file.write_text(
        "import jax.numpy as jnp\nfrom jax import lax\n\n\ndef _helper(x):\n    return lax.rsqrt(x)\n\n\n"
        "def first(x):\n    return _helper(jnp.sin(x))\n\n\ndef second(x):\n    return first(jnp.cos(x))\n"
    )
    reach = template_reach([file])
    assert reach.reached["jax.numpy.sin"] == ["first", "second"]
    assert reach.reached["jax.lax.rsqrt"] == ["first", "second"]
    assert reach.reached["jax.numpy.cos"] == ["second"]
    assert set(reach.reached) | set(reach.missing) == KNOWN
    assert len(reach.reached) + len(reach.missing) == 933
    assert reach.unresolved == []
    file.write_text("def f(:\n")
    with pytest.raises(UserError, match=r"ops\.py: no Python file"):
        template_reach([file])


def test_no_table_of_the_own_templates_is_beyond_the_resolver() -> None:
    for path in sorted((ROOT / "templates").rglob("*.py")):
        assert unresolved_tables(ast.parse(path.read_text()), KNOWN) == [], path


def test_the_command_names_what_is_missing() -> None:
    done = run_jaxir(["templates", "coverage", "--thin", "1"], ROOT)
    assert done.returncode == 0, done.stderr
    assert "public functions: " in done.stdout
    assert " of 913 reached" in done.stdout
    assert "in 1 templates or fewer:" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 120
