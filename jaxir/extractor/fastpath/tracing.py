"""Short cuts through JAX's tracing: each handles the usual case and hands everything else to JAX's own function.

A short cut does what the function behind it does for arrays without shardings, references and effects, and nothing
that only error messages need. Where an error is on its way, JAX's function runs again from the start and raises it.

* The result types of primitives whose parameters are plain values (`PLAIN`) are remembered for good: JAX forgets them
  with its tracing caches, which have to be emptied now and then (`jaxir.extractor.lower`).
* The names of a jitted function's arguments, which only error messages hold, are remembered by its arguments' types.
* `Primitive.bind` and what it leads to look at each argument once.
* `jax.jit` without shardings, layouts, donations and devices, inside another trace, skips their bookkeeping.

The functions that are passed by were read in the JAX versions of `READ`, by a digest of their source; in another
version there are no short cuts.
"""

from __future__ import annotations

import hashlib
import inspect
import operator
from collections.abc import Callable
from typing import Any, Final

import jax
from jax.extend.core import primitives

from jaxir.extractor.fastpath.patches import Patch, private

#: Primitives whose parameters hold no programs and no arrays.
PLAIN: Final = (
    *("abs", "acos", "acosh", "add", "and", "argmax", "argmin", "asin", "asinh", "atan", "atan2", "atanh"),
    *("bessel_i0e", "bessel_i1e", "bitcast_convert_type", "broadcast_in_dim", "cbrt", "ceil", "clamp", "clz"),
    *("complex", "concatenate", "conj", "conv_general_dilated", "convert_element_type", "copy", "cos", "cosh"),
    *("cumlogsumexp", "cummax", "cummin", "cumprod", "cumsum", "digamma", "div", "dot_general", "dynamic_slice"),
    *("dynamic_update_slice", "eq", "erf", "erf_inv", "erfc", "exp", "exp2", "expm1", "fft", "floor", "gather", "ge"),
    *("gt", "igamma", "igammac", "imag", "integer_pow", "iota", "is_finite", "le", "lgamma", "log", "log1p"),
    *("logistic", "lt", "max", "min", "mul", "ne", "neg", "nextafter", "not", "or", "pad", "population_count", "pow"),
    *("real", "reduce_and", "reduce_max", "reduce_min", "reduce_or", "reduce_prod", "reduce_sum", "rem", "reshape"),
    *("rev", "round", "rsqrt", "select_n", "shift_left", "shift_right_arithmetic", "shift_right_logical", "sign"),
    *("sin", "sinh", "slice", "sort", "sqrt", "square", "squeeze", "stop_gradient", "sub", "tan", "tanh", "top_k"),
    *("transpose", "xor", "zeta"),
)
#: Remembered result types, and remembered names of arguments; all are forgotten when there are more.
REMEMBERED_TYPES: Final = 20_000
REMEMBERED_NAMES: Final = 2_000
#: Functions that are passed by, and what else is looked up.
PASSED_BY: Final = {
    "core": ("Primitive.bind", "Primitive.is_high"),
    "interpreters.partial_eval": (
        "DynamicJaxprTrace.process_primitive",
        "DynamicJaxprTrace.default_process_primitive",
    ),
    "pjit": ("_trace_for_jit", "PjitParams", "_qdd_cache_index", "_qdd_cache_update"),
    "api_util": ("_non_static_arg_names",),
    "linear_util": ("_clean_keystr_arg_names",),
    "tree_util": ("FlatTree.__len__", "FlatTree.update"),
}
WANTED: Final = {
    **PASSED_BY,
    "core": (
        *PASSED_BY["core"],
        *("Jaxpr", "ClosedJaxpr", "ShapedArray", "Tracer", "trace_ctx", "trace_state_strong_ref", "eval_trace"),
        *("trace_state_clean", "typeof"),
    ),
    "interpreters.partial_eval": (
        *PASSED_BY["interpreters.partial_eval"],
        *("_cached_abstract_eval", "trace_to_jaxpr", "JaxprTracer", "DynamicJaxprTracer"),
        *("DynamicJaxprTrace.make_eqn", "DynamicJaxprTrace.to_jaxpr_tracer", "JaxprStackFrame.add_eqn"),
        *("const_fold_rules", "forwarding_rules", "custom_staging_rules"),
    ),
    "pjit": (*PASSED_BY["pjit"], "jit_p", "UNSPECIFIED", "PjitInfo._fields"),
    "tree_util": (*PASSED_BY["tree_util"], "tracing_registry", "FlatTree.flatten_static_argnums_argnames"),
    "interpreters.batching": ("BatchTracer",),
    "interpreters.ad": ("JVPTracer", "LinearizeTracer"),
    "config": ("trace_context", "eager_constant_folding", "debug_key_reuse"),
    "mesh": ("empty_abstract_mesh",),
    "source_info_util": ("_source_info_context",),
    "util": ("fun_name", "_caches"),
}
#: Digest of the sources of `PASSED_BY` -> the JAX versions that have them.
READ: Final = {"f15db02887c790ec": "0.10.0", "9198e7b3b8f4a757": "0.10.1", "651d33cd2bdb9b46": "0.10.2"}


def digest(found: Any) -> str:
    """Digest of the sources of the functions that are passed by."""
    whole = hashlib.sha256()
    for path, names in PASSED_BY.items():
        for name in names:
            source = inspect.getsource(operator.attrgetter(name)(getattr(found, path.rpartition(".")[2])))
            whole.update(source.encode())
    return whole.hexdigest()[:16]


class Tracing:
    """The short cuts of a process.

    Attributes:
        missing: why this JAX has none, or "".
    """

    def __init__(self) -> None:
        found = private(WANTED)
        if isinstance(found, str):
            self.missing = f"lacks {found}"
            return
        self._private = found
        self._known_caches = 0
        self._bounded: list[tuple[Callable[[], Any], int]] = []
        try:
            self.missing = "" if digest(found) in READ else "traces in another way than the versions known here"
        except (OSError, TypeError) as error:  # a function without a source, or that is no Python any more
            self.missing = f"cannot be read: {error}"

    def patches(self) -> list[Patch]:
        found = self._private
        core, pe, pjit = found.core, found.partial_eval, found.pjit
        result_types = _result_types(found)
        return [
            Patch(pe, "_cached_abstract_eval", result_types),
            Patch(core.Primitive, "bind", _bind(found)),
            Patch(pe.DynamicJaxprTrace, "process_primitive", _process_primitive(found, result_types)),
            Patch(found.api_util, "_non_static_arg_names", _argument_names(found)),
            Patch(found.tree_util.FlatTree, "__len__", lambda tree: len(tree.vals)),
            Patch(found.linear_util, "_clean_keystr_arg_names", _path_text(found)),
            Patch(pjit, "_trace_for_jit", _trace_for_jit(found)),
        ]

    def is_nearly_full(self) -> bool:
        """Whether one of the bounded caches of JAX that hold programs is more than half full."""
        caches = self._private.util._caches
        if len(caches) != self._known_caches:
            self._known_caches = len(caches)
            # Those that hold weak references hold programs; evicting anything else does not matter. -1: no bound.
            sizes = [
                (cache.cache_info, cache.cache_info().maxsize) for cache in caches if hasattr(cache, "evict_weakref")
            ]
            self._bounded = [(info, size) for info, size in sizes if size > 0]
        return any(info().currsize * 2 > size for info, size in self._bounded)


def _result_types(found: Any) -> Callable[..., Any]:
    general, jit_p = found.partial_eval._cached_abstract_eval, found.pjit.jit_p
    trace_context = found.config.trace_context
    plain = {primitive for name in PLAIN if (primitive := getattr(primitives, f"{name}_p", None)) is not None}
    remembered: dict[Any, Any] = {}

    def result_types(primitive: Any, *avals: Any, **params: Any) -> Any:
        if primitive not in plain:
            if primitive is jit_p:
                # Its result types stand in its program: there is nothing to remember.
                return primitive.abstract_eval(*avals, **params)
            return general(primitive, *avals, **params)
        key = (primitive, avals, tuple(params.items()), trace_context())
        try:
            types = remembered.get(key)
        except TypeError:
            return general(primitive, *avals, **params)
        if types is None:
            if len(remembered) >= REMEMBERED_TYPES:
                remembered.clear()
            types = remembered[key] = primitive.abstract_eval(*avals, **params)
        return types

    return result_types


def _bind(found: Any) -> Callable[..., Any]:
    core, pe = found.core, found.partial_eval
    general, array, current = core.Primitive.bind, core.ShapedArray, core.trace_state_strong_ref
    set_trace, eval_trace, no_mesh = core.trace_ctx.set_trace, core.eval_trace, found.mesh.empty_abstract_mesh
    tracers = (pe.DynamicJaxprTracer, pe.JaxprTracer, found.batching.BatchTracer)
    usual = frozenset((*tracers, found.ad.JVPTracer, found.ad.LinearizeTracer))

    def bind(self: Any, *args: Any, **params: Any) -> Any:
        avals = []
        for arg in args:
            if type(arg) not in usual or arg._trace._invalidated:
                return general(self, *args, **params)
            aval = arg.aval
            if type(aval) is not array or aval.sharding.mesh is not no_mesh:
                return general(self, *args, **params)
            avals.append(aval)
        trace = current.value
        set_trace(eval_trace)
        try:
            return self.bind_with_trace(trace, list(args), avals, params)
        finally:
            set_trace(trace)

    return bind


def _process_primitive(found: Any, result_types: Callable[..., Any]) -> Callable[..., Any]:
    core, pe, config = found.core, found.partial_eval, found.config
    general, array, tracer = pe.DynamicJaxprTrace.process_primitive, core.ShapedArray, pe.DynamicJaxprTracer
    thread = found.source_info_util._source_info_context
    # Rules of their own; folding is JAX's word for computing with constants while tracing.
    rules = (pe.const_fold_rules, pe.forwarding_rules, pe.custom_staging_rules)
    plain = frozenset(
        primitive
        for name in PLAIN
        if (primitive := getattr(primitives, f"{name}_p", None)) is not None
        and not any(primitive in rule for rule in rules)
        and type(primitive).is_high is core.Primitive.is_high
        and "is_high" not in vars(primitive)
    )

    def process_primitive(self: Any, primitive: Any, tracers: Any, params: Any, /) -> Any:
        if primitive not in plain or config.eager_constant_folding.value:
            return general(self, primitive, tracers, params)
        source = thread.context
        inputs = [x if type(x) is tracer and x._trace is self else self.to_jaxpr_tracer(x, source) for x in tracers]
        avals = [x.aval for x in inputs]
        for aval in avals:
            if type(aval) is not array:
                return general(self, primitive, tracers, params)
        try:
            types, effects = result_types(primitive, *avals, **params)
        except Exception:
            return general(self, primitive, tracers, params)
        several = primitive.multiple_results
        if effects or isinstance(types, (tuple, list)) != several:
            return general(self, primitive, tracers, params)
        made, results = self.make_eqn(inputs, types if several else (types,), primitive, params, effects, source)
        self.frame.add_eqn(made)
        return results if several else results[0]

    return process_primitive


def _argument_names(found: Any) -> Callable[..., Any]:
    general, registry = found.api_util._non_static_arg_names, found.tree_util.tracing_registry
    # The signature stays with its names, since its address is part of the key.
    remembered: dict[Any, tuple[Any, Any]] = {}

    def argument_names(signature: Any, args: Any, kwargs: Any, static_numbers: Any, static_names: Any) -> Any:
        try:
            _, structure = registry.flatten((tuple(args), kwargs), None)
            key = (id(signature), structure, tuple(static_numbers), tuple(static_names))
            names = remembered.get(key)
        except Exception:
            return general(signature, args, kwargs, static_numbers, static_names)
        if names is None:
            if len(remembered) >= REMEMBERED_NAMES:
                remembered.clear()
            names = signature, general(signature, args, kwargs, static_numbers, static_names)
            remembered[key] = names
        return names[1]

    return argument_names


def _path_text(found: Any) -> Callable[..., str]:
    general = found.linear_util._clean_keystr_arg_names
    return lambda path: general(path) if path else ""


def _trace_for_jit(found: Any) -> Callable[..., Any]:
    core, pe, pjit, config = found.core, found.partial_eval, found.pjit, found.config
    general, array, unspecified = pjit._trace_for_jit, core.ShapedArray, pjit.UNSPECIFIED
    parameters, flatten = pjit.PjitParams, found.tree_util.FlatTree.flatten_static_argnums_argnames
    fun_name, linear_util = found.util.fun_name, found.linear_util
    free = {"fun_sourceinfo", "fun_signature", "static_argnums", "static_argnames", "keep_unused", "inline"}
    fields = operator.attrgetter(*(name for name in pjit.PjitInfo._fields if name not in free))
    usual = fields(jax.jit(abs)._jit_info)  # type: ignore[attr-defined]  # private

    def trace_for_jit(fun: Any, info: Any, mesh: Any, debug: Any, avals: Any, args: Any, kwargs: Any) -> Any:
        if (
            fields(info) != usual
            or not mesh.empty
            or config.debug_key_reuse.value
            or core.trace_state_clean()
            or not all(type(aval) is array for aval in avals)
        ):
            return general(fun, info, mesh, debug, avals, args, kwargs)
        types = flatten(args, kwargs, info.static_argnums, info.static_argnames).update(avals)
        # 0 stands for JAX's number of the state of mutable arguments, and there are none.
        jaxpr, results = pe.trace_to_jaxpr(fun, types, debug, 0)
        for constant in jaxpr.consts:
            if isinstance(constant, core.Tracer) or type(core.typeof(constant)) is not array:
                return general(fun, info, mesh, debug, avals, args, kwargs)
        paths = tuple(f"result{linear_util._clean_keystr_arg_names(path)}" for path in results.paths)
        jaxpr.jaxpr._debug_info = jaxpr.debug_info._replace(result_paths=paths)
        inputs, outputs = len(avals), len(results.vals)
        params = {
            "jaxpr": jaxpr,
            "in_shardings": (unspecified,) * inputs,
            "out_shardings": (unspecified,) * outputs,
            "in_layouts": (None,) * inputs,
            "out_layouts": (None,) * outputs,
            "donated_invars": (False,) * inputs,
            "ctx_mesh": mesh,
            "name": fun_name(fun),
            "keep_unused": info.keep_unused,
            "inline": info.inline,
            "compiler_options_kvs": info.compiler_options_kvs,
        }
        names = debug.safe_arg_names(inputs)
        return parameters([], params, types.vals, types.tree_without_statics, results.tree, names)

    return trace_for_jit
