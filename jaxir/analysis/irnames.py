"""IR text up to names: which dialect a text is in, its canonical text, and its skeleton.

Foreign IR may be hostile, and parsing MLIR can kill the process, so everything here is one regular-expression pass over
the text; no pattern can backtrack more than linearly. The result is a text to compare and to hash, not to parse again.
"""

from __future__ import annotations

import re

_STRING = r'"(?:[^"\\\n]|\\.)*"'
_NAME = r"[\w$.-]+"

#: (dialect, pattern) in the order of the test; the first that occurs near the start of a text decides.
_SIGNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("hlo", re.compile(r"^\s*HloModule\b", re.M)),
    ("stablehlo", re.compile(r"\b(?:stablehlo|chlo)\.\w")),
    ("mlir", re.compile(r"^\s*module\b.*[@{]|\bfunc\.func\b|^\s*func\b.*@", re.M)),
    ("llvm", re.compile(r"^\s*(?:define|declare)\b[^\n]*@|^target (?:triple|datalayout)\b", re.M)),
    ("jaxpr", re.compile(r"\{\s*lambda\b[^\n]*;")),
)
_HEAD = 20_000


def dialect_of(ir: str) -> str:
    """`stablehlo`, `mlir` (any other MLIR), `hlo`, `llvm`, `jaxpr`, or "" for a text that is no IR we know."""
    head = ir[:_HEAD]
    for dialect, sign in _SIGNS:
        if sign.search(head):
            return dialect
    return ""


def canonical_text(ir: str) -> str:
    """The IR with module, function, value and block names numbered by first use; locations and layout dropped.

    Two texts that differ in nothing else come out equal, so the number of distinct results counts distinct IRs up to
    names. Names that mean something stay: targets of custom calls, LLVM intrinsics and external functions.
    A text of no known dialect only has its white space collapsed.
    """
    dialect = dialect_of(ir)
    if dialect in ("stablehlo", "mlir"):
        return _canonical_mlir(ir)
    if dialect == "hlo":
        return _canonical_hlo(ir)
    if dialect == "llvm":
        return _canonical_llvm(ir)
    return " ".join(ir.split())


def skeleton_text(ir: str) -> str:
    """The canonical text without types, shapes, attributes in `<...>` and numbers: a stand-in for `skeleton_hash`.

    It sees the order of the ops, so it is finer than the structural hash of jaxir's own corpora.
    """
    return skeleton_of_canonical(canonical_text(ir))


def skeleton_of_canonical(text: str) -> str:
    """`skeleton_text` for a text that is canonical already."""
    for _ in range(4):  # nested brackets, from the inside; deeper ones stay, which only makes the skeleton finer
        text, found = _ANGLE.subn("~", text)
        if not found:
            break
    return _NUMBER.sub("0", _HLO_TYPE.sub("~", text))


_ANGLE = re.compile(r"(?<![-=])<[^<>]*(?:->[^<>]*)*>")
_NUMBER = re.compile(r"(?<![\w%@^$.])[-+]?(?:0x[0-9A-Fa-f]+|\d[\w.]*(?:[+-]\d+)?)")
_HLO_TYPE = re.compile(r"\b(?:pred|token|bf16|[suf]\d+\w*|c64|c128)\[[^\[\]]*\](?:\{[^{}]*\})?")


class _Numbering:
    """Names to numbers in order of first use."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def __call__(self, name: str) -> int:
        return self._numbers.setdefault(name, len(self._numbers))

    def clear(self) -> None:
        self._numbers.clear()


# --- MLIR ---------------------------------------------------------------------------------------------------------

# Result and argument infos are names of Python values; locations name source lines.
_MLIR_INFO = re.compile(rf"\bjax\.(?:result_info|arg_info)\s*=\s*{_STRING}\s*,?\s*")
_MLIR_EMPTY = re.compile(r"\s*\{\s*\}(?=\s*[,)])")
_LOC_ALIAS = re.compile(r"^#loc\w*\s*=[^\n]*$", re.M)
_LOC = re.compile(r"\bloc\(")
_MLIR_TOKEN = re.compile(
    rf"(?P<keep>\bcustom_call\s+@{_NAME})|(?P<string>{_STRING})|(?P<comment>//[^\n]*)|(?P<func>\bfunc(?:\.func)?(?=\s))"
    rf"|(?P<value>%{_NAME})|(?P<symbol>@(?:{_NAME}|{_STRING}))|(?P<block>\^{_NAME})|(?P<space>\s+)"
)


def _without_locations(text: str) -> str:
    """Drop `loc(...)`, whose brackets nest and hold strings with brackets, in one scan."""
    if "loc(" not in text:
        return text
    text = _LOC_ALIAS.sub("", text)
    out, start = [], 0
    while match := _LOC.search(text, start):
        out.append(text[start : match.start()].rstrip(" "))
        depth, quoted, at = 1, False, match.end()
        while at < len(text) and depth:
            char = text[at]
            if char == "\\" and quoted:
                at += 1
            elif char == '"':
                quoted = not quoted
            elif not quoted:
                depth += (char == "(") - (char == ")")
            at += 1
        start = at
    return "".join([*out, text[start:]])


def _canonical_mlir(ir: str) -> str:
    symbols, values, blocks = _Numbering(), _Numbering(), _Numbering()

    def rename(match: re.Match[str]) -> str:
        kind, text = match.lastgroup, match.group()
        if kind == "value":
            base, _, part = text.partition("#")
            return f"%{values(base)}" + (f"#{part}" if part else "")
        if kind == "symbol":
            return f"@{symbols(text)}"
        if kind == "block":
            return f"^{blocks(text)}"
        if kind == "func":  # names of values are local to a function
            values.clear()
            blocks.clear()
            return text
        if kind in ("space", "comment"):
            return " "
        return " ".join(text.split()) if kind == "keep" else text

    text = _MLIR_EMPTY.sub("", _MLIR_INFO.sub("", _without_locations(ir)))
    return " ".join(_MLIR_TOKEN.sub(rename, text).split())


# --- HLO text -----------------------------------------------------------------------------------------------------

_HLO_METADATA = re.compile(
    rf",?\s*metadata=\{{(?:[^{{}}\"]|{_STRING}|\{{[^{{}}]*\}})*\}}|/\*.*?\*/|,\s*origin=\{{[^{{}}]*\}}"
)
_HLO_TABLES = re.compile(r"^(?:FileNames|FunctionNames|FileLocations|StackFrames)\n(?:\d+ [^\n]*\n)*", re.M)
_HLO_MODULE = re.compile(rf"^(\s*HloModule)\s+{_NAME}", re.M)
_HLO_DEFINED = re.compile(
    rf"^\s*(?:ROOT\s+)?%?({_NAME})\s+=\s|^(?:ENTRY\s+)?%?({_NAME})\s*(?:\([^\n]*->[^\n]*)?\{{\s*$", re.M
)
_HLO_TOKEN = re.compile(rf"{_STRING}|%{_NAME}|(?<![\w.%-])[A-Za-z_][\w.-]*(?![\w.(=-])")


def _canonical_hlo(ir: str) -> str:
    text = _HLO_MODULE.sub(r"\1 m", _HLO_METADATA.sub("", _HLO_TABLES.sub("", ir)))
    # An operation may be called like its opcode (`add = f32[] add(x, y)`): a word before a bracket is never renamed.
    defined = {name for pair in _HLO_DEFINED.findall(text) for name in pair if name} - {"HloModule"}
    numbers = _Numbering()

    def rename(match: re.Match[str]) -> str:
        name = match.group().removeprefix("%")
        return f"%{numbers(name)}" if name in defined else match.group()

    return " ".join(_HLO_TOKEN.sub(rename, text).split())


# --- LLVM ---------------------------------------------------------------------------------------------------------

_LLVM_NOISE = re.compile(r"^(?:source_filename\b|;|!)[^\n]*$|(?:,\s*)?![\w.]+ !(?:\d+|\{[^}\n]*\})|;[^\n]*$", re.M)
_LLVM_DECLARED = re.compile(rf"^\s*declare\b[^\n@]*@({_NAME})", re.M)
_LLVM_TOKEN = re.compile(
    rf"(?P<string>{_STRING})|(?P<define>^\s*define\b)|(?P<label>^{_NAME}(?=:))|(?P<value>%{_NAME})|(?P<symbol>@{_NAME})",
    re.M,
)


def _canonical_llvm(ir: str) -> str:
    text = _LLVM_NOISE.sub("", ir)
    external = set(_LLVM_DECLARED.findall(text))
    symbols, values = _Numbering(), _Numbering()

    def rename(match: re.Match[str]) -> str:
        kind, token = match.lastgroup, match.group()
        if kind == "label":
            return f"%{values('%' + token)}"
        if kind == "value":
            return f"%{values(token)}"
        if kind == "symbol" and token[1:] not in external and not token.startswith("@llvm."):
            return f"@{symbols(token)}"
        if kind == "define":
            values.clear()
        return token

    return " ".join(_LLVM_TOKEN.sub(rename, text).split())
