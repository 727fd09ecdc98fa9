"""What a foreign source may name: the second wall of `jaxir validate`, never the only one.

`refusal` reads a source's syntax tree and says what in it is not on the list, before anything is executed. It keeps out
accidents and plain attempts: files, processes, callbacks to the host, configuration. It is no proof of harmlessness; a
process that may die (`jaxir.executor.isolation`) is what protects.

A name is resolved to its full dotted path: imports and assignments of modules to names are followed, so `np` and
`from jax import lax` count as what they stand for.
"""

from __future__ import annotations

import ast
import collections
import collections.abc
import dataclasses
import enum
import functools
import itertools
import math
import operator
import typing
from types import ModuleType
from typing import Final

import numpy
import numpy.typing

#: Modules that may be imported, with everything in them that is not denied. `jax` itself may be imported for the names
#: of `JAX_NAMES`, but be no value: it leads to `os` and `subprocess`.
MODULES: Final = (
    *("jax.numpy", "jax.lax", "jax.nn", "jax.random", "jax.scipy", "jax.image", "jax.ops", "jax.tree", "jax.tree_util"),
    *("ml_dtypes", "jax.sharding"),
)
#: Beginnings of modules that may be imported too.
PREFIXES: Final = ("jax.numpy.", "jax.nn.", "jax.lax.", "jax.scipy.")


def _exported(module: ModuleType) -> frozenset[str]:
    """What a module offers, without the modules that it imports."""
    held = {name for name, value in vars(module).items() if not isinstance(value, ModuleType)}
    return frozenset(held & set(getattr(module, "__all__", held)))


#: Modules that may be imported for what they offer -> names. They are no values either: what they import leads
#: anywhere, as `enum.bltns` does.
OFFERED: Final = {
    module.__name__: _exported(module)
    for module in (
        *(collections, collections.abc, dataclasses, enum, functools, itertools, math, operator, typing),
        *(numpy, numpy.fft, numpy.linalg, numpy.random, numpy.typing),
    )
} | {
    "__future__": frozenset(("annotations",)),
    # Its types; its functions hook into imports.
    "jaxtyping": frozenset(
        (
            *("Array", "ArrayLike", "PRNGKeyArray", "PyTree", "Scalar", "ScalarLike", "Shaped", "Key", "Bool"),
            *("Num", "Real", "Inexact", "Float", "Float16", "Float32", "Float64", "BFloat16"),
            *("Complex", "Complex64", "Complex128", "Integer", "Int", "Int8", "Int16", "Int32", "Int64"),
            *("UInt", "UInt8", "UInt16", "UInt32", "UInt64"),
        )
    ),
}
#: All that may be reached below `jax.experimental`, which otherwise leads to callbacks and files.
EXPERIMENTAL: Final = ("jax.experimental.ode.odeint", "jax.experimental.jet.jet", "jax.experimental.sparse.BCOO")
#: Attributes of `jax` itself.
JAX_NAMES: Final = frozenset(
    (
        *(
            "jit",
            "grad",
            "value_and_grad",
            "vjp",
            "jvp",
            "jacfwd",
            "jacrev",
            "jacobian",
            "hessian",
            "vmap",
            "linearize",
        ),
        *("linear_transpose", "checkpoint", "remat", "custom_vjp", "custom_jvp", "custom_gradient", "named_call"),
        *("named_scope", "eval_shape", "make_jaxpr", "Array", "ShapeDtypeStruct", "closure_convert"),
        *("numpy", "lax", "nn", "random", "scipy", "image", "ops", "tree", "tree_util", "dtypes"),
        *("sharding", "shard_map", "devices", "checkpoint_policies"),
    )
)
#: Attributes that lead out wherever they stand: files, callbacks, configuration, other devices, code.
DENIED: Final = frozenset(
    (
        *("load", "save", "savez", "savez_compressed", "savetxt", "loadtxt", "genfromtxt", "fromfile", "tofile"),
        "fromregex",
        *("memmap", "DataSource", "open_memmap", "ctypeslib", "f2py", "distutils", "testing", "dump", "dumps"),
        *("pure_callback", "io_callback", "callback", "debug", "experimental", "ffi", "config", "update_config"),
        *(
            "compiler_options",
            "profiler",
            "distributed",
            "extend",
            "interpreters",
            "api_util",
            "lib",
            "sys",
            "os",
            "jax",
        ),
        *(
            "subprocess",
            "builtins",
            "importlib",
            "import_module",
            "make_dataclass",
            "attrgetter",
            "methodcaller",
            "get_type_hints",
        ),
        # Each runs an annotation that is a string, as `get_type_hints` does.
        *("singledispatch", "singledispatchmethod", "ForwardRef", "evaluate_forward_ref"),
        # From a running generator or coroutine to the builtins.
        *("gi_frame", "cr_frame", "ag_frame", "f_back", "f_globals", "f_builtins", "f_locals"),
        *("format", "format_map", "vformat", "Formatter"),
    )
)
#: Builtins that run text, reach files, or name what the tree does not show.
DENIED_BUILTINS: Final = frozenset(
    (
        *("eval", "exec", "compile", "open", "input", "breakpoint", "__import__", "globals", "locals", "vars", "dir"),
        *("getattr", "setattr", "delattr", "memoryview", "exit", "quit", "help", "copyright", "credits", "license"),
    )
)


def refusal(source: str) -> str:
    """What is not allowed in a source, `line N: ...`, or "" where all is."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"line {getattr(error, 'lineno', None) or 0}: no Python ({type(error).__name__})"
    reader = _Reader()
    try:
        reader.visit(tree)
    except RecursionError:
        return "line 0: nested too deeply"
    if reader.is_typed and reader.check:
        # jaxtyping executes the text of a dim then: `isinstance(x, Float[Array, "open('a')"])`.
        reader.refuse(reader.check, "'isinstance' beside jaxtyping")
    return reader.fault


def _is_experimental(path: str) -> bool:
    """Whether a path is one of `EXPERIMENTAL`, leads to one, or is an attribute of one."""
    return path.startswith("jax.experimental") and any(
        name == path or name.startswith(f"{path}.") or _is_attribute(path, name) for name in EXPERIMENTAL
    )


def _is_attribute(path: str, name: str) -> bool:
    rest = path.removeprefix(f"{name}.")
    return rest != path and not DENIED.intersection(rest.split("."))


def _is_inner(path: str) -> bool:
    """Whether a path leads into a module to what it does not offer."""
    module = max((name for name in OFFERED if f"{path}.".startswith(f"{name}.")), key=len, default="")
    return path not in OFFERED and bool(module) and path[len(module) + 1 :].partition(".")[0] not in OFFERED[module]


class _Reader(ast.NodeVisitor):
    """Walks a tree in the order of its text; keeps the first fault."""

    def __init__(self) -> None:
        self.fault = ""
        self.modules: dict[str, str] = {}  # name to the dotted path that it stands for
        self.is_typed = False  # whether it imports jaxtyping
        self.check: ast.Name | None = None  # an `isinstance`

    def refuse(self, node: ast.AST, what: str) -> None:
        self.fault = self.fault or f"line {getattr(node, 'lineno', 0)}: {what}"

    def check_module(self, node: ast.AST, path: str) -> None:
        if _is_experimental(path):
            return
        if path != "jax" and path not in MODULES and path not in OFFERED and not path.startswith(PREFIXES):
            self.refuse(node, f"import of '{path}'")
        self.is_typed |= path == "jaxtyping"
        self.check_path(node, path)

    def check_path(self, node: ast.AST, path: str) -> None:
        if _is_experimental(path):
            return
        parts = path.split(".")
        if parts[0] == "jax" and len(parts) > 1 and parts[1] not in JAX_NAMES:
            self.refuse(node, f"'{path}'")
        if _is_inner(path) or any(
            part in DENIED or part in DENIED_BUILTINS or part.startswith("_") for part in parts[1:]
        ):
            self.refuse(node, f"'{path}'")

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.check_module(node, alias.name)
            name = alias.asname or alias.name.partition(".")[0]
            self.modules[name] = alias.name if alias.asname else name

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        if node.level:
            self.refuse(node, "a relative import")
        self.check_module(node, module)
        for alias in node.names:
            if alias.name == "*" or alias.name.startswith("_"):
                self.refuse(node, f"import of '{alias.name}' from '{module}'")
            path = f"{module}.{alias.name}"
            self.check_path(node, path)
            self.modules[alias.asname or alias.name] = path

    def visit_Assign(self, node: ast.Assign) -> None:
        path = self.path(node.value)
        if path:
            for target in node.targets:
                if isinstance(target, ast.Name):
                    self.modules[target.id] = path
        self.generic_visit(node)

    def path(self, node: ast.AST) -> str:
        """The dotted path of a name or attribute of a module, or ""."""
        if isinstance(node, ast.Name):
            return self.modules.get(node.id, "")
        if isinstance(node, ast.Attribute):
            inner = self.path(node.value)
            return f"{inner}.{node.attr}" if inner else ""
        return ""

    def visit_Attribute(self, node: ast.Attribute) -> None:
        path = self.path(node)
        if node.attr.startswith("_"):
            self.refuse(node, f"'{node.attr}' begins with an underscore")
        elif path:
            self.check_path(node, path)
        elif node.attr in DENIED:
            self.refuse(node, f"attribute '{node.attr}'")
        if not isinstance(node.value, ast.Name):  # a module alone is only refused where no attribute follows
            self.visit(node.value)
        elif not path:
            self.visit_Name(node.value)

    def visit_Name(self, node: ast.Name) -> None:
        if node.id == "isinstance":
            self.check = self.check or node
        if node.id in DENIED_BUILTINS or node.id.startswith("__"):
            self.refuse(node, f"'{node.id}'")
        elif (path := self.path(node)) == "jax" or path in OFFERED:
            self.refuse(node, f"the module '{path}' as a value")

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg in ("compiler_options", "allow_pickle"):
            self.refuse(node.value, f"argument '{node.arg}'")
        self.generic_visit(node)

    def visit_MatchClass(self, node: ast.MatchClass) -> None:
        self.refuse(node, "a class pattern")
