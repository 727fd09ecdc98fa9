"""Programs to Python text: a module that runs alone and reads as a person's.

Three styles: `statements` (one step a line), `nested` (steps used once become part of the expression that uses them)
and `helpers` (each template is a function of its own).
"""

from __future__ import annotations

import ast
import builtins
import dataclasses
import json
import re
from collections import Counter
from collections.abc import Sequence

from jaxir.closure import bound_names, global_names, needed_statements
from jaxir.errors import Rejected
from jaxir.generator.compose import wrapped_inputs
from jaxir.generator.program import Call, Program, Wrap
from jaxir.generator.rewrite import Names, bound_in, fold, literal, rename
from jaxir.generator.templates import OptionValue, Source

STYLES: tuple[str, ...] = ("statements", "nested", "helpers")
#: A nested expression longer than this many characters gets a line and a name of its own.
_NESTED_WIDTH = 60


@dataclasses.dataclass(frozen=True)
class Text:
    """A kernel as text: the module, the kernel's function in it, and the names of its parameters."""

    source: str
    function_name: str
    input_names: tuple[str, ...]


def write(program: Program, wraps: Sequence[Wrap], style: str, *, docstring: bool) -> Text:
    """The module text of a program under its transforms.

    Args:
        program: what to write.
        wraps: transforms, from the inside out.
        style: one of `STYLES`.
        docstring: whether the kernel gets its root's phrase as a docstring, if every name in it is one of the text.

    Raises:
        Rejected: stage `compose`, if two template files import different things under one name.
    """
    return _Writer(program, style).module(wraps, docstring)


class _Writer:
    def __init__(self, program: Program, style: str) -> None:
        self.program = program
        self.style = style
        self.helpers: dict[str, ast.FunctionDef] = {}
        self.helper_names: dict[tuple[str, str], str] = {}
        self.bodies: dict[int, list[ast.stmt]] = {}
        calls = list(_all_calls(program))
        for call in calls:
            self.bodies[id(call)] = fold(call.template.body, call.options)
        self.names = Names({"jax", "jnp", "lax", "np"})
        self.imports, self.dependencies, self.global_maps = self._collect(calls)
        for statement in (*self.imports, *self.dependencies):
            self.names.used |= bound_names(statement)

    # -- what the templates need from their files ------------------------------------------------------------------

    def _collect(self, calls: Sequence[Call]) -> tuple[list[ast.stmt], list[ast.stmt], dict[int, dict[str, ast.expr]]]:
        """Imports, helper statements, and for each source file the helpers that had to be renamed."""
        sources: dict[int, tuple[Source, list[ast.AST]]] = {}
        for call in calls:
            entry = sources.setdefault(id(call.template.source), (call.template.source, []))
            entry[1].append(_as_function("body", _parameter_names(call), self.bodies[id(call)]))
        imports: dict[str, ast.stmt] = {}
        dependencies: dict[str, ast.stmt] = {}
        taken: dict[str, str] = {}
        maps: dict[int, dict[str, ast.expr]] = {}
        for key, (source, nodes) in sources.items():
            needed = needed_statements(source.tree, nodes)
            clashes: dict[str, ast.expr] = {}
            for statement in needed:
                for name in sorted(bound_names(statement)):
                    if taken.setdefault(name, ast.unparse(statement)) == ast.unparse(statement):
                        continue
                    if isinstance(statement, ast.Import | ast.ImportFrom):
                        raise Rejected("compose", "conflicting imports", f"{name} in {source.path.name}")
                    clashes[name] = ast.Name(Names({*taken}).fresh(name), ast.Load())
            for statement in needed:
                if isinstance(statement, ast.Import | ast.ImportFrom):
                    imports[ast.unparse(statement)] = statement
                    continue
                if clashes:
                    (statement,) = rename([ast.parse(ast.unparse(statement)).body[0]], clashes)
                dependencies[ast.unparse(statement)] = statement
            maps[key] = clashes
        return list(imports.values()), list(dependencies.values()), maps

    # -- a module ----------------------------------------------------------------------------------------------------

    def module(self, wraps: Sequence[Wrap], docstring: bool) -> Text:
        name = self.names.fresh(_kernel_name(self.program, wraps, self.names))
        inner = self.names.fresh(_inner_name(wraps)) if wraps else name
        if self.style == "helpers":
            # Before any local gets a name: a local of the kernel must not hide a helper.
            for call in _all_calls(self.program):
                self._helper(call)
        scope = self.names.child()
        inputs = wrapped_inputs(self.program, wraps)
        input_names = [scope.fresh(item.hint) for item in inputs]
        own_names = input_names[: len(self.program.inputs)]
        reduce = next((wrap.reduce for wrap in wraps if wrap.reduce), "")
        body = self._body(self.program, own_names, scope, reduce)
        functions = [_as_function(inner, own_names, body)]
        if wraps:
            functions.append(
                _as_function(name, input_names, [ast.Return(_wrapped(wraps, inner, input_names, len(own_names)))])
            )
        if docstring and _names_in_phrase(self.program.root) <= _names_in_text(functions[0]):
            functions[0].body.insert(0, _docstring(self.program.root))
        definitions = [*self.dependencies, *self.helpers.values(), *functions]
        imports = dict.fromkeys(ast.unparse(item) for item in self.imports)
        used = global_names(definitions)
        for alias, statement in (("jax", "import jax"), ("jnp", "import jax.numpy as jnp")):
            if alias in used:
                imports.setdefault(statement)
        header = "\n".join(sorted(imports, key=lambda line: (line.startswith("from"), line)))
        blocks = [_unparse(item) for item in definitions]
        return Text("\n\n\n".join(filter(None, [header, *blocks])) + "\n", name, tuple(input_names))

    def _body(self, program: Program, input_names: Sequence[str], scope: Names, reduce: str = "") -> list[ast.stmt]:
        """Statements of a function that computes `program` from parameters of these names."""
        statements: list[ast.stmt] = []
        values: list[ast.expr] = []
        for position, call in enumerate(program.calls):
            arguments = [
                values[ref.index] if ref.kind == "call" else ast.Name(input_names[ref.index], ast.Load())
                for ref in call.arguments
            ]
            value = self._call(call, arguments, scope, statements)
            if call is program.root:
                if reduce:
                    value = ast.Call(ast.Attribute(ast.Name("jnp", ast.Load()), reduce, ast.Load()), [value], [])
                statements.append(ast.Return(value))
            elif isinstance(value, ast.Name) or self._nests(program, position, value):
                values.append(value)
            else:
                name = scope.fresh(_value_hint(program, position))
                statements.append(_assign(name, value))
                values.append(ast.Name(name, ast.Load()))
        return statements

    def _call(self, call: Call, arguments: list[ast.expr], scope: Names, statements: list[ast.stmt]) -> ast.expr:
        """The value of a call; what must come before it is appended to `statements`."""
        holes: dict[str, ast.expr] = {}
        for hole, program in call.holes.items():
            # The body of a hole reads nothing of the function around it, so its names are its own.
            inner = self.names.child()
            parameters = [inner.fresh(item.hint) for item in program.inputs]
            body = self._body(program, parameters, inner)
            same = _function_of_same_arguments(body, parameters)
            if same is None:
                name = scope.fresh(hole)
                statements.append(_as_function(name, parameters, body))
                same = ast.Name(name, ast.Load())
            holes[hole] = same
        if self.style == "helpers":
            keywords = [ast.keyword(hole, value) for hole, value in holes.items()]
            return ast.Call(ast.Name(self._helper(call), ast.Load()), arguments, keywords)
        names: dict[str, ast.expr] = dict(self.global_maps[id(call.template.source)])
        names |= {item.name: value for item, value in zip(call.template.parameters, arguments, strict=True)}
        names |= holes
        body = self.bodies[id(call)]
        for local in bound_in(body):
            names[local] = ast.Name(scope.fresh(local), ast.Load())
        *before, last = rename(body, names)
        assert isinstance(last, ast.Return)
        assert last.value is not None
        statements.extend(before)
        return last.value

    def _helper(self, call: Call) -> str:
        """The name of the helper function of this template with these options; its text is made once."""
        key = (call.template.name, json.dumps(call.options, sort_keys=True))
        if key not in self.helper_names:
            name = self.names.fresh(_identifier(call.template.name))
            self.helper_names[key] = name
            scope = self.names.child()
            names: dict[str, ast.expr] = dict(self.global_maps[id(call.template.source)])
            own = _parameter_names(call)
            body = fold(call.template.body, call.options)
            for local in (*own, *bound_in(body)):
                names[local] = ast.Name(scope.fresh(local), ast.Load())
            parameters = [ast.unparse(names[local]) for local in own]
            function = _as_function(name, parameters, rename(body, names))
            function.body.insert(0, _docstring(call))
            self.helpers[name] = function
        return self.helper_names[key]

    def _nests(self, program: Program, position: int, value: ast.expr) -> bool:
        """Whether the value of a call may stand inside the expression that uses it, instead of on a line of its own."""
        if self.style == "statements" or len(ast.unparse(value)) > _NESTED_WIDTH:
            return False
        uses = [
            (call, argument)
            for call in program.calls
            for argument, ref in enumerate(call.arguments)
            if ref.kind == "call" and ref.index == position
        ]
        if len(uses) != 1:
            return False
        if self.style == "helpers":
            return True
        call, argument = uses[0]
        return _reads_once(self.bodies[id(call)], call.template.parameters[argument].name)


def _unparse(statement: ast.stmt) -> str:
    """Text of a statement, with empty lines where a person puts them.

    `ast.unparse` puts one before a nested function, also where it comes first, and none after it.
    """
    lines: list[str] = []
    ends: list[int] = []  # indentations of the nested functions that are open
    for line in ast.unparse(statement).strip().splitlines():
        if not line:
            if lines and not lines[-1].endswith(":"):
                lines.append(line)
            continue
        indent = len(line) - len(line.lstrip())
        closed = [end for end in ends if indent <= end]
        ends = [end for end in ends if indent > end]
        if closed and lines[-1]:
            lines.append("")
        if indent and line.lstrip().startswith("def "):
            ends.append(indent)
        lines.append(line)
    return "\n".join(lines)


def _function_of_same_arguments(body: Sequence[ast.stmt], parameters: Sequence[str]) -> ast.expr | None:
    """`f` where a body is nothing but `return f(a, b)` of its own parameters `a` and `b`; such a body needs no name."""
    match body:
        case [ast.Return(value=ast.Call(func=ast.Name() | ast.Attribute() as function, args=arguments, keywords=[]))]:
            if [ast.unparse(argument) for argument in arguments] == list(parameters):
                return function
    return None


def _all_calls(program: Program) -> Sequence[Call]:
    found: list[Call] = []
    for call in program.calls:
        for inner in call.holes.values():
            found.extend(_all_calls(inner))
        found.append(call)
    return found


def _parameter_names(call: Call) -> list[str]:
    return [*(item.name for item in call.template.parameters), *call.holes]


def _reads_once(body: Sequence[ast.stmt], name: str) -> bool:
    """Whether a name is read exactly once, outside nested functions and loops."""
    reads = 0
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and node.id == name:
                reads += 1
            elif isinstance(node, ast.Lambda | ast.FunctionDef | ast.For | ast.ListComp | ast.GeneratorExp):
                counted = Counter(inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name))
                if counted[name]:
                    return False
    return reads == 1


def _value_hint(program: Program, position: int) -> str:
    """A name for a value: what its consumer calls it, or the template's own name where that says more."""
    for call in program.calls:
        for argument, ref in enumerate(call.arguments):
            if ref.kind == "call" and ref.index == position:
                name = call.template.parameters[argument].name
                own = program.calls[position].template.name
                return own if len(name) < 3 and len(own) <= 16 and not hasattr(builtins, own) else name
    raise AssertionError("a call without a consumer")


def _identifier(name: str) -> str:
    return f"{name}_of" if hasattr(builtins, name) else name


def _kernel_name(program: Program, wraps: Sequence[Wrap], names: Names) -> str:
    root = program.root.template.name
    feeders = [program.calls[ref.index].template.name for ref in program.root.arguments if ref.kind == "call"]
    name = f"{root}_of_{feeders[0]}" if feeders else root
    transforms = [wrap.transform for wrap in wraps if wrap.transform != "checkpoint"]
    if transforms:
        name = "_".join([*reversed(transforms), name])
    return f"{name}_kernel" if hasattr(builtins, name) or name in names.used else name


def _inner_name(wraps: Sequence[Wrap]) -> str:
    if any(wrap.transform in ("grad", "value_and_grad") for wrap in wraps):
        return "loss"
    return "per_example" if wraps[0].transform == "vmap" else "fun"


def _as_function(name: str, parameters: Sequence[str], body: list[ast.stmt]) -> ast.FunctionDef:
    arguments = ast.arguments(
        posonlyargs=[], args=[ast.arg(item) for item in parameters], kwonlyargs=[], kw_defaults=[], defaults=[]
    )
    return ast.FunctionDef(name, arguments, body, [], None, lineno=0)


def _names_in_phrase(call: Call) -> set[str]:
    return set(re.findall(r"`(\w+)`", call.template.phrase_with(call.options)))


def _names_in_text(function: ast.FunctionDef) -> set[str]:
    return {
        node.id if isinstance(node, ast.Name) else node.arg
        for node in ast.walk(function)
        if isinstance(node, ast.Name | ast.arg)
    }


def _docstring(call: Call) -> ast.stmt:
    phrase = call.template.phrase_with(call.options)
    return ast.Expr(ast.Constant(f"{phrase[:1].upper()}{phrase[1:]}."))


def _assign(name: str, value: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Name(name, ast.Store())], value, lineno=0)


def _wrapped(wraps: Sequence[Wrap], inner: str, input_names: Sequence[str], primals: int) -> ast.expr:
    """The call of the transformed inner function, such as `jax.vmap(jax.grad(loss), in_axes=(0, None))(x, w)`."""

    def jax_call(name: str, arguments: list[ast.expr], keywords: list[ast.keyword] | None = None) -> ast.Call:
        return ast.Call(ast.Attribute(ast.Name("jax", ast.Load()), name, ast.Load()), arguments, keywords or [])

    def pack(names: Sequence[str]) -> ast.Tuple:
        return ast.Tuple([ast.Name(name, ast.Load()) for name in names], ast.Load())

    function: ast.expr = ast.Name(inner, ast.Load())
    for wrap in wraps:
        keywords = []
        if wrap.transform == "jvp":
            return jax_call("jvp", [function, pack(input_names[:primals]), pack(input_names[primals:])])
        if wrap.argnums and wrap.argnums != (0,):
            keywords.append(ast.keyword("argnums", _numbers(wrap.argnums)))
        if wrap.in_axes and any(axis is None for axis in wrap.in_axes):
            keywords.append(ast.keyword("in_axes", _numbers(wrap.in_axes)))
        function = jax_call(wrap.transform, [function], keywords)
    return ast.Call(function, [ast.Name(name, ast.Load()) for name in input_names], [])


def _numbers(values: Sequence[int | None]) -> ast.expr:
    items: list[ast.expr] = [ast.Constant(None) if value is None else literal(value) for value in values]
    return items[0] if len(items) == 1 and values[0] is not None else ast.Tuple(items, ast.Load())


def describe(program: Program, wraps: Sequence[Wrap], input_names: Sequence[str]) -> str:
    """The kernel in plain English: the root's phrase, then what feeds it, then the holes and transforms."""
    root = program.root
    phrase = root.template.phrase_with(root.options)
    sentences = [f"Computes {phrase}"]
    for wrap in wraps:
        match wrap.transform:
            case "grad" | "value_and_grad":
                names = " and ".join(f"`{input_names[position]}`" for position in wrap.argnums)
                what = "the gradient" if wrap.transform == "grad" else "the value and the gradient"
                total = f"the {wrap.reduce} of " if wrap.reduce else ""
                sentences[0] = f"Computes {what}, with respect to {names}, of {total}{phrase}"
            case "vmap":
                sentences.append(f"It is mapped over a batch of {wrap.size}")
            case "jvp":
                sentences.append("Returns it together with its directional derivative")
            case "checkpoint":
                sentences.append("Intermediate values are rematerialised in the backward pass")
    for call in reversed(program.calls):
        owner = "Its" if call is root else "The"
        of = "" if call is root else f" of {call.template.name}"
        for argument, ref in enumerate(call.arguments):
            if ref.kind == "call":
                feeder = program.calls[ref.index]
                name = call.template.parameters[argument].name
                sentences.append(f"{owner} `{name}`{of} is {feeder.template.phrase_with(feeder.options)}")
        for hole, inner in call.holes.items():
            inside = inner.root.template.phrase_with(inner.root.options)
            sentences.append(f"{owner} `{hole}`{of} computes {inside}")
    return ". ".join(sentences) + "."


def options_json(program: Program) -> str:
    """Every option that was drawn, as JSON text: a list of [template, {option: value}] in source order."""
    chosen: list[tuple[str, dict[str, OptionValue]]] = [
        (call.template.name, call.options) for call in _all_calls(program) if call.options
    ]
    return json.dumps(chosen, sort_keys=True)
