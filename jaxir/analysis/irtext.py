"""What an IR text says: its ops, their element types, their def-use pairs, its custom calls. Text in, counts out.

Nothing is parsed by MLIR: foreign IR may be hostile, and the parser can be made to kill its process. The printed form
of MLIR has one op a line, which is what the scan relies on; it reads the pretty and the generic form.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections import Counter

from jaxir.analysis.irattributes import ATTRIBUTES, attributes
from jaxir.analysis.irnames import canonical_text, dialect_of, skeleton_text

__all__ = ["Facts", "bigrams", "canonical_text", "dialect_of", "op_type_pairs", "ops", "scan", "skeleton_text"]

#: Containers and calls of MLIR: structure, not operations of a program.
STRUCTURE = frozenset({"builtin.module", "func.func", "func.return", "func.call", "module", "func"})
#: Ends of a region: an op of the dialect, but neither typed nor used by anything.
_TERMINATORS = frozenset({"stablehlo.return", "chlo.return"})


@dataclasses.dataclass(frozen=True)
class Facts:
    """Counts over one IR text.

    Attributes:
        ops: op name -> how often; `stablehlo.add`, `chlo.top_k`, for HLO text `hlo.add`, for LLVM `llvm.fadd`.
        pairs: (op, element type) -> how often, in MLIR's spelling (`f32`, `i1`, `ui8`, `complex<f32>`). The type is
            that of the first operand, of the result where there is none, and of the chosen values for `select`.
        bigrams: (defining op, using op) -> how often, one for each operand; block arguments define nothing.
        custom_calls: target -> how often.
        element_types: the element types of the values (not of attributes such as `dense<0> : tensor<2x2xi64>`).
        attributes: (op, attribute, value) as `irattributes` classes them.
    """

    ops: Counter[str]
    pairs: Counter[tuple[str, str]]
    bigrams: Counter[tuple[str, str]]
    custom_calls: Counter[str]
    element_types: frozenset[str]
    attributes: frozenset[tuple[str, str, str]] = frozenset()


def ops(ir: str) -> list[str]:
    """Names of the ops in the text, one for each occurrence, sorted."""
    return sorted(scan(ir).ops.elements())


def op_type_pairs(ir: str) -> set[tuple[str, str]]:
    """The (op, element type) pairs of the text; see `Facts.pairs` for which type counts."""
    return set(scan(ir).pairs)


def bigrams(ir: str) -> Counter[tuple[str, str]]:
    """(defining op, using op) -> count of operands."""
    return scan(ir).bigrams


def scan(ir: str) -> Facts:
    """Everything that is counted, in one pass over the text; a text of no known dialect has no ops."""
    dialect = dialect_of(ir)
    if dialect in ("stablehlo", "mlir"):
        return _scan_mlir(ir)
    if dialect == "hlo":
        return _scan_hlo(ir)
    if dialect == "llvm":
        found = Counter("llvm." + name for name in _LLVM_OP.findall(ir))
        return Facts(found, Counter(), Counter(), Counter(), frozenset(_LLVM_TYPE.findall(ir)))
    return Facts(Counter(), Counter(), Counter(), Counter(), frozenset())


# --- MLIR ---------------------------------------------------------------------------------------------------------

_VALUE = re.compile(r"%[\w$.-]+")
_MLIR_OP = re.compile(r'\s*(?P<results>%[^=]*?=\s*)?(?P<quote>"?)(?P<op>[A-Za-z_][\w$]*(?:\.[\w$]+)*)"?(?=[\s(<{]|$)')
_APPLIES = re.compile(r"\bapplies\s+([\w$]+\.[\w$.]+)")
_REGION_ARGUMENTS = re.compile(r"\s*(?:\^|reducer\s*\()")
_WHILE_BINDING = re.compile(r"(%[\w$.-]+)\s*=\s*(%[\w$.-]+)")
_TARGET = re.compile(r'call_target_name\s*=\s*"([^"]*)"|^\s*@([\w$.-]+)')
_SHAPED = re.compile(
    r"(?:tensor|vector|memref)<(?:\*x|(?:(?:\d+|\?)x)*)([A-Za-z][\w.]*(?:<[^<>]*>)?|![\w.]+(?:<[^<>]*>)?)"
)
_TYPE = re.compile(_SHAPED.pattern + r"|(![\w.]+(?:<[^<>]*>)?|index\b|[su]?i\d+\b|b?f\d+\w*)")


def _element_types(signature: str) -> list[str]:
    """Element types in the order written; a type without elements, such as a token, stands for itself."""
    return [shaped or other for shaped, other in _TYPE.findall(signature)]


@functools.lru_cache(4096)  # few signatures make up most lines
def _typed(op: str, signature: str) -> tuple[tuple[str, ...], str | None]:
    """(element types, type that counts for the op) of the types at the end of a line."""
    untyped = op in STRUCTURE or op in _TERMINATORS
    return tuple(set(_SHAPED.findall(signature))), None if untyped else _pair_type(op, signature)


def _pair_type(op: str, signature: str) -> str | None:
    arguments, arrow, results = signature.partition(" -> ")
    types = _element_types(arguments) or _element_types(results)
    if not types:
        return None
    if op == "stablehlo.select" and len(types) > 1:
        return types[1]
    if op == "stablehlo.complex" and not arrow:  # the short form names the result only
        return types[0].removeprefix("complex<").removesuffix(">")
    return types[0]


def _scan_mlir(ir: str) -> Facts:
    # Lists that are counted at the end: most of what is noted comes many times.
    found: list[str] = []
    uses: list[tuple[str, str]] = []
    typed: list[tuple[str, str]] = []  # (op, the types at the end of its line)
    pairs: Counter[tuple[str, str]] = Counter()
    targets: Counter[str] = Counter()
    definers: dict[str, str] = {}
    kinds: set[str] = set()
    values: set[tuple[str, str, str]] = set()
    waiting: list[str] = []  # generic ops whose types come after their regions

    for raw in ir.splitlines():
        line = raw.rstrip()
        opens = line.endswith("({")
        start = line.lstrip()
        if start.startswith("})"):
            typed.append((waiting.pop() if waiting else "func.func", _signature(line)))
            continue
        if start[:1] in "^r" and _REGION_ARGUMENTS.match(start):
            for name in _VALUE.findall(line):
                definers.pop(name, None)
            continue
        match = _MLIR_OP.match(line)
        if not match:
            continue
        op, results, rest = match["op"], match["results"] or "", line[match.end() :]
        if "." not in op:  # `return`, `call`, `module`, `cond`: no dialect, but a call defines values
            for name in _VALUE.findall(results):
                definers.pop(name, None)
            if op == "return":
                typed.append(("func.return", _signature(line)))
            if opens:
                waiting.append("func.func")
            continue
        if op == "func.func":
            definers.clear()
        if op not in STRUCTURE:
            found.append(op)
        if op not in STRUCTURE and op not in _TERMINATORS:
            used = _VALUE.findall(rest)
            if op == "stablehlo.while" and not match["quote"]:
                bound = _WHILE_BINDING.findall(rest)
                used = [value for _, value in bound]
            for name in used:
                if name in definers:
                    uses.append((definers[name], op))
            if op == "stablehlo.while" and not match["quote"]:
                for name, _ in bound:
                    definers.pop(name, None)
        for name in _VALUE.findall(results):
            if op in STRUCTURE:
                definers.pop(name, None)
            else:
                definers[name] = op
        if op == "stablehlo.custom_call" and (target := _TARGET.search(rest)):
            targets[target[1] or target[2] or ""] += 1
        if op in ATTRIBUTES or "result_accuracy" in rest:
            values.update((op, name, value) for name, value in attributes(op, rest))
        if opens:
            waiting.append(op)
        else:
            signature = _signature(line)
            typed.append((op, signature))
            # `reduce(...) applies op` prints a region of one op and its return.
            if " applies " in rest and (applied := _APPLIES.search(rest)):
                found += (applied[1], "stablehlo.return")
                if kind := _typed(op, signature)[1]:
                    pairs[applied[1], kind] += 1
    for (op, signature), count in Counter(typed).items():
        shown, kind = _typed(op, signature)
        kinds.update(shown)
        if kind:
            pairs[op, kind] += count
    return Facts(Counter(found), pairs, Counter(uses), targets, frozenset(kinds), frozenset(values))


def _signature(line: str) -> str:
    """The types at the end of a line, after the last ` : `; locations are not types."""
    return line.partition(" loc(")[0].rpartition(" : ")[2]


# --- HLO text and LLVM --------------------------------------------------------------------------------------------

_HLO_OP = re.compile(
    r"^[ \t]*(?:ROOT[ \t]+)?%?[\w.-]+[ \t]+=[ \t]+(\(?)([a-z]\w*)?\[?.*?[\])}]\s+([a-z][a-z0-9-]*)\(", re.M
)
_HLO_TARGET = re.compile(r'custom_call_target="([^"]*)"')
_LLVM_OP = re.compile(
    r"^[ \t]+(?:%[\w.]+\s*=\s*)?(?:(?:tail|musttail|notail)\s+)?"
    r"(f?neg|f?add|f?sub|f?mul|[usf]div|[usf]rem|shl|[la]shr|and|or|xor|[if]cmp|phi|select|call|invoke|load|store|alloca|"
    r"getelementptr|bitcast|trunc|[sz]ext|fptrunc|fpext|fpto[us]i|[us]itofp|ptrtoint|inttoptr|addrspacecast|freeze|"
    r"extractelement|insertelement|shufflevector|extractvalue|insertvalue|atomicrmw|cmpxchg|fence|ret|br|switch|"
    r"unreachable)\b",
    re.M,
)
_LLVM_TYPE = re.compile(r"\b(i\d+|half|bfloat|float|double|x86_fp80|fp128)\b")
_HLO_TYPES = {
    "pred": "i1", "c64": "complex<f32>", "c128": "complex<f64>",
    **{f"s{n}": f"i{n}" for n in (2, 4, 8, 16, 32, 64)}, **{f"u{n}": f"ui{n}" for n in (2, 4, 8, 16, 32, 64)},
}  # fmt: skip
_HLO_SHAPED = re.compile(r"\b(pred|bf16|c64|c128|[suf]\d+\w*)\[")


def _scan_hlo(ir: str) -> Facts:
    found: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for bracket, kind, op in _HLO_OP.findall(ir):
        found["hlo." + op] += 1
        if kind and not bracket:  # HLO text names no operand types: here the type is the result's
            pairs["hlo." + op, _HLO_TYPES.get(kind, kind)] += 1
    kinds = {_HLO_TYPES.get(kind, kind) for kind in _HLO_SHAPED.findall(ir)}
    return Facts(found, pairs, Counter(), Counter(_HLO_TARGET.findall(ir)), frozenset(kinds))
