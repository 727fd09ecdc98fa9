"""What a foreign source may name: the second wall of `jaxir validate`, never the only one.

`refusal` reads a source's syntax tree and says what in it is not on the list, before anything is executed. It keeps out
accidents and plain attempts: files, processes, callbacks to the host, configuration. It is no proof of harmlessness; a
process that may die (`jaxir.executor.isolation`) is what protects.

A name is resolved to its full dotted path: imports and assignments of modules to names are followed, so `np` and
`from jax import lax` count as what they stand for.
"""

from __future__ import annotations

import ast
from typing import Final

#: Modules that may be imported, with everything in them that is not denied. `jax` itself may be imported for the names
#: of `JAX_NAMES`, but be no value: it leads to `os` and `subprocess`.
MODULES: Final = (
    *("jax.numpy", "jax.lax", "jax.nn", "jax.random", "jax.scipy", "jax.image", "jax.ops", "jax.tree", "jax.tree_util"),
    *("numpy", "ml_dtypes", "functools", "itertools", "operator", "math", "dataclasses", "typing", "collections"),
    *("collections.abc", "enum", "__future__", "jax.sharding"),
)
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
    return reader.fault


def _is_experimental(path: str) -> bool:
    """Whether a path is one of `EXPERIMENTAL`, leads to one, or is an attribute of one."""
    return path.startswith("jax.experimental") and any(
        name == path or name.startswith(f"{path}.") or _is_attribute(path, name) for name in EXPERIMENTAL
    )


def _is_attribute(path: str, name: str) -> bool:
    rest = path.removeprefix(f"{name}.")
    return rest != path and not DENIED.intersection(rest.split("."))


class _Reader(ast.NodeVisitor):
    """Walks a tree in the order of its text; keeps the first fault."""

    def __init__(self) -> None:
        self.fault = ""
        self.modules: dict[str, str] = {}  # name to the dotted path that it stands for

    def refuse(self, node: ast.AST, what: str) -> None:
        self.fault = self.fault or f"line {getattr(node, 'lineno', 0)}: {what}"

    def check_module(self, node: ast.AST, path: str) -> None:
        if _is_experimental(path):
            return
        if path != "jax" and path not in MODULES and not path.startswith(("jax.scipy.", "numpy.")):
            self.refuse(node, f"import of '{path}'")
        self.check_path(node, path)

    def check_path(self, node: ast.AST, path: str) -> None:
        if _is_experimental(path):
            return
        parts = path.split(".")
        if parts[0] == "jax" and len(parts) > 1 and parts[1] not in JAX_NAMES:
            self.refuse(node, f"'{path}'")
        for part in parts[1:]:
            if part in DENIED:
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
        if not isinstance(node.value, ast.Name):  # `jax` alone is only refused where no attribute follows
            self.visit(node.value)
        elif not path:
            self.visit_Name(node.value)

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in DENIED_BUILTINS or node.id.startswith("__"):
            self.refuse(node, f"'{node.id}'")
        elif self.path(node) == "jax":
            self.refuse(node, "the module 'jax' as a value")

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg in ("compiler_options", "allow_pickle"):
            self.refuse(node.value, f"argument '{node.arg}'")
        self.generic_visit(node)

    def visit_MatchClass(self, node: ast.MatchClass) -> None:
        self.refuse(node, "a class pattern")
