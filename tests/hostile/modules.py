"""Hostile StableHLO: known killers, and mutations of the text of real modules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from jaxir.generator.rng import Rng

GOLDEN = Path(__file__).resolve().parent.parent / "golden"


def _main(body: str, result: str = "tensor<i32>") -> str:
    return f"module @m {{\n  func.func public @main() -> {result} {{\n{body}\n  }}\n}}\n"


def _nested(depth: int) -> str:
    """Each `case` inside of the one branch of another."""
    opening = "".join(f'%r{n} = "stablehlo.case"(%i) ({{\n' for n in range(depth))
    closing = "".join(
        f'"stablehlo.return"({value}) : (tensor<i32>) -> ()\n}}) : (tensor<i32>) -> tensor<i32>\n'
        for value in ("%i", *(f"%r{n}" for n in range(depth - 1, 0, -1)))
    )
    return _main(f"%i = stablehlo.constant dense<0> : tensor<i32>\n{opening}{closing}return %r0 : tensor<i32>")


def _doubling(depth: int) -> str:
    """Each function calls the next one twice: 2**depth calls."""
    functions = "".join(
        f"  func.func private @f{n}(%x: tensor<i32>) -> tensor<i32> {{\n"
        f"    %0 = call @f{n + 1}(%x) : (tensor<i32>) -> tensor<i32>\n"
        f"    %1 = call @f{n + 1}(%0) : (tensor<i32>) -> tensor<i32>\n"
        "    return %1 : tensor<i32>\n  }\n"
        for n in range(depth)
    )
    last = (
        f"  func.func private @f{depth}(%x: tensor<i32>) -> tensor<i32> {{\n"
        "    %0 = stablehlo.add %x, %x : tensor<i32>\n    return %0 : tensor<i32>\n  }\n"
    )
    main = (
        "  func.func public @main() -> tensor<i32> {\n    %c = stablehlo.constant dense<1> : tensor<i32>\n"
        "    %0 = call @f0(%c) : (tensor<i32>) -> tensor<i32>\n    return %0 : tensor<i32>\n  }\n"
    )
    return f"module @m {{\n{main}{functions}{last}}}\n"


#: Modules that abort, hang or exhaust the parser, the interpreter or the compiler of jaxlib 0.10.2.
KILLERS = {
    "integer division by zero": _main(
        "%a = stablehlo.constant dense<1> : tensor<i32>\n%b = stablehlo.constant dense<0> : tensor<i32>\n"
        "%r = stablehlo.divide %a, %b : tensor<i32>\nreturn %r : tensor<i32>"
    ),
    "integer remainder by zero": _main(
        "%a = stablehlo.constant dense<1> : tensor<i32>\n%b = stablehlo.constant dense<0> : tensor<i32>\n"
        "%r = stablehlo.remainder %a, %b : tensor<i32>\nreturn %r : tensor<i32>"
    ),
    "raw CHLO": _main(
        "%a = stablehlo.constant dense<0.5> : tensor<f32>\n%r = chlo.erf %a : tensor<f32> -> tensor<f32>\n"
        "return %r : tensor<f32>",
        "tensor<f32>",
    ),
    "infinite while": _main(
        "%a = stablehlo.constant dense<1> : tensor<i32>\n"
        "%r = stablehlo.while(%x = %a) : tensor<i32>\n"
        "cond {\n%t = stablehlo.constant dense<true> : tensor<i1>\nstablehlo.return %t : tensor<i1>\n}"
        "do {\n%y = stablehlo.add %x, %a : tensor<i32>\nstablehlo.return %y : tensor<i32>\n}\nreturn %r : tensor<i32>"
    ),
    "custom call to an unknown target": _main(
        "%r = stablehlo.custom_call @no_such_target() : () -> tensor<i32>\nreturn %r : tensor<i32>"
    ),
    "custom call to LAPACK with no operands": _main(
        "%r = stablehlo.custom_call @lapack_sgetrf_ffi() {api_version = 4 : i32} : () -> tensor<i32>\n"
        "return %r : tensor<i32>"
    ),
    "allocation of a terabyte": _main(
        "%r = stablehlo.iota dim = 0 : tensor<274877906944xi32>\nreturn %r : tensor<274877906944xi32>",
        "tensor<274877906944xi32>",
    ),
    "13 KB of [": "[" * 13_000,
    "13 KB of [ in an attribute": "module attributes {a = " + "[" * 13_000,
    "3,900 nested regions": _nested(3900),
    "recursive calls": (
        "module @m {\n  func.func public @main() -> tensor<i32> {\n    %0 = call @main() : () -> tensor<i32>\n"
        "    return %0 : tensor<i32>\n  }\n}\n"
    ),
    "a composite of itself": (
        "module @m {\n  func.func public @main() -> tensor<i32> {\n"
        '    %0 = stablehlo.composite "a.b" {decomposition = @main} : () -> tensor<i32>\n'
        "    return %0 : tensor<i32>\n  }\n}\n"
    ),
    "2**40 calls": _doubling(40),
    "huge shape": _main(
        "%a = stablehlo.constant dense<1> : tensor<i32>\n"
        "%r = stablehlo.broadcast_in_dim %a, dims = [] : (tensor<i32>) -> tensor<4611686018427387904xi32>\n"
        "return %r : tensor<4611686018427387904xi32>",
        "tensor<4611686018427387904xi32>",
    ),
    "dense_resource": _main(
        "%r = stablehlo.constant dense_resource<blob> : tensor<1000xi32>\nreturn %r : tensor<1000xi32>",
        "tensor<1000xi32>",
    )
    + '{-#\ndialect_resources: {\nbuiltin: {\nblob: "0x04000000010000000200000003000000"\n}\n}\n#-}\n',
}

_TOKENS = (
    "i32",
    "f32",
    "i1",
    "stablehlo.add",
    "stablehlo.divide",
    "stablehlo.sort",
    "%0",
    "%arg0",
    "[]",
    "0",
    "-1",
    "}",
)


def _mutate(text: str, other: str, rng: Rng) -> str:
    """One or two random changes of a module's text."""
    for _ in range(rng.integer(1, 2)):
        lines = text.split("\n")
        place = rng.integer(0, len(lines) - 1)
        kind = rng.integer(0, 7)
        if kind == 0:
            lines.pop(place)
        elif kind == 1:
            lines.insert(place, rng.choice(lines))
        elif kind == 2:
            lines.insert(place, rng.choice(other.split("\n")))
        elif kind == 3:
            target = rng.integer(0, len(lines) - 1)
            lines[place], lines[target] = lines[target], lines[place]
        elif kind == 4:
            lines = lines[: max(1, place)]
        else:
            words = lines[place].split(" ")
            word = rng.integer(0, len(words) - 1)
            if kind == 5:
                words[word] = rng.choice(_TOKENS)
            elif kind == 6 and any(char.isdigit() for char in words[word]):
                digit = rng.choice([p for p, char in enumerate(words[word]) if char.isdigit()])
                words[word] = words[word][:digit] + str(rng.integer(0, 99)) + words[word][digit + 1 :]
            else:
                at = rng.integer(0, len(words[word]))
                words[word] = words[word][:at] + chr(rng.integer(32, 126)) + words[word][at + 1 :]
            lines[place] = " ".join(words)
        text = "\n".join(lines)
    return text


def mutated(count: int) -> Iterator[str]:
    """Text mutants of the golden kernels' StableHLO; the same ones every time."""
    texts = [path.read_text() for path in sorted(GOLDEN.glob("*.mlir"))]
    for number in range(count):
        rng = Rng("hostile", number)
        yield _mutate(rng.choice(texts), rng.choice(texts), rng)
