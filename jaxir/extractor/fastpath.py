"""Make JAX's own lowering faster in a process that does little else: the same text, byte for byte.

The only file that touches `jax._src`. It calls no private lowering function: `jax.jit(f).trace(...).lower(...)` stays
the way, and what makes it slow is replaced while `install` holds:

* each lowering makes an MLIR context and loads every dialect into it: one context is shared, without threads, and
  replaced after `LOWERINGS_PER_CONTEXT` lowerings or `TEXT_PER_CONTEXT` characters, since MLIR keeps types and
  constants as long as their context;
* each equation captures a traceback, and each op gets a location: neither is in the text;
* the rule of a primitive is lowered once a module: helper functions without symbols of their own are kept as long as
  the context;
* pass pipelines are parsed once.

Each private symbol is looked up with a guard: if one is missing, nothing is replaced and a warning says so once.
Programs of an unusual kind (`unusual`) take the public path. A few programs are lowered both ways at the start, and on
a difference the public path is taken for good.

Patches concern the whole process: install them in worker processes only, never in a user's.
"""

from __future__ import annotations

import contextlib
import gc
import types
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

import jax
import jax.numpy as jnp
from jaxlib.mlir import ir

#: Lowerings after which the shared context is replaced: about 20 kB each stay in it.
LOWERINGS_PER_CONTEXT: Final = 1000
#: Characters of text after which it is: large constants are most of a large text.
TEXT_PER_CONTEXT: Final = 50_000_000
#: Kept lowerings of primitives a context; there are some thousand combinations of primitive, types and parameters.
KEPT_RULES: Final = 20_000
#: Primitives that need devices, shardings, the host or foreign code.
UNUSUAL: Final = frozenset(
    (
        *("shard_map", "sharding_constraint", "layout_constraint", "device_put", "custom_partitioning", "mesh_cast"),
        *("pure_callback", "io_callback", "debug_callback", "infeed", "outfeed", "ffi_call", "pallas_call"),
        *("psum", "pmax", "pmin", "ppermute", "all_gather", "all_to_all", "reduce_scatter", "axis_index"),
        *("tpu_custom_call", "run_state", "get", "swap", "addupdate"),
    )
)


class _Context:
    """A shared MLIR context and what belongs to it."""

    def __init__(self, private: types.SimpleNamespace) -> None:
        self.context = private.make_ir_context()
        self.context.enable_multithreading(False)
        #: by whether x64 is on, which changes what rules written in jax.numpy make
        self.rules: dict[bool, dict[Any, Any]] = {False: {}, True: {}}
        self.ir_types: dict[Any, Any] = {}
        self.pipelines: dict[str, Any] = {}
        self.lowerings = 0
        self.characters = 0
        with self.context:
            self.unknown = ir.Location.unknown()
            self.tracebacks = private.mlir.TracebackCaches()

    @property
    def is_full(self) -> bool:
        return self.lowerings >= LOWERINGS_PER_CONTEXT or self.characters >= TEXT_PER_CONTEXT


class _Rules(dict[Any, Any]):
    """One module's cache of lowered primitives, over those that the context keeps."""

    def __init__(self, kept: dict[Any, Any]) -> None:
        super().__init__()
        self._kept = kept

    def get(self, key: Any, default: Any = None) -> Any:
        found = super().get(key)
        return found if found is not None else self._kept.get(key, default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        if len(self._kept) < KEPT_RULES and _stands_alone(key, value):
            self._kept[key] = value


def _stands_alone(key: Any, value: Any) -> bool:
    """Whether a lowered primitive is inlined and holds no symbol of its module."""
    if not value.inline or value.const_args or any(hasattr(parameter, "eqns") for _, parameter in key.params):
        return False
    alone = True

    def look(op: Any) -> Any:
        nonlocal alone
        if op.name in ("func.call", "stablehlo.custom_call", "stablehlo.composite"):
            alone = False
            return ir.WalkResult.INTERRUPT
        return ir.WalkResult.ADVANCE

    value.func.operation.walk(look)
    return alone


def _private() -> types.SimpleNamespace | str:
    """JAX's private symbols, or the name of one that is missing."""
    try:
        from jax._src import source_info_util
        from jax._src.interpreters import mlir
    except ImportError as error:
        return str(error)
    wanted = {
        mlir: (
            *("ModuleContext", "LoweringParameters", "TracebackCaches", "make_ir_context"),
            *("source_info_to_location", "passmanager"),
        ),
        source_info_util: ("current", "_source_info_context"),
    }
    for module, names in wanted.items():
        for name in names:
            if not hasattr(module, name):
                return f"{module.__name__}.{name}"
    return types.SimpleNamespace(
        mlir=mlir, source_info_util=source_info_util, make_ir_context=mlir.make_ir_context, pause=0
    )


class FastPath:
    """The patches of one process.

    Attributes:
        active: whether lowerings take the fast path now.
        reason: why they do not, or "".
        fallbacks: what made programs take the public path -> how often.
    """

    def __init__(self) -> None:
        self.active = False
        self.reason = "not installed"
        self.fallbacks: Counter[str] = Counter()
        self._undo: list[tuple[Any, str, Any]] = []
        self._shared: _Context | None = None
        self._private: Any = None

    def install(self) -> None:
        """Take the fast path from now on, where this JAX allows it; a warning says where it does not."""
        if self.active:
            return
        found = _private()
        if isinstance(found, str):
            self._give_up(f"this JAX ({jax.__version__}) lacks {found}")
            return
        self._private = found
        try:
            self._patch()
            differs = self._self_check()
        except Exception as error:
            differs = f"{type(error).__name__}: {error}".partition("\n")[0]
        if differs:
            self.remove()
            self._give_up(f"this JAX ({jax.__version__}) lowers differently: {differs}")
            return
        # Everything that is alive now stays: the collector need not look at it again. What a lowering leaves in cycles
        # is small, so it may wait longer for its collection.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 100)

    def remove(self) -> None:
        """Take the public path again."""
        while self._undo:
            owner, name, value = self._undo.pop()
            setattr(owner, name, value)
        self._shared = None
        self.active = False
        self.reason = "removed"

    def _give_up(self, reason: str) -> None:
        self.reason = reason
        warnings.warn(f"the fast path is off, lowering takes the public one: {reason}", RuntimeWarning, stacklevel=3)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Lower in the public way inside."""
        if not self.active:
            yield
            return
        self.active = False
        patched = [(owner, name, getattr(owner, name)) for owner, name, _ in self._undo]
        for owner, name, value in self._undo:
            setattr(owner, name, value)
        try:
            yield
        finally:
            for owner, name, value in patched:
                setattr(owner, name, value)
            self.active = True

    def unusual(self, closed_jaxpr: Any) -> str:
        """Why a traced program must take the public path, or ""; it is counted."""
        reason = _unusual(closed_jaxpr)
        if reason:
            self.fallbacks[reason] += 1
        return reason

    def note(self, text: str) -> None:
        """Count what a lowering left in the shared context."""
        if self._shared is not None:
            self._shared.characters += len(text)

    def _replace(self, owner: Any, name: str, value: Any) -> None:
        self._undo.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    def _take(self) -> _Context:
        if self._shared is None or self._shared.is_full:
            self._shared = _Context(self._private)
        self._shared.lowerings += 1
        return self._shared

    def _patch(self) -> None:
        mlir, source_info_util = self._private.mlir, self._private.source_info_util
        initialize = mlir.ModuleContext.__init__
        usual = mlir.LoweringParameters()

        def module_context(context: Any, **settings: Any) -> None:
            if settings.get("context") is None and settings.get("module") is None:
                shared = self._take()
                settings |= {"context": shared.context, "traceback_caches": shared.tracebacks}
                is_plain = tuple(settings["platforms"]) == ("cpu",) and settings["lowering_parameters"] == usual
                if is_plain and settings.get("lowering_cache") is None:
                    kept = shared.rules[jax.dtypes.canonicalize_dtype("int64") == "int64"]
                    settings |= {"lowering_cache": _Rules(kept), "aval_to_ir_types_cache": shared.ir_types}
            initialize(context, **settings)

        def location(context: Any, *rest: Any) -> Any:
            shared = self._shared
            if shared is not None and context.context is shared.context:
                return shared.unknown
            return ir.Location.unknown(context.context)

        thread = source_info_util._source_info_context
        parse = mlir.passmanager.PassManager.parse

        def parsed(pipeline: str, *rest: Any) -> Any:
            shared = self._shared
            if rest or shared is None or ir.Context.current is not shared.context:
                return parse(pipeline, *rest)
            if pipeline not in shared.pipelines:
                shared.pipelines[pipeline] = parse(pipeline)
            return shared.pipelines[pipeline]

        self._replace(mlir.ModuleContext, "__init__", module_context)
        self._replace(mlir, "source_info_to_location", location)
        self._replace(source_info_util, "current", lambda: thread.context)
        manager = types.SimpleNamespace(PassManager=types.SimpleNamespace(parse=parsed))
        self._replace(mlir, "passmanager", manager)
        self.active, self.reason = True, ""

    def _self_check(self) -> str:
        """Name of a program whose text differs between the two ways, or ""."""
        for make in _CHECKS:
            spec = jax.ShapeDtypeStruct((3, 4), jnp.float32)  # type: ignore[no-untyped-call]  # jax has no types here
            fast = jax.jit(make()).lower(spec).as_text()
            with self.paused():
                if jax.jit(make()).lower(spec).as_text() != fast:
                    return make.__name__
        return ""


def _jaxprs(jaxpr: Any) -> Iterator[Any]:
    yield jaxpr
    for equation in jaxpr.eqns:
        for value in equation.params.values():
            for one in value if isinstance(value, (tuple, list)) else (value,):
                inner = getattr(one, "jaxpr", one)
                if hasattr(inner, "eqns"):
                    yield from _jaxprs(inner)


def _unusual(closed_jaxpr: Any) -> str:
    if closed_jaxpr.effects:
        return "effects"
    for variable in (*closed_jaxpr.jaxpr.invars, *closed_jaxpr.jaxpr.outvars):
        if "key<" in str(getattr(variable.aval, "dtype", "")):
            return "extended types"
    for jaxpr in _jaxprs(closed_jaxpr.jaxpr):
        for equation in jaxpr.eqns:
            if equation.primitive.name in UNUSUAL:
                return str(equation.primitive.name)
            if any(equation.params.get("donated_invars", ())):
                return "donated arguments"
    return ""


def _branches() -> Callable[..., Any]:
    return lambda x: jax.lax.cond(x[0, 0] > 0, lambda: jnp.where(x > 0, x, 1.0), lambda: jnp.sort(x) + jnp.max(x))


def _loop() -> Callable[..., Any]:
    return lambda x: jax.lax.scan(lambda c, row: (jnp.tanh(c * row), c @ row), x[0], x)


def _gradient() -> Callable[..., Any]:
    return jax.grad(lambda x: jnp.sum(jax.nn.softmax(jnp.einsum("ij,kj->ik", x, x)) ** 2))


def _mapped() -> Callable[..., Any]:
    return jax.vmap(lambda row: jnp.linalg.norm(row) + jax.scipy.special.digamma(row)[jnp.argmax(row)])


_CHECKS: Final = (_branches, _loop, _gradient, _mapped)

#: The one of this process.
FAST: Final = FastPath()
