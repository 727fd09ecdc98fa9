"""A kernel in plain English, and its docstring: phrases of the templates with the names that the text has."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence

from jaxir.generator.program import Call, Program, Wrap, all_calls
from jaxir.generator.templates import OptionValue


@dataclasses.dataclass
class Labels:
    """What a call's arguments and value are called in the text; "" for an expression without a name."""

    arguments: dict[str, str] = dataclasses.field(default_factory=dict)
    value: str = ""


def phrase(call: Call, arguments: Mapping[str, str]) -> str:
    """The phrase of a call with its options' values and the names of its arguments."""

    def named(match: re.Match[str]) -> str:
        return f"`{arguments.get(match[1]) or match[1]}`"

    return re.sub(r"`(\w+)`", named, call.template.phrase_with(call.options))


def sentence(call: Call, arguments: Mapping[str, str]) -> str:
    """The phrase as a sentence, for a docstring."""
    text = phrase(call, arguments)
    return f"{text[:1].upper()}{text[1:]}."


def speaks_of_the_text(call: Call, arguments: Mapping[str, str]) -> bool:
    """Whether every argument that the phrase names has a name in the text."""
    return all(arguments.get(name) for name in re.findall(r"`(\w+)`", call.template.phrase_with(call.options)))


def describe(program: Program, wraps: Sequence[Wrap], input_names: Sequence[str], labels: Mapping[int, Labels]) -> str:
    """What the kernel computes, how it is transformed, then what feeds it and what is in its holes.

    Args:
        program: the program.
        wraps: its transforms.
        input_names: names of the kernel's parameters.
        labels: `id(call)` -> names in the text.
    """
    root = program.root
    subject = phrase(root, labels[id(root)].arguments)
    sentences = [f"Computes {subject}"]
    for wrap in wraps:
        match wrap.transform:
            case "grad" | "value_and_grad":
                names = " and ".join(f"`{input_names[position]}`" for position in wrap.argnums)
                what = "the gradient" if wrap.transform == "grad" else "the value and the gradient"
                total = f"the {wrap.reduce} of " if wrap.reduce else ""
                sentences[0] = f"Computes {what}, with respect to {names}, of {total}{subject}"
            case "vmap":
                sentences.append(f"It is mapped over a batch of {wrap.size}")
            case "jvp":
                sentences.append("Returns it together with its directional derivative")
            case "checkpoint":
                sentences.append("Intermediate values are rematerialised in the backward pass")
    for call in reversed(program.calls):
        owner = "Its" if call is root else "The"
        of = "" if call is root else f" of {call.template.name}"
        for parameter, ref in zip(call.template.parameters, call.arguments, strict=True):
            if ref.kind == "call":
                feeder = program.calls[ref.index]
                name = labels[id(feeder)].value
                what = f"`{name}`" if name else f"{owner} `{parameter.name}`{of}"
                sentences.append(f"{what} is {phrase(feeder, labels[id(feeder)].arguments)}")
        for hole, inner in call.holes.items():
            inside = phrase(inner.root, labels[id(inner.root)].arguments)
            sentences.append(f"{owner} `{hole}`{of} computes {inside}")
    return ". ".join(dict.fromkeys(sentences)) + "."


def options_json(program: Program) -> str:
    """Every option that was drawn, as JSON text: a list of [template, {option: value}] in source order."""
    chosen: list[tuple[str, dict[str, OptionValue]]] = [
        (call.template.name, call.options) for call in all_calls(program) if call.options
    ]
    return json.dumps(chosen, sort_keys=True)
