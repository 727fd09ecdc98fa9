"""IR text up to names: which dialect a text is in, its canonical text, and its skeleton.

Foreign IR may be hostile, and parsing MLIR can kill the process, so everything here is one regular-expression pass over
the text; no pattern takes more than linear time, whatever the text. The result is a text to compare and to hash, not to
parse again.
"""

from __future__ import annotations

import functools
import re

# A string that never ends counts up to the end of its line, so that no text is scanned twice.
_STRING = r'"(?:[^"\\\n]|\\.)*+"?'
_NAME = r"[\w$.-]+"

#: (dialect, literals of which one must occur, pattern); the first that fits the start of a text decides.
_SIGNS: tuple[tuple[str, tuple[str, ...], re.Pattern[str]], ...] = (
    ("hlo", ("HloModule",), re.compile(r"^[ \t]*HloModule\b", re.M)),
    ("stablehlo", ("stablehlo.", "chlo."), re.compile(r"\b(?:stablehlo|chlo)\.\w")),
    ("mlir", ("module", "func"), re.compile(r"^[ \t]*module\b.*[@{]|\bfunc\.func\b|^[ \t]*func\b.*@", re.M)),
    (
        *("llvm", ("define", "declare", "target")),
        re.compile(r"^[ \t]*(?:define|declare)\b[^\n]*@|^target (?:triple|datalayout)\b", re.M),
    ),
    ("jaxpr", ("lambda",), re.compile(r"\{[ \t]*lambda\b[^\n]*;")),
)
_HEAD = 20_000


@functools.lru_cache(maxsize=2)  # the steps of an analysis ask for the same text one after another
def dialect_of(ir: str) -> str:
    """`stablehlo`, `mlir` (any other MLIR), `hlo`, `llvm`, `jaxpr`, or "" for a text that is no IR we know."""
    head = ir[:_HEAD]
    for dialect, literals, sign in _SIGNS:
        if any(literal in head for literal in literals) and sign.search(head):
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
_MLIR_INFO = re.compile(
    rf" \{{jax\.(?:result_info|arg_info) = {_STRING}\}}|jax\.(?:result_info|arg_info) = {_STRING}(?:, )?"
)
_LOC_ALIAS = re.compile(r"^#loc\w*\s*=[^\n]*$", re.M)
_LOC = re.compile(r"\bloc\(")
# Each alternative starts with a literal character and none is a group: `re` then skips quickly to the next one.
_MLIR_TOKEN = re.compile(
    rf"%{_NAME}|@{_NAME}|@{_STRING}|{_STRING}|\^{_NAME}|//[^\n]*|custom_call\s+@{_NAME}|func\.func\s|func\s"
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
    symbols: dict[str, str] = {}
    local: dict[str, str] = {}  # names of values and blocks belong to a function

    def rename(match: re.Match[str]) -> str:
        token = match.group()
        kind = token[0]
        if kind in "%^":
            return local.setdefault(token, f"{kind}{len(local)}")
        if kind == "@":
            return symbols.setdefault(token, f"@{len(symbols)}")
        if kind == "f":
            local.clear()
        return " " if kind == "/" else token

    return " ".join(_MLIR_TOKEN.sub(rename, _MLIR_INFO.sub("", _without_locations(ir))).split())


# --- HLO text -----------------------------------------------------------------------------------------------------

_HLO_METADATA = re.compile(
    rf"(?:, )?metadata=\{{(?:[^{{}}\"]|{_STRING}|\{{[^{{}}]*\}})*+\}}|/\*[^*\n]*\*/|(?:, )?origin=\{{[^{{}}]*\}}"
)
_HLO_TABLES = re.compile(r"^(?:FileNames|FunctionNames|FileLocations|StackFrames)\n(?:\d+ [^\n]*\n)*", re.M)
_HLO_MODULE = re.compile(rf"^([ \t]*HloModule)\s+{_NAME}", re.M)
_HLO_DEFINED = re.compile(
    rf"^[ \t]*(?:ROOT[ \t]+)?%?({_NAME})[ \t]+=\s|^(?:ENTRY[ \t]+)?%?({_NAME})[ \t]*(?:\([^\n]*)?\{{[ \t]*$", re.M
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
_LLVM_DECLARED = re.compile(rf"^[ \t]*declare\b[^\n@]*@({_NAME})", re.M)
_LLVM_TOKEN = re.compile(
    rf"(?P<string>{_STRING})|(?P<define>^[ \t]*define\b)|(?P<label>^{_NAME}(?=:))|(?P<value>%{_NAME})"
    rf"|(?P<symbol>@{_NAME})",
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
