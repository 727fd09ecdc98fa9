"""What makes a lowering slow, and is not needed for its text.

* Each lowering makes an MLIR context and loads every dialect into it: one context is shared, without threads, and
  replaced after `LOWERINGS_PER_CONTEXT` lowerings or `TEXT_PER_CONTEXT` characters, since MLIR keeps types and
  constants as long as their context.
* Each equation captures a traceback, and each op gets a location: neither is in the text.
* The rule of a primitive is lowered once a module into a function that is then inlined: functions without symbols of
  their own are kept as long as the context, and the smallest rules (`SMALL`) are lowered where they stand, which takes
  less time than the look-up and leaves nothing behind.
* Pass pipelines are parsed once.
"""

from __future__ import annotations

import inspect
import types
from typing import Any, Final

import jax
from jax.extend.core import primitives
from jaxlib.mlir import ir

from jaxir.extractor.fastpath.patches import Patch, private

#: Lowerings after which the shared context is replaced: about 20 kB each stay in it.
LOWERINGS_PER_CONTEXT: Final = 1000
#: Characters of text after which it is: large constants are most of a large text.
TEXT_PER_CONTEXT: Final = 50_000_000
#: Kept lowerings of primitives a context; there are some thousand combinations of primitive, types and parameters.
KEPT_RULES: Final = 20_000
#: Primitives whose rule makes an op or two and calls nothing.
SMALL: Final = (
    *("abs", "add", "and", "ceil", "cos", "div", "eq", "exp", "exp2", "expm1", "floor", "ge", "gt", "le", "log"),
    *("log1p", "logistic", "lt", "max", "min", "mul", "ne", "neg", "not", "or", "pow", "rem", "rsqrt", "select_n"),
    *("sign", "sin", "sqrt", "sub", "tanh", "xor", "broadcast_in_dim", "concatenate", "convert_element_type"),
    *("dot_general", "dynamic_slice", "iota", "pad", "reduce_max", "reduce_sum", "reshape", "slice", "squeeze"),
    "transpose",
)
WANTED: Final = {
    "interpreters.mlir": (
        *("ModuleContext", "LoweringParameters", "TracebackCaches", "make_ir_context"),
        *("source_info_to_location", "passmanager", "_uncacheable_primitives"),
        "_emit_lowering_rule_as_fun",
    ),
    "source_info_util": ("current", "_source_info_context"),
}


class _Context:
    """A shared MLIR context and what belongs to it."""

    def __init__(self, mlir: Any) -> None:
        self.context = mlir.make_ir_context()
        self.context.enable_multithreading(False)
        #: by whether x64 is on, which changes what rules written in jax.numpy make
        self.rules: dict[bool, dict[Any, Any]] = {False: {}, True: {}}
        self.ir_types: dict[Any, Any] = {}
        self.pipelines: dict[str, Any] = {}
        self.lowerings = 0
        self.characters = 0
        with self.context:
            self.unknown = ir.Location.unknown()
            self.tracebacks = mlir.TracebackCaches()

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


class Lowering:
    """The shared context of a process and the patches that put it into JAX's way.

    Attributes:
        missing: a private symbol that this JAX lacks, or ""; there are no patches then.
    """

    def __init__(self) -> None:
        found = private(WANTED)
        self.missing = f"lacks {found}" if isinstance(found, str) else ""
        self._private: Any = found
        self.shared: _Context | None = None

    def take(self) -> _Context:
        if self.shared is None or self.shared.is_full:
            self.shared = _Context(self._private.mlir)
        self.shared.lowerings += 1
        return self.shared

    def note(self, text: str) -> None:
        """Count what a lowering left in the shared context."""
        if self.shared is not None:
            self.shared.characters += len(text)

    def patches(self) -> list[Patch]:
        mlir, source_info_util = self._private.mlir, self._private.source_info_util
        initialize = mlir.ModuleContext.__init__
        usual = mlir.LoweringParameters()
        # A function that is made inside a module, as before JAX 0.10.2, dies with it and must not be kept; and it takes
        # a number from the names of the others, so that none may be spared either.
        keeps_rules = "ip=False" in inspect.getsource(mlir._emit_lowering_rule_as_fun)
        keeps_types = "aval_to_ir_types_cache" in inspect.signature(initialize).parameters

        def module_context(context: Any, **settings: Any) -> None:
            if settings.get("context") is None and settings.get("module") is None:
                shared = self.take()
                settings |= {"context": shared.context, "traceback_caches": shared.tracebacks}
                is_plain = tuple(settings["platforms"]) == ("cpu",) and settings["lowering_parameters"] == usual
                if is_plain and settings.get("lowering_cache") is None:
                    if keeps_rules:
                        has_x64 = jax.dtypes.canonicalize_dtype("int64") == "int64"
                        settings["lowering_cache"] = _Rules(shared.rules[has_x64])
                    if keeps_types:
                        settings["aval_to_ir_types_cache"] = shared.ir_types
            initialize(context, **settings)

        def location(context: Any, *rest: Any) -> Any:
            shared = self.shared
            if shared is not None and context.context is shared.context:
                return shared.unknown
            return ir.Location.unknown(context.context)

        thread = source_info_util._source_info_context
        parse = mlir.passmanager.PassManager.parse

        def parsed(pipeline: str, *rest: Any) -> Any:
            shared = self.shared
            if rest or shared is None or ir.Context.current is not shared.context:
                return parse(pipeline, *rest)
            if pipeline not in shared.pipelines:
                shared.pipelines[pipeline] = parse(pipeline)
            return shared.pipelines[pipeline]

        small = {primitive for name in SMALL if (primitive := getattr(primitives, f"{name}_p", None)) is not None}
        manager = types.SimpleNamespace(PassManager=types.SimpleNamespace(parse=parsed))
        return [
            Patch(mlir.ModuleContext, "__init__", module_context),
            Patch(mlir, "source_info_to_location", location),
            Patch(mlir, "passmanager", manager),
            Patch(mlir, "_uncacheable_primitives", mlir._uncacheable_primitives | (small if keeps_rules else set())),
            Patch(source_info_util, "current", lambda: thread.context),
        ]
