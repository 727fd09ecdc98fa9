"""Programs to Python text: a module that runs alone and reads as a person's.

Three styles: `statements` (one step a line), `nested` (steps used once become part of the expression that uses them)
and `helpers` (each template is a function of its own).
"""

from __future__ import annotations

import ast
import builtins
import dataclasses
import json
from collections import Counter
from collections.abc import Sequence

from jaxir.closure import global_names
from jaxir.generator.compose import wrapped_inputs
from jaxir.generator.describe import Labels, describe, sentence, speaks_of_the_text
from jaxir.generator.layout import text_of
from jaxir.generator.needs import Needs
from jaxir.generator.program import Call, Program, Wrap, all_calls
from jaxir.generator.rewrite import Names, bound_in, fold, literal, rename
from jaxir.generator.templates import Source

STYLES: tuple[str, ...] = ("statements", "nested", "helpers")
#: A nested expression longer than this many characters gets a line and a name of its own.
_NESTED_WIDTH = 60


@dataclasses.dataclass(frozen=True)
class Text:
    """A kernel as text: the module, the kernel's function in it, the names of its parameters, and what it does."""

    source: str
    function_name: str
    input_names: tuple[str, ...]
    description: str


def write(program: Program, wraps: Sequence[Wrap], style: str, *, docstring: bool) -> Text:
    """The module text of a program under its transforms.

    Args:
        program: what to write.
        wraps: transforms, from the inside out.
        style: one of `STYLES`.
        docstring: whether the kernel gets its root's phrase as a docstring, if what the phrase names has a name.

    Raises:
        Rejected: stage `compose`, if two template files import different things under one name.
    """
    return _Writer(program, style).module(wraps, docstring)


class _Writer:
    def __init__(self, program: Program, style: str) -> None:
        self.program = program
        self.style = style
        self.calls = all_calls(program)
        self.bodies = {id(call): fold(call.template.body, call.options) for call in self.calls}
        self.names = Names({"jax", "jnp", "lax", "np"})
        code: dict[Source, list[ast.AST]] = {}
        for call in self.calls:
            body = _as_function("body", _parameter_names(call), self.bodies[id(call)])
            code.setdefault(call.template.source, []).append(body)
        self.needs = Needs(code, self.names)
        self.helpers: dict[tuple[str, str], ast.FunctionDef] = {}
        self.labels: dict[int, Labels] = {id(call): Labels() for call in self.calls}

    def module(self, wraps: Sequence[Wrap], docstring: bool) -> Text:
        name = self.names.fresh(_kernel_name(self.program, wraps, self.names))
        inner = self.names.fresh(_inner_name(wraps)) if wraps else name
        if self.style == "helpers":
            # Before any local gets a name: a local of the kernel must not hide a helper.
            for call in self.calls:
                self._helper(call)
        scope = self.names.child()
        input_names = [scope.fresh(item.hint) for item in wrapped_inputs(self.program, wraps)]
        own_names = input_names[: len(self.program.inputs)]
        reduce = next((wrap.reduce for wrap in wraps if wrap.reduce), "")
        functions = [_as_function(inner, own_names, self._body(self.program, own_names, scope, reduce))]
        if wraps:
            outer: list[ast.stmt] = [ast.Return(_wrapped(wraps, inner, input_names, len(own_names)))]
            functions.append(_as_function(name, input_names, outer))
        root = self.program.root
        arguments = self.labels[id(root)].arguments
        # A helper has its docstring already; once is enough.
        if docstring and self.style != "helpers" and speaks_of_the_text(root, arguments):
            functions[0].body.insert(0, _docstring(root, arguments))
        definitions = [*self.needs.helpers, *self.helpers.values(), *functions]
        header = self.needs.import_lines(global_names(definitions))
        source = "\n\n\n".join(filter(None, [header, *map(text_of, definitions)])) + "\n"
        return Text(source, name, tuple(input_names), describe(self.program, wraps, input_names, self.labels))

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
                continue
            if not isinstance(value, ast.Name) and not self._nests(program, position, value):
                name = scope.fresh(self._value_hint(program, position))
                statements.append(_assign(name, value))
                value = ast.Name(name, ast.Load())
            values.append(value)
            self.labels[id(call)].value = _label(value)
        return statements

    def _call(self, call: Call, arguments: list[ast.expr], scope: Names, statements: list[ast.stmt]) -> ast.expr:
        """The value of a call; what must come before it is appended to `statements`."""
        values = {item.name: value for item, value in zip(call.template.parameters, arguments, strict=True)}
        for hole, program in call.holes.items():
            # The body of a hole reads nothing of the function around it, so its names are its own.
            inner = self.names.child()
            parameters = [inner.fresh(item.hint) for item in program.inputs]
            body = self._body(program, parameters, inner)
            function = _function_of_same_arguments(body, parameters)
            if function is None:
                name = scope.fresh(hole)
                statements.append(_as_function(name, parameters, body))
                function = ast.Name(name, ast.Load())
            values[hole] = function
        self.labels[id(call)].arguments = {name: _label(value) for name, value in values.items()}
        if self.style == "helpers":
            helper = self._helper(call)
            # The helper may have had to give a hole's parameter another name.
            parameters = [item.arg for item in helper.args.args][len(arguments) :]
            keywords = [ast.keyword(name, values[hole]) for name, hole in zip(parameters, call.holes, strict=True)]
            return ast.Call(ast.Name(helper.name, ast.Load()), arguments, keywords)
        names = {**self.needs.renamed[id(call.template.source)], **values}
        body = self.bodies[id(call)]
        for local in bound_in(body):
            names[local] = ast.Name(scope.fresh(local), ast.Load())
        *before, last = rename(body, names)
        assert isinstance(last, ast.Return)
        assert last.value is not None
        statements.extend(before)
        return last.value

    def _helper(self, call: Call) -> ast.FunctionDef:
        """The helper function of this template with these options; its text is made once."""
        key = (call.template.name, json.dumps(call.options, sort_keys=True))
        if key not in self.helpers:
            own = _parameter_names(call)
            body = fold(call.template.body, call.options)
            name = self.names.fresh(_helper_name(call.template.name))
            scope = self.names.child()
            names = dict(self.needs.renamed[id(call.template.source)])
            for local in (*own, *bound_in(body)):
                names[local] = ast.Name(scope.fresh(local), ast.Load())
            parameters = {local: _label(names[local]) for local in own}
            function = _as_function(name, list(parameters.values()), rename(body, names))
            function.body.insert(0, _docstring(call, parameters))
            self.helpers[key] = function
        return self.helpers[key]

    def _nests(self, program: Program, position: int, value: ast.expr) -> bool:
        """Whether the value of a call may stand inside the expression that uses it, instead of on a line of its own."""
        if self.style == "statements" or len(ast.unparse(value)) > _NESTED_WIDTH:
            return False
        uses = _uses(program, position)
        if len(uses) != 1:
            return False
        call, argument = uses[0]
        return self.style == "helpers" or _reads_once(self.bodies[id(call)], call.template.parameters[argument].name)

    def _value_hint(self, program: Program, position: int) -> str:
        """A name for a value: what its consumer calls it, or the template's own name where that says more."""
        call, argument = _uses(program, position)[0]
        name = call.template.parameters[argument].name
        own = program.calls[position].template.name
        # A helper has the template's name already, and a name of one word is most often a function of jnp.
        says_more = self.style != "helpers" and len(name) < 3 and "_" in own and len(own) <= 16
        return own if says_more else name


def _uses(program: Program, position: int) -> list[tuple[Call, int]]:
    """Where the result of a call goes: consumers and the positions of their arguments."""
    return [
        (call, argument)
        for call in program.calls
        for argument, ref in enumerate(call.arguments)
        if ref.kind == "call" and ref.index == position
    ]


def _function_of_same_arguments(body: Sequence[ast.stmt], parameters: Sequence[str]) -> ast.expr | None:
    """`f` where a body is nothing but `return f(a, b)` of its own parameters `a` and `b`; such a body needs no name."""
    match body:
        case [ast.Return(value=ast.Call(func=ast.Name() | ast.Attribute() as function, args=arguments, keywords=[]))]:
            if [ast.unparse(argument) for argument in arguments] == list(parameters):
                return function
    return None


def _label(value: ast.expr) -> str:
    return value.id if isinstance(value, ast.Name) else ""


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


def _helper_name(name: str) -> str:
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


def _docstring(call: Call, arguments: dict[str, str]) -> ast.stmt:
    return ast.Expr(ast.Constant(sentence(call, arguments)))


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
