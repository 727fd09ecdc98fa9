"""Rebuild the universe of what JAX can emit: call its public functions over element types, lower, and collect.

    python scripts/build_universe.py --jobs 2 --out universe.json
    python scripts/build_universe.py --compare other.json --merge other.json --package jaxir/analysis/universe.json

For the installed version of JAX on the CPU: every public function of its modules is called with typed arguments
(`universe_recipes.py`; what no recipe names is tried with a few argument lists), over all element types, with 64-bit
types on and off, alone and under `vmap` and reverse-mode differentiation; then collectives under `shard_map` over eight
virtual devices, and exports with a symbolic dimension. Everything found is a lower bound. Takes some ten minutes of a
core, with `--quick --kinds float32` one.

`--merge` adds what another universe of the same JAX version knows (`--fixed` takes all but attribute values from it, so
that figures of coverage stay comparable); `--package` writes the compact form that the package reads. Functions that
nothing could call are printed, each with its last error.
"""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import functools
import importlib
import json
import os
import pkgutil
import signal
import sys
import typing
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import Any

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"

import click
import jax
import ml_dtypes  # noqa: F401  names the small floating-point types for NumPy
import numpy as np
from tqdm import tqdm
from universe_files import TRANSFORMS, Found, document, lines, merged, packed, sets_of

from jaxir.analysis.functions import public_functions
from jaxir.analysis.irtext import scan
from jaxir.errors import UserError
from jaxir.extractor.lower import FAST
from jaxir.sample import LOW_BIT

CORE = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "bfloat16", "float16", "float32", "float64", "complex64", "complex128",
)  # fmt: skip
#: Types that are lowered again without 64-bit types, where indices and defaults have 32 bits.
NARROW = ("bool", "int32", "uint32", "bfloat16", "float32", "complex64")
DIFFERENTIATED = ("bfloat16", "float32", "float64", "complex64")
MODULES = (
    "jax.numpy", "jax.numpy.linalg", "jax.numpy.fft", "jax.lax", "jax.lax.linalg", "jax.nn", "jax.nn.initializers",
    "jax.random", "jax.image", "jax.ops", "jax.scipy.cluster.vq", "jax.scipy.fft", "jax.scipy.integrate",
    "jax.scipy.interpolate", "jax.scipy.linalg", "jax.scipy.ndimage", "jax.scipy.optimize", "jax.scipy.signal",
    "jax.scipy.sparse.linalg", "jax.scipy.spatial.transform", "jax.scipy.special", "jax.scipy.stats",
)  # fmt: skip
#: No computation: files, printing, type objects, shape arithmetic of NumPy.
SKIPPED = frozenset(
    f"jax.numpy.{name}"
    for name in (
        "load", "save", "savez", "fromfile", "fromstring", "frombuffer", "from_dlpack", "fromiter", "get_printoptions",
        "set_printoptions", "printoptions", "array_repr", "array_str", "einsum_path",
    )
)  # fmt: skip
LIMIT_S = 20.0
RECIPE_FILE = Path(__file__).with_name("universe_recipes.py")


class Arguments:
    """The factory that a recipe is called with: notes the arguments that it asks for, then hands out tracers."""

    def __init__(self, kind: str, given: tuple[Any, ...] | None = None, sizes: dict[str, int] | None = None) -> None:
        self.kind = np.dtype(kind)
        self.shapes: list[tuple[tuple[int | str, ...], np.dtype[Any] | None]] = []
        self._given = None if given is None else iter(given)
        self._sizes = sizes or {}

    def __call__(self, *shape: int | str) -> Any:
        return self._make(shape, None)

    def _make(self, shape: tuple[int | str, ...], kind: Any) -> Any:
        if self._given is not None:
            return next(self._given)
        self.shapes.append((shape, kind and np.dtype(kind)))
        sizes = [self._sizes[size] if isinstance(size, str) else size for size in shape]
        return jax.numpy.zeros(sizes, kind or self.kind)

    def i(self, *shape: int | str) -> Any:
        return self._make(shape, np.int32)

    def f(self, *shape: int | str) -> Any:
        return self._make(shape, np.float32)

    def b(self, *shape: int | str) -> Any:
        return self._make(shape, np.bool_)

    def words(self, *shape: int | str) -> Any:
        return self._make(shape, np.uint32)

    def key(self) -> Any:
        return self.words(2)


class Late(Exception):
    """A lowering that took longer than `LIMIT_S`."""


@contextlib.contextmanager
def time_limit() -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise Late(f"longer than {LIMIT_S:.0f} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# --- the public functions and the recipes ----------------------------------------------------------------------------


@functools.cache
def walked() -> dict[str, Callable[..., Any]]:
    """Public functions by full name; of classes only those of `jax.scipy`, which are called like functions."""
    stats = importlib.import_module("jax.scipy.stats")
    modules = [*MODULES, *(f"jax.scipy.stats.{item.name}" for item in pkgutil.iter_modules(stats.__path__))]
    found = {}
    for module in modules:
        for name, value in sorted(vars(importlib.import_module(module)).items()):
            full = f"{module}.{name}"
            is_class = isinstance(value, type) and not module.startswith("jax.scipy")
            is_class |= typing.get_origin(value) is not None  # such as `tuple[...]`, a name for type annotations
            if name.startswith("_") or not callable(value) or is_class or full in SKIPPED:
                continue
            found[full] = value
    return found


@dataclasses.dataclass(frozen=True)
class Recipe:
    names: frozenset[str]
    call: Callable[[Any], Any]
    route: str


class _Split(ast.NodeTransformer):
    """Makes one recipe of each element of a lambda's tuple, so that one refusal does not take the others with it."""

    def __init__(self, imports: list[ast.stmt], known: frozenset[str]) -> None:
        self._imports, self._known = imports, known

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        if not node.args.args or node.args.args[0].arg != "a":
            return node
        parts = node.body.elts if isinstance(node.body, ast.Tuple) else [node.body]
        recipes = []
        for part in parts:
            names = public_functions(ast.Module([*self._imports, ast.Expr(part)], []), self._known)
            call = ast.Lambda(node.args, part)
            recipes.append(ast.Tuple([call, ast.Constant(" ".join(sorted(names)))], ast.Load()))
        return ast.List(recipes, ast.Load())


@functools.cache
def recipes() -> tuple[list[Recipe], tuple[Callable[..., Any], ...]]:
    """The recipes of the file, and the generic calls."""
    known = frozenset((*walked(), *TRANSFORMS))
    by_identity: dict[int, set[str]] = {}
    for name, function in walked().items():
        by_identity.setdefault(id(function), set()).add(name)
    tree = ast.parse(RECIPE_FILE.read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    tables = {"RECIPES": "cpu-jit", "SHARDED": "cpu-shard_map", "EXPORTED": "cpu-export-symbolic"}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in tables:
            _Split(imports, known).visit(node.value)
    namespace: dict[str, Any] = {"__name__": "universe_recipes"}
    exec(compile(ast.fix_missing_locations(tree), str(RECIPE_FILE), "exec"), namespace)
    out = []
    for table, route in tables.items():
        for group in namespace[table]:
            for call, names in group:
                defaults = {name for value in call.__defaults__ or () for name in by_identity.get(id(value), ())}
                out.append(Recipe(frozenset(names.split()) | defaults, call, route))
    return out, namespace["GENERIC"]


# --- lowering --------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Asked:
    """The arguments that a recipe asked for: shapes, and dtypes where they are not those under test."""

    shapes: tuple[tuple[tuple[int | str, ...], np.dtype[Any] | None], ...]

    @property
    def typed(self) -> bool:
        return any(dtype is None for _, dtype in self.shapes)

    def specs(self, kind: str) -> list[jax.ShapeDtypeStruct]:
        return [jax.ShapeDtypeStruct(shape, np.dtype(dtype or kind)) for shape, dtype in self.shapes]


def asked(recipe: Recipe, kind: str) -> Asked:
    """Trace a recipe once for the arguments that it takes."""
    first = Arguments(kind, sizes={"n": 8})
    if recipe.route == "cpu-shard_map":
        _sharded(lambda: recipe.call(first), [])
    else:
        jax.eval_shape(lambda: recipe.call(first))
    return Asked(tuple(first.shapes))


def lowered_text(recipe: Recipe, arguments: Asked, kind: str, wrap: str) -> str:
    """The IR of a recipe for one element type."""

    def run(*given: Any) -> Any:
        results = recipe.call(Arguments(kind, given))
        return [leaf for leaf in jax.tree.leaves(results) if hasattr(leaf, "aval") or isinstance(leaf, np.ndarray)]

    specs = arguments.specs(kind)
    if recipe.route == "cpu-export-symbolic":
        scope = jax.export.SymbolicScope()
        symbolic = [
            jax.ShapeDtypeStruct(
                jax.export.symbolic_shape(",".join(map(str, spec.shape)), scope=scope) if spec.shape else (), spec.dtype
            )
            for spec in specs
        ]
        with FAST.paused():
            return str(jax.export.export(jax.jit(run))(*symbolic).mlir_module())
    if recipe.route == "cpu-shard_map":
        return _sharded(run, specs)
    traced = jax.jit(_wrapped(run, specs, wrap)).trace(*specs)
    with FAST.paused() if not FAST.active or FAST.unusual(traced.jaxpr) else contextlib.nullcontext():
        text = str(traced.lower().as_text())
    FAST.note(text)
    return text


def _sharded(body: Callable[..., Any], specs: list[Any]) -> str:
    """The IR of `body` on each of eight devices; the arguments are the parts that one device holds."""
    mesh = jax.sharding.Mesh(np.array(jax.devices()), ("i",))
    part = jax.sharding.PartitionSpec("i")
    whole = [jax.ShapeDtypeStruct((8 * spec.shape[0], *spec.shape[1:]), spec.dtype) for spec in specs]
    mapped = jax.shard_map(body, mesh=mesh, in_specs=(part,) * len(specs), out_specs=part, check_vma=False)
    with FAST.paused():
        return str(jax.jit(mapped).lower(*whole).as_text())


def _wrapped(run: Callable[..., Any], specs: list[Any], wrap: str) -> Callable[..., Any]:
    if wrap == "vmap":
        return lambda *given: jax.vmap(run)(*(jax.numpy.stack([x, x]) for x in given))
    if wrap != "vjp":
        return run
    inexact = [n for n, spec in enumerate(specs) if jax.numpy.issubdtype(spec.dtype, np.inexact)]
    if not inexact:
        raise TypeError("nothing to differentiate")

    def backward(*given: Any) -> Any:
        def of_inexact(*values: Any) -> Any:
            every = list(given)
            for place, value in zip(inexact, values, strict=True):
                every[place] = value
            return [y for y in run(*every) if jax.numpy.issubdtype(y.dtype, np.inexact)]

        results, pull = jax.vjp(of_inexact, *(given[n] for n in inexact))
        return pull([jax.numpy.ones_like(y) for y in results])

    return backward


def tried(recipe: Recipe, settings: Settings, found: Found) -> None:
    """Lower a recipe for every element type, in every way that its route allows."""
    plans = [(kind, True, "") for kind in settings.kinds]
    if recipe.route == "cpu-jit" and settings.quick:
        plans += [("float32", False, "vjp")]
    elif recipe.route == "cpu-jit":
        plans += [(kind, False, "") for kind in NARROW]
        plans += [(kind, True, "vjp") for kind in DIFFERENTIATED]
        plans += [("float32", False, "vmap"), ("float32", False, "vjp")]
    plans.sort(key=lambda plan: plan[0] not in NARROW)  # the types that most functions take come first
    arguments, failed, done = None, set[str](), False
    for kind, x64, wrap in plans:
        if kind in failed or (arguments is not None and done and not arguments.typed and kind != "float32"):
            continue
        jax.config.update("jax_enable_x64", x64)
        try:
            with time_limit(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                arguments = arguments or asked(recipe, kind)
                found.add(scan(lowered_text(recipe, arguments, kind, wrap)), recipe.route)
            done = True
        except Exception as error:  # most calls of a table are refused for some type
            failed |= set() if wrap else {kind}
            if not done:
                message = (str(error).strip().splitlines() or [""])[0]
                found.errors.update(dict.fromkeys(recipe.names, f"{type(error).__name__}: {message[:120]}"))
    if done:
        found.functions |= recipe.names


@dataclasses.dataclass(frozen=True)
class Settings:
    kinds: tuple[str, ...]
    quick: bool
    share: float
    parts: int


def generic_recipes(name: str) -> list[Recipe]:
    """The generic calls of a function that some common type accepts."""
    function = walked()[name]
    out = []
    for call in recipes()[1]:
        recipe = Recipe(frozenset({name}), functools.partial(call, function), "cpu-jit")
        for kind in ("float32", "int32", "bool", "complex64"):
            with contextlib.suppress(Exception), time_limit(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                asked(recipe, kind)
                out.append(recipe)
                break
        if len(out) == 4:
            break
    return out


def run_part(number: int, settings: Settings) -> Found:
    """One part of the tasks, in a process of its own."""
    FAST.install()
    found = Found()
    listed = recipes()[0]
    named = frozenset(name for recipe in listed for name in recipe.names)
    tasks: list[Recipe | str] = [*listed, *(name for name in walked() if name not in named)]
    tasks = tasks[:: round(1 / settings.share)]
    for place, task in enumerate(tasks[number :: settings.parts]):
        given = [task] if isinstance(task, Recipe) else generic_recipes(task)
        if not given and isinstance(task, str):
            found.errors[task] = "no recipe, and no generic call of it works"
        for recipe in given:
            tried(recipe, settings, found)
        if place % 10 == 9:
            jax.clear_caches()  # else they grow without bound
    return found


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="Write the universe to this file.")
@click.option("--package", type=click.Path(path_type=Path), help="Write the compact form that the package reads.")
@click.option(
    "--compare", type=click.Path(path_type=Path, exists=True), help="Say what share of this universe was found."
)
@click.option("--merge", type=click.Path(path_type=Path, exists=True), help="Add what this universe knows.")
@click.option(
    "--fixed",
    type=click.Path(path_type=Path, exists=True),
    help="Take the lists of this universe as they are, and from this run only its attribute values.",
)
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1), help="Processes.")
@click.option("--kinds", default="all", show_default=True, help="Element types by name with commas, `core` or `all`.")
@click.option("--quick", is_flag=True, help="Less of each function: 64-bit types on, and only float32 differentiated.")
@click.option(
    "--share", default=1.0, type=click.FloatRange(0, 1, min_open=True), help="Only this share of the functions."
)
def main(
    out: Path | None,
    package: Path | None,
    compare: Path | None,
    merge: Path | None,
    fixed: Path | None,
    jobs: int,
    kinds: str,
    quick: bool,
    share: float,
) -> None:
    """Rebuild the universe of what JAX emits on a CPU."""
    chosen = {"core": CORE, "all": (*CORE, *LOW_BIT)}.get(kinds) or tuple(kinds.split(","))
    if unknown := set(chosen) - {*CORE, *LOW_BIT}:
        raise UserError(
            f"--kinds: no element type {', '.join(sorted(unknown))}; known are {', '.join((*CORE, *LOW_BIT))}"
        )
    settings = Settings(chosen, quick, share, parts=16 * jobs)
    found = Found()
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        parts = pool.map(run_part, range(settings.parts), repeat(settings))
        for part in tqdm(parts, total=settings.parts, disable=None):
            found.update(part)
    universe = document(found)
    click.echo(f"{found.programs:,} programs")
    for name, members in sets_of(universe).items():
        click.echo(f"{name}: {len(members)}")
    if compare is not None:
        mine, theirs = sets_of(universe), sets_of(json.loads(compare.read_text(encoding="utf-8")))
        click.echo(f"\nagainst {compare}:")
        for name, members in theirs.items():
            if members:
                missing = sorted(members - mine[name])
                click.echo(
                    f"{name}: {len(members) - len(missing)} of {len(members)} found again "
                    f"({100 * (1 - len(missing) / len(members)):.1f} %), {len(mine[name] - members)} more; missing: "
                    + (", ".join(" ".join(m) if isinstance(m, tuple) else m for m in missing[:60]) or "none")
                )
    for path in (merge, fixed):
        if path is not None:
            other = json.loads(path.read_text(encoding="utf-8"))
            if other["jax"] != universe["jax"]:
                raise UserError(f"{path}: a universe of JAX {other['jax']}, not {universe['jax']}; leave it out")
            universe = merged(universe, other) if path is merge else other | {"attributes": universe["attributes"]}
    uncalled = {name: error for name, error in sorted(found.errors.items()) if name not in found.functions}
    click.echo(f"\nnothing lowers for {len(uncalled)} functions:")
    for name, error in uncalled.items():
        click.echo(f"  {name}: {error}")
    if out is not None:
        out.write_text(json.dumps(universe), encoding="utf-8")
    if package is not None:
        package.write_text(lines(packed(universe, walked())), encoding="utf-8")


if __name__ == "__main__":
    try:
        main(standalone_mode=False)
    except (UserError, click.ClickException) as error:
        sys.exit(f"build_universe: {error}")
