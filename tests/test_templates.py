"""The template library: what is read, what is refused with which line, and what the type check finds."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import ROOT, run_jaxir

from jaxir import config, resources
from jaxir.cli import main
from jaxir.errors import UserError
from jaxir.generator import check
from jaxir.generator.check import check_template
from jaxir.generator.compose import Quota
from jaxir.generator.plan import composer, composers
from jaxir.generator.templates import Library, library_digest, load_library, read_library
from jaxir.sample import CATEGORIES

HEADER = """\
from collections.abc import Callable
from typing import Annotated, Literal

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxir import Uniform


"""
HEADER_LINES = HEADER.count("\n")
F = 'Float[Array, "n"]'

#: What the predecessor had, and what the issue names.
REQUIRED = {
    "arithmetic": {"add", "sub", "mul", "div"},
    "math": {"sin", "cos", "exp", "tanh", "sqrt"},
    "array": {"dot", "matmul", "sum", "mean", "transpose", "where", "maximum", "minimum"},
    "control_flow": set(),
    "combined": {"linear", "quadratic", "sigmoid", "softmax", "relu", "mse"},
}


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library()


def folder_with(tmp_path: Path, text: str, name: str = "math.py") -> Path:
    folder = tmp_path / "my_ops"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(HEADER + text)
    return folder


def test_every_category_has_at_least_forty_templates(library):
    assert list(library.by_category) == list(CATEGORIES)
    assert all(len(templates) >= 40 for templates in library.by_category.values())


def test_the_predecessors_operations_exist_by_name(library):
    for category, names in REQUIRED.items():
        assert names <= {template.name for template in library.by_category[category]}


def test_the_order_does_not_depend_on_the_file_system(tmp_path, library):
    copy = tmp_path / "copy"
    for path in sorted(resources.folder("templates").rglob("*.*"), reverse=True):
        target = copy / path.relative_to(resources.folder("templates"))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    again, errors = read_library([copy])
    assert errors == []
    assert [item.name for item in again.templates] == [item.name for item in library.templates]
    assert library_digest([copy]) == library_digest([resources.folder("templates")])


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('def f(x):\n    """p"""\n    return x\n', 1, "parameter 'x' has no type"),
        ('def f(x: int) -> Float[Array, "n"]:\n    """p"""\n    return x\n', 1, "int is no jaxtyping array type"),
        ('def f(x: Float[Array, "n"]):\n    """p"""\n    return x\n', 1, "its result has no type"),
        ('def f(x: Float[Array, "n"]) -> Float[Array, "n"]:\n    return x\n', 1, "no docstring"),
        ("def f(\n    x: F,\n    y: Int[Array, '?n'],\n) -> F:\n    'p'\n    return x\n".replace("F", F), 3,
         "parameter 'y': dim '?n'"),
        ("def f(x: F, *, k) -> F:\n    'p'\n    return x\n".replace("F", F), 1, "expected Literal"),
        ('def f(x: Float[Array, "n"]) -> Float[Array, "n"]:\n    """p"""\n    x = x + 1\n    return x\n', 3,
         "parameter 'x' is assigned to"),
        (f'def f(x: {F}) -> {F}:\n    """p"""\n    if True:\n        return x\n    return x\n', 4,
         "only the last statement may return"),
        ('def f() -> Float[Array, "3"]:\n    """p"""\n    return jnp.ones(3)\n', 1, "it takes no array"),
        ('def f(x: Float[Array, "n"], *more) -> Float[Array, "n"]:\n    """p"""\n    return x\n', 1, "*args"),
        ("def f(:\n", 1, "not Python"),
        ("async def f():\n    pass\n", 1, "not `async def`"),
        ("def f(x: F, *, g: Callable) -> F:\n    'p'\n    return g(x)\n".replace("F", F), 1, "Callable[["),
        ("def f(x: F, *, g: Callable[[], F]) -> F:\n    'p'\n    return g()\n".replace("F", F), 1, "Callable[["),
        ("def f(x: F) -> tuple[()]:\n    'p'\n    return ()\n".replace("F", F), 1,
         "the result must be one array type"),
        ("def f(x: F, *, k: Annotated[int, Uniform(0.5, 2)]) -> F:\n    'p'\n    return x\n".replace("F", F), 1,
         "with whole ends"),
        ("def f(x: F, *, k: Literal[b'x']) -> F:\n    'p'\n    return x\n".replace("F", F), 1, "expected Literal"),
        ("def f(x: F) -> F:\n    'p'\n    match 1:\n        case _:\n            pass\n    return x\n".replace("F", F),
         3, "`match` is not in the template language"),
        ("def f(x: F, *, k: Literal[1]) -> F:\n    'the rows of `x` and `y` by `k`'\n    return x\n".replace("F", F), 2,
         "its phrase names `y`; expected a parameter of it in backticks: x, k"),
        ("def f(x: F) -> F:\n    'the sum `x + x`'\n    return x + x\n".replace("F", F), 2, "its phrase names `x + x`"),
    ],
)  # fmt: skip
def test_what_is_outside_the_language_is_refused_with_its_line(tmp_path, text, line, message):
    folder = folder_with(tmp_path, text)
    _, errors = read_library([folder])
    assert len(errors) == 1
    assert str(errors[0]).startswith(f"{folder / 'math.py'}:{line + HEADER_LINES}: ")
    assert message in str(errors[0])
    assert "\n" not in str(errors[0])


def test_a_file_that_does_not_import_is_one_line(tmp_path):
    folder = folder_with(tmp_path, "raise RuntimeError('no\\nno')\n")
    with pytest.raises(UserError, match=r"math\.py: importing it raises RuntimeError: no$"):
        load_library([folder])


def test_a_file_that_exits_or_is_no_text_is_one_line(tmp_path):
    folder = folder_with(tmp_path, "raise SystemExit(0)\n")
    (folder / "array.py").write_bytes(b"\xff\xfe\x00")
    (folder / "combined.py").write_text("x = '\0'\n")
    _, errors = read_library([folder])
    assert [str(error).split(":", 1)[0] for error in errors] == [
        str(folder / name) for name in ("array.py", "combined.py", "math.py")
    ]
    assert all("\n" not in str(error) for error in errors)


def test_a_name_may_not_occur_twice(tmp_path):
    folder = folder_with(
        tmp_path, 'def softmax(x: Float[Array, "n"]) -> Float[Array, "n"]:\n    """p"""\n    return x\n'
    )
    with pytest.raises(UserError, match=r"template 'softmax' exists already in .*; rename it"):
        load_library([folder])


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()])
def test_a_folder_without_templates_is_refused(tmp_path, make):
    make(tmp_path / "none")
    with pytest.raises(UserError, match="none: no "):
        load_library([tmp_path / "none"])


WRONG = [
    # The declared result is wrong; so is the line that declares it.
    ('def wrong_dtype(x: Int[Array, "n"]) -> Int[Array, ""]:\n    """p"""\n    return jnp.mean(x)\n', 1,
     "declared Int"),
    ('def wrong_shape(\n    x: Float[Array, "m n"],\n) -> Float[Array, "m n"]:\n    """p"""\n    return x.T\n', 3,
     'declared Float[Array, "m n"]'),
    ('def wrong_hole(\n    x: Float[Array, "m n"],\n    *,\n    f: Callable[[Float[Array, "m"]], Float[Array, "m"]],\n'
     ') -> Float[Array, "m n"]:\n    """p"""\n    return x + f(x[0])[:, None]\n', 4, "hole 'f' is declared to take"),
    ('def fails(x: Float[Array, "m n"]) -> Float[Array, "m n"]:\n    """p"""\n    return x @ x\n', 1, "tracing raises"),
    ('def pair(x: Float[Array, "n"]) -> tuple[Float[Array, "n"], Float[Array, "n"]]:\n    """p"""\n    return x\n', 1,
     "declares 2 array(s) in a tuple, returns 1"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "message"), WRONG)
def test_the_check_names_the_line_of_a_wrong_type(tmp_path, library, text, line, message):
    folder = folder_with(tmp_path, text)
    found, errors = read_library([folder])
    assert errors == []
    (template,) = found.templates
    problems = list(check_template(template, composers(config.load(), library), 24))
    assert problems
    assert problems[0].line == line + HEADER_LINES
    assert message in str(problems[0])


def test_the_check_command_exits_with_2_and_names_file_and_line(tmp_path):
    folder = folder_with(tmp_path, WRONG[0][0])
    done = run_jaxir(["templates", "check", folder], tmp_path)
    assert done.returncode == 2
    assert f"{folder / 'math.py'}:{HEADER_LINES + 1}: template 'wrong_dtype'" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_a_folder_of_the_library_is_checked_with_the_types_of_the_whole(monkeypatch):
    """The types stand above the folder; tracing it all is `test_the_whole_library_type_checks`."""
    seen = {}
    monkeypatch.setattr(check, "check_template", lambda template, *_: seen.update({template.name: template}) or ())
    monkeypatch.setenv("JAX_NUM_CPU_DEVICES", "1")
    done = CliRunner().invoke(main, ["templates", "check", str(resources.folder("templates") / "array")])
    assert done.exit_code == 0, done.output
    assert done.output.endswith(": 0 problem(s)\n")
    assert {template.category for template in seen.values()} == {"array"}
    assert not seen["crop_window"].x64
    assert "int4" in seen["lax_slice"].steered.dtypes


def test_one_template_is_shown_whatever_types_and_sizes_it_has(tmp_path):
    text = "def wide(x: Float64[Array, 'n']) -> Float64[Array, 'n']:\n    'twice `x`'\n    return 2 * x\n\n\n"
    text += "def large(x: Float[Array, '999 999']) -> Float[Array, '999 999']:\n    'twice `x`'\n    return 2 * x\n"
    folder = folder_with(tmp_path, text.replace("Float64[", "jaxtyping.Float64["))
    path = folder / "math.py"
    path.write_text(f"import jaxtyping\n{path.read_text()}")
    done = run_jaxir(["templates", "show", "wide", "--templates", folder], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "# A kernel of it, for x: float64[" in done.stdout
    done = run_jaxir(["templates", "show", "large", "--templates", folder], tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert f"{path}:{HEADER_LINES + 7}: no kernel can be made of 'large'" in done.stderr


@pytest.mark.parametrize("step", [15, pytest.param(1, marks=pytest.mark.slow)])
def test_text_and_function_have_equal_values(library, step):
    """Types alone would not see a statement that was dropped or folded wrongly."""
    import jax
    import numpy as np

    from jaxir.executor.inputs import draw
    from jaxir.generator.program import Call, Input, Program, Ref
    from jaxir.generator.rng import Rng
    from jaxir.generator.source import write

    grower = composer(config.load(), library)
    checked = 0
    for number, template in enumerate(library.templates):
        if template.holes or number % step:
            continue
        draft = grower.draft(template, Rng("values", template.name), quota=Quota(rank=1))
        if draft is None:
            continue
        inputs = tuple(Input(spec, item.name) for spec, item in zip(draft.specs, template.parameters, strict=True))
        references = tuple(Ref("input", position) for position in range(len(inputs)))
        program = Program(inputs, (Call(template, draft.options, references, {}, draft.results),))
        text = write(program, (), "statements", docstring=False)
        namespace: dict = {}
        exec(text.source, namespace)
        arrays = draw(draft.specs, 0)
        own = jax.tree.leaves(jax.jit(functools.partial(template.fn, **draft.options))(*arrays))
        made = jax.tree.leaves(jax.jit(namespace[text.function_name])(*arrays))
        for left, right in zip(own, made, strict=True):
            inexact = jax.numpy.issubdtype(left.dtype, jax.numpy.inexact)
            assert np.array_equal(np.asarray(left), np.asarray(right), equal_nan=inexact), template.where
        checked += 1
    assert checked > 1400 / step


def test_the_whole_library_type_checks():
    done = run_jaxir(["templates", "check", "--bindings", "2"], ROOT)
    assert done.stdout.rstrip().endswith(": 0 problem(s)"), done.stdout[-2000:]
    assert done.returncode == 0


IMPORTS = {
    "a": (
        "import jax\nimport jax.scipy.special\nfrom jax import nn\n",
        "jax.scipy.special.erf(_norm(x)) + nn.relu(x)",
        2.0,
    ),
    "b": ("import jax\nfrom jax import numpy as jnp\n", "jnp.tanh(_norm(x))", 3.0),
    "c": ("import jax.numpy as jnp\n", "jnp.sin(_norm(x))", 5.0),
}


@pytest.mark.parametrize("style", ["statements", "nested", "helpers"])
def test_helpers_of_one_name_and_imports_of_many_spellings_live_together(tmp_path, style):
    """Three files with a different `_norm` each: every template must keep its own."""
    import jax
    import numpy as np

    from jaxir.generator.program import Call, Input, Program, Ref
    from jaxir.generator.source import write
    from jaxir.sample import ArraySpec

    folder = tmp_path / "ops"
    folder.mkdir()
    for name, (imports, value, factor) in IMPORTS.items():
        (folder / f"{name}.py").write_text(
            f"{imports}from jaxtyping import Array, Float\n\n\ndef _norm(x):\n    return x / {factor}\n\n\n"
            f"def op_{name}(x: Float[Array, 'n']) -> Float[Array, 'n']:\n    'a value'\n    return {value}\n"
        )
    found, errors = read_library([folder])
    assert errors == []
    spec = ArraySpec((4,), "float32")
    refs = [Ref("input", 0), Ref("call", 0), Ref("call", 1)]
    calls = [Call(found.by_name[f"op_{name}"], {}, (ref,), {}, (spec,)) for name, ref in zip("abc", refs, strict=True)]
    text = write(Program((Input(spec, "x"),), tuple(calls)), (), style, docstring=True)
    namespace: dict = {}
    exec(text.source, namespace)
    x = np.linspace(0.1, 2.0, 4, dtype=np.float32)
    expected = x
    for call in calls:
        expected = call.template.fn(expected)
    np.testing.assert_allclose(jax.jit(namespace[text.function_name])(x), expected, rtol=1e-5)


@pytest.mark.parametrize("hole", ["step", "map", "loss", "twice"])
def test_a_hole_may_have_any_name(tmp_path, hole):
    text = (
        f"def apply(x: Float[Array, 'n'], *, {hole}: Callable[[Float[Array, 'n']], Float[Array, 'n']]) -> F:\n"
        f"    'a value'\n    return {hole}({hole}(x))\n\n\n"
        "def step(x: Float[Array, 'n']) -> Float[Array, 'n']:\n    'a step'\n    return jnp.sin(x)\n"
    )
    folder = folder_with(tmp_path, text.replace("-> F:", "-> Float[Array, 'n']:"))
    found, errors = read_library([folder])
    assert errors == []
    for template in found.templates:
        assert list(check_template(template, composers(config.load(), found), 12)) == []
