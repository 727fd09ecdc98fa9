"""Kernel text: it runs alone, every style means the same, and nothing in it is idle."""

from __future__ import annotations

import ast
import os
import subprocess
import sys

import jax
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxir import config
from jaxir.errors import Rejected
from jaxir.extractor.lower import load, lower
from jaxir.generator.layout import text_of
from jaxir.generator.plan import Plan
from jaxir.generator.rewrite import bound_in, fold, rename
from jaxir.generator.rng import Rng
from jaxir.generator.source import STYLES, write
from jaxir.generator.templates import load_library

LIBRARY = load_library()
PLAN = Plan(config.load("default", {"balanced": True}), LIBRARY)


def kernel(index: int, attempt: int = 0):
    """The kernel of the first attempt that composes."""
    while True:
        try:
            return PLAN.kernel(index, attempt)
        except Rejected:
            attempt += 1


def lowered(source: str, name: str, inputs, *, x64: bool = False) -> str:
    with jax.enable_x64(x64):
        return lower(load(source, name), inputs).stablehlo


def unused(tree: ast.Module) -> set[str]:
    """Names that a module binds and never reads, in any scope."""
    nodes = list(ast.walk(tree))
    read = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    stored = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    functions = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    imported = {
        alias.asname or alias.name
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    parameters = {
        argument.arg for node in nodes if isinstance(node, ast.FunctionDef)
        for argument in (*node.args.args, *node.args.kwonlyargs)
    }  # fmt: skip
    return {name for name in (stored | functions | imported | parameters) - read if not name.startswith("_")}


@settings(max_examples=60)
@given(st.integers(0, 20_000))
def test_a_kernel_runs_alone_and_has_nothing_idle(index):
    made = kernel(index)
    assert unused(ast.parse(made.source)) <= {made.function_name}
    assert made.source == PLAN.kernel(index, made.attempt).source
    try:
        text = lowered(made.source, made.function_name, made.inputs, x64=made.x64)
    except Rejected:
        # Some programs have no derivative, no batch or no dynamic shape; admission counts these. Nothing else may fail.
        holes = any(template.holes for template in LIBRARY.templates if template.name in made.templates)
        symbolic = any(isinstance(dim, str) for spec in made.inputs for dim in spec.shape)
        # And one process of tests has one device.
        several_devices = "jax.devices()" in made.source
        if not (made.transforms or holes or symbolic or several_devices):
            raise
        return
    assert text.startswith(f"module @jit_{made.function_name} ")


@settings(max_examples=40)
@given(st.integers(0, 20_000), st.sampled_from([2, 3, 4]))
def test_every_style_is_the_same_program(index, level):
    from jaxir.extractor import canonical, program

    root = PLAN.entry(index).root
    try:
        made, _ = PLAN.composers[False].compose(root, level, Rng("styles", index))
    except Rejected:
        return
    hashes = set()
    for style in STYLES:
        text = write(made, (), style, docstring=False)
        parsed = program.parse(lowered(text.source, text.function_name, [item.spec for item in made.inputs]))
        hashes.add(canonical.structure(parsed).canonical)
    assert len(hashes) == 1


def folded(body: str, **options) -> str:
    return "\n".join(map(ast.unparse, fold(body, options)))


@pytest.mark.parametrize(
    ("body", "options", "text"),
    [
        ("return getattr(jnp, fn)(x)", {"fn": "sin"}, "return jnp.sin(x)"),
        ("return x if mode == 'a' else y", {"mode": "b"}, "return y"),
        ("if mode in ('a', 'b'):\n    z = -x\nelse:\n    z = y\nreturn z", {"mode": "a"}, "z = -x\nreturn z"),
        ("return x ** power", {"power": -2}, "return x ** (-2)"),
        ("return power ** x", {"power": -2}, "return (-2) ** x"),
        ("return x[order + 1:]", {"order": 1}, "return x[2:]"),
        ("return {'a': jnp.sin, 'b': jnp.cos}[fn](x)", {"fn": "b"}, "return jnp.cos(x)"),
        ("if not flag:\n    z = x\nelse:\n    z = -x\nreturn z", {"flag": True}, "z = -x\nreturn z"),
        ("return x * scale", {"scale": -0.5}, "return x * -0.5"),
        ("parts = [x, x]\nparts[0] = -x\nreturn f(parts)", {}, "parts = [x, x]\nparts[0] = -x\nreturn f(parts)"),
        ("y = x\nz = y + 1\nreturn z", {}, "z = x + 1\nreturn z"),
        ("return f(lambda k: k + 1, k)", {"k": 3}, "return f(lambda k: k + 1, 3)"),
        ("return x * (k or 2)", {"k": 5}, "return x * 5"),
        ("return x if causal and x.ndim > 1 else y", {"causal": True}, "return x if x.ndim > 1 else y"),
        ("return x if 1 < k < 5 else y", {"k": 3}, "return x"),
        ("return jnp.einsum(f'{kind}->', x)", {"kind": "ij"}, "return jnp.einsum('ij->', x)"),
        ("a = x * 2\nb = a + 1\nreturn b if order > 1 else x", {"order": 1}, "return x"),
    ],
)
def test_options_are_folded_away(body, options, text):
    assert folded(body, **options) == text


def renamed(body: str, **names: str) -> str:
    tree = ast.parse(body).body
    targets = {old: ast.Name(new, ast.Load()) for old, new in names.items()}
    for local in bound_in(tree):
        targets.setdefault(local, ast.Name(local, ast.Load()))
    return "\n".join(map(ast.unparse, rename(tree, targets)))


def test_two_parameters_that_become_one_name_are_not_captured():
    # `x` is a parameter of the lambda and `y` a name around it: both become `a`, and must stay apart.
    assert renamed("return f(lambda x: x + y, x)", x="a", y="a") == "return f(lambda x: x + a, a)"
    assert renamed("return f(lambda a: a + y)", y="a") == "return f(lambda a_2: a_2 + a)"


def test_nested_functions_and_comprehensions_keep_their_scope():
    text = renamed("def step(c, x):\n    y = c + w\n    return y\nreturn [step(i, w) for i in x]", w="c", x="rows")
    assert text == "def step(c_2, x):\n    y = c_2 + c\n    return y\nreturn [step(i, c) for i in rows]"


def test_text_does_not_depend_on_the_hash_seed():
    code = (
        "import hashlib\nfrom jaxir import config\nfrom jaxir.generator.plan import Plan\n"
        ""
        "from jaxir.generator.templates import load_library\n"
        "plan = Plan(config.load('default', {'balanced': True}), load_library())\n"
        "from jaxir.errors import Rejected\ntexts = []\nfor index in range(60):\n"
        "    try: texts.append(repr(plan.kernel(index)))\n    except Rejected as r: texts.append(str(r))\n"
        "print(hashlib.sha256(''.join(texts).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed, "LC_ALL": "C", "TZ": zone},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }  # fmt: skip
    assert len(digests) == 1


@settings(max_examples=60)
@given(st.integers(0, 20_000))
def test_the_layout_changes_no_meaning(index):
    made = kernel(index)
    for statement in ast.parse(made.source).body:
        assert ast.dump(ast.parse(text_of(statement))) == ast.dump(ast.Module([statement], []))


def test_long_lines_are_broken_inside_brackets():
    call = f"total = combine(lambda a, b: a + b, {', '.join(f'argument_{n}[0, 1]' for n in range(8))})"
    text = text_of(ast.parse(call).body[0])
    assert max(map(len, text.splitlines())) <= 100
    assert "    lambda a, b: a + b,\n" in text
    assert ast.dump(ast.parse(text)) == ast.dump(ast.parse(call))
    assert text_of(ast.parse("a, b = (b, (a, 'x)'))").body[0]) == "a, b = b, (a, 'x)')"
    assert text_of(ast.parse("return_ = (x,)").body[0]) == "return_ = (x,)"
