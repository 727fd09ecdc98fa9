"""Grow a program by type: from the root's arguments backwards, until the level's number of templates is reached.

Every result has a consumer and every input a use, by construction: a slot (an argument that is still open) is either
filled by a call whose result type unifies with it, or becomes an input.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

from jaxir.errors import Rejected
from jaxir.generator.options import Uniform
from jaxir.generator.program import Call, Input, Program, Ref, Wrap
from jaxir.generator.rng import Rng
from jaxir.generator.templates import Library, OptionValue, Template
from jaxir.generator.types import ArrayType, Binding, Named, Variadic, bind_missing, instantiate, unify
from jaxir.sample import ArraySpec

FLOATS = ("float32", "bfloat16", "float16", "float64")


@dataclasses.dataclass(frozen=True)
class Level:
    """What a level allows: how many templates a kernel holds, and how likely a transform wraps it."""

    templates: Uniform
    wrap: float


@dataclasses.dataclass(frozen=True)
class Shapes:
    """Weights and limits of the arrays in a program. The reference interpreter is slow, so arrays are small."""

    dtypes: dict[str, float]  #: weight of each element type
    sizes: dict[int, float]  #: weight of each dim size
    ranks: dict[int, float]  #: weight of the number of dims a variadic dim stands for
    max_elements: int = 512
    max_rank: int = 4


@dataclasses.dataclass(frozen=True)
class Quota:
    """What a plan asks of a root's call; what it leaves open is drawn by weight."""

    rank: int | None = None  #: of its variadic dim
    dtype: str | None = None  #: of its steered class (`Template.steered`)
    options: Mapping[str, OptionValue] = dataclasses.field(default_factory=dict)


_FREE = Quota()


@dataclasses.dataclass
class _Slot:
    """An argument that is still open."""

    call: int
    argument: int
    spec: ArraySpec
    hint: str
    closed: bool = False


@dataclasses.dataclass
class _Draft:
    """A call under construction; `arguments` is filled as its slots are."""

    template: Template
    options: dict[str, OptionValue]
    arguments: list[Ref | None]
    holes: dict[str, Program]
    results: tuple[ArraySpec, ...]
    specs: tuple[ArraySpec, ...]

    @property
    def size(self) -> int:
        """Templates in it, those in its holes included."""
        return 1 + sum(len(program.templates()) for program in self.holes.values())


class Composer:
    """Programs of one library under one set of weights; every method is a pure function of its `rng`.

    Args:
        library: the templates.
        shapes: weights and limits of arrays.
        levels: what each level allows.
        x64: whether the programs are for x64 on; this decides which templates may feed others, and the types of what
            JAX makes of Python numbers.
    """

    def __init__(self, library: Library, shapes: Shapes, levels: dict[int, Level], *, x64: bool = False) -> None:
        self.library = library
        self.shapes = shapes
        self.levels = levels
        self.x64 = x64
        self._weights: dict[tuple[str, ...], dict[str, float]] = {}
        #: templates that can feed others: those with one result
        self._feeders = {
            category: tuple(item for item in templates if not item.returns_tuple and (item.x64 or not x64))
            for category, templates in library.by_category.items()
        }
        self._all_feeders = tuple(template for templates in self._feeders.values() for template in templates)

    def compose(self, root: Template, level: int, rng: Rng, quota: Quota = _FREE) -> tuple[Program, tuple[Wrap, ...]]:
        """A program of this level around `root`, and the transforms that wrap it.

        Args:
            root: the template whose result the program returns.
            level: 1..5.
            rng: the choices.
            quota: what is asked of the root.

        Raises:
            Rejected: stage `compose`, if no program was found within the limits.
        """
        rules = self.levels[level]
        budget = rng.integer(int(rules.templates.lo), int(rules.templates.hi))
        for _ in range(8):
            program = self._grow(root, budget, rng, quota)
            if program is not None:
                return program, self._wraps(program, rules.wrap, rng)
        raise Rejected("compose", "no program within the limits", root.name)

    # -- one call ------------------------------------------------------------------------------------------------

    def draft(
        self, template: Template, rng: Rng, need: ArraySpec | None = None, *, quota: Quota = _FREE, spare: int = 0
    ) -> _Draft | None:
        """A call of `template` with all its types bound; None if that cannot be.

        Args:
            template: what to call.
            rng: the choices.
            need: what its first result must be.
            quota: what is asked of it.
            spare: templates that its holes may take.
        """
        binding = Binding()
        given = {item.dtype_class for item in template.array_types[: -len(template.results)]}
        if need is not None:
            unified = unify(template.results[0], need, binding, rng)
            if unified is None:
                return None
            binding = unified
        elif quota.dtype is not None:
            binding.dtypes[template.steered.dtype_class] = quota.dtype
        for result in template.results:
            if result.dtype_class not in given:
                default = result.default_dtype(self.x64)
                if binding.dtypes.setdefault(result.dtype_class, default) != default:
                    return None
        # What else an array has beside its variadic dim must fit into the largest rank too.
        highest = self.shapes.max_rank - template.most_dims_beside_a_variadic
        allowed = {length: weight for length, weight in self.shapes.ranks.items() if length <= highest}
        if not allowed:
            return None
        ranks = [] if quota.rank is None else [min(quota.rank, max(allowed))]

        def shape() -> tuple[int, ...]:
            length = ranks.pop() if ranks else rng.weighted(allowed)
            return tuple(rng.weighted(self.shapes.sizes) for _ in range(length))

        def dtype_of(declared: ArrayType) -> str | None:
            weights = self._weights_of(declared.dtypes)
            return rng.weighted(weights) if weights else None

        bound = bind_missing(
            template.array_types,
            binding,
            dtype_of=dtype_of,
            size=lambda: rng.weighted(self.shapes.sizes),
            shape=shape,
        )
        if not bound:
            return None
        arguments = self._within_limits(self._instantiate_arguments(template, binding, rng))
        results = self._within_limits([instantiate(item, binding) for item in template.results])
        if arguments is None or results is None:
            return None
        holes: dict[str, Program] = {}
        for hole in template.holes:
            types = (*hole.parameters, hole.result)
            specs = self._within_limits([instantiate(item, binding) for item in types])
            program = self._fill_hole(specs[:-1], specs[-1], rng, spare) if specs else None
            if program is None:
                return None
            holes[hole.name] = program
            spare -= len(program.templates())
        return _Draft(
            template,
            {option.name: option.draw(rng) for option in template.options} | dict(quota.options),
            [None] * len(arguments),
            holes,
            tuple(results),
            tuple(arguments),
        )

    def _weights_of(self, dtypes: tuple[str, ...]) -> dict[str, float]:
        found = self._weights.get(dtypes)
        if found is None:
            found = {name: weight for name, weight in self.shapes.dtypes.items() if name in dtypes}
            self._weights[dtypes] = found
        return found

    def _instantiate_arguments(self, template: Template, binding: Binding, rng: Rng) -> list[ArraySpec | None]:
        """Specs of the array parameters; of those that broadcast together at least one keeps the full shape."""
        broadcast = [
            position
            for position, parameter in enumerate(template.parameters)
            if any(isinstance(dim, Named | Variadic) and dim.broadcast for dim in parameter.type.dims)
        ]
        full = rng.choice(broadcast) if broadcast else -1
        return [
            instantiate(parameter.type, binding, rng if position in broadcast and position != full else None)
            for position, parameter in enumerate(template.parameters)
        ]

    def _within_limits(self, specs: Sequence[ArraySpec | None]) -> list[ArraySpec] | None:
        """The specs if all of them exist and are small enough."""
        kept = [
            spec
            for spec in specs
            if spec is not None
            and spec.rank <= self.shapes.max_rank
            and math.prod(map(int, spec.shape)) <= self.shapes.max_elements
        ]
        return kept if len(kept) == len(specs) else None

    # -- a whole program -----------------------------------------------------------------------------------------

    def _grow(self, root: Template, budget: int, rng: Rng, quota: Quota) -> Program | None:
        start = next(filter(None, (self.draft(root, rng, quota=quota, spare=budget - 1) for _ in range(6))), None)
        if start is None:
            return None
        drafts, slots = self._expand([start], budget - start.size, root.category, rng)
        inputs: list[Input] = []
        for slot in slots:
            self._close(slot, drafts, inputs, rng)
        return _finish(drafts, inputs)

    def _expand(self, drafts: list[_Draft], budget: int, category: str, rng: Rng) -> tuple[list[_Draft], list[_Slot]]:
        """Fill open slots with calls until the budget is used; returns the drafts and the slots left open."""
        slots = [*_slots_of(0, drafts[0])]
        while budget > 0:
            open_slots = [slot for slot in slots if not slot.closed]
            if not open_slots:
                break
            slot = rng.choice(open_slots)
            draft = self._feeder(slot.spec, category, rng, budget)
            if draft is None:
                slot.closed = True
                continue
            drafts[slot.call].arguments[slot.argument] = Ref("call", len(drafts))
            drafts.append(draft)
            slots.remove(slot)
            slots.extend(_slots_of(len(drafts) - 1, draft))
            budget -= draft.size
        return drafts, slots

    def _feeder(self, need: ArraySpec, category: str, rng: Rng, budget: int, tries: int = 24) -> _Draft | None:
        """A call whose result is `need` and which fits the budget, from the root's category about half of the time."""
        for _ in range(tries):
            pool = self._feeders[category] if rng.chance(0.5) else self._all_feeders
            if pool:
                draft = self.draft(rng.choice(pool), rng, need, spare=budget - 1)
                if draft is not None and draft.size <= budget:
                    return draft
        return None

    def _close(self, slot: _Slot, drafts: list[_Draft], inputs: list[Input], rng: Rng) -> None:
        """Make a slot an input: a new one, or one that has the same type already."""
        draft = drafts[slot.call]
        # One input twice in a call would make many a program constant: a distance of `x` and `x`.
        same = [
            position
            for position, existing in enumerate(inputs)
            if existing.spec == slot.spec and Ref("input", position) not in draft.arguments
        ]
        if same and rng.chance(0.5 if len(inputs) < 6 else 1.0):
            position = rng.choice(same)
        else:
            position = len(inputs)
            inputs.append(Input(slot.spec, slot.hint))
        draft.arguments[slot.argument] = Ref("input", position)

    # -- holes ---------------------------------------------------------------------------------------------------

    def _fill_hole(self, parameters: Sequence[ArraySpec], result: ArraySpec, rng: Rng, spare: int) -> Program | None:
        """A sub-program of exactly this type, which uses each parameter and nothing else.

        It has at most `spare` templates if one of some is as small as that, else it is the smallest of them.
        """
        found: list[Program] = []
        for _ in range(30):
            root = self._feeder_without_holes(result, rng)
            if root is None:
                break
            program = self._close_over(root, parameters, rng, spare - 1)
            if program is not None:
                found.append(program)
                if len(program.calls) <= max(1, spare) or len(found) == 6:
                    break
        return min(found, key=lambda program: len(program.calls), default=None)

    def _feeder_without_holes(self, need: ArraySpec, rng: Rng, tries: int = 80) -> _Draft | None:
        for _ in range(tries):
            template = rng.choice(self._all_feeders)
            if not template.holes:
                draft = self.draft(template, rng, need)
                if draft is not None:
                    return draft
        return None

    def _close_over(self, root: _Draft, parameters: Sequence[ArraySpec], rng: Rng, spare: int) -> Program | None:
        """Connect the slots of a hole's body to the hole's parameters, growing where no parameter fits.

        Args:
            root: the call whose result is the hole's.
            parameters: the hole's parameters, each of which must be used.
            rng: the choices.
            spare: templates that it may grow by for the sake of variety alone.
        """
        drafts = [root]
        slots = list(_slots_of(0, root))
        unused = list(range(len(parameters)))
        hints: dict[int, str] = {}
        extra = 3
        while slots:
            slot = slots.pop(0)
            fitting = [position for position, spec in enumerate(parameters) if spec == slot.spec]
            wanted = [position for position in unused if position in fitting]
            # One slot must serve several parameters: grow a call with more slots of this type.
            crowded = len(wanted) > 1 + sum(other.spec == slot.spec for other in slots)
            if fitting and not (extra and (crowded or (spare > 0 and rng.chance(0.25)))):
                others = [p for p in fitting if Ref("input", p) not in drafts[slot.call].arguments]
                position = wanted[0] if wanted else rng.choice(others or fitting)
                drafts[slot.call].arguments[slot.argument] = Ref("input", position)
                hints.setdefault(position, slot.hint)
                if position in unused:
                    unused.remove(position)
                continue
            if not extra:
                return None
            extra, spare = extra - 1, spare - 1
            draft = self._feeder_without_holes(slot.spec, rng, tries=30)
            if draft is None:
                return None
            drafts[slot.call].arguments[slot.argument] = Ref("call", len(drafts))
            drafts.append(draft)
            slots.extend(_slots_of(len(drafts) - 1, draft))
        if unused:
            return None
        return _finish(drafts, [Input(spec, hints[position]) for position, spec in enumerate(parameters)])

    # -- transforms ----------------------------------------------------------------------------------------------

    def _wraps(self, program: Program, probability: float, rng: Rng) -> tuple[Wrap, ...]:
        if not rng.chance(probability):
            return ()
        floats = tuple(position for position, item in enumerate(program.inputs) if item.spec.dtype in FLOATS)
        differentiable = bool(floats) and len(program.results) == 1 and program.results[0].dtype in FLOATS
        choices = {"vmap": 1.0}
        if differentiable:
            # JAX has no reverse mode through a while loop.
            if not any(template.has_while_loop for template in program.templates()):
                choices |= {"grad": 1.0, "value_and_grad": 1.0}
            if len(floats) == len(program.inputs) <= 3:
                choices["jvp"] = 0.7
        transform = rng.weighted(choices)
        if transform == "vmap":
            return self._vmap([item.spec for item in program.inputs], rng)
        if transform == "jvp":
            return (Wrap("jvp"),)
        argnums = tuple(position for position in floats if rng.chance(0.7)) or (rng.choice(floats),)
        reduce = rng.choice(("sum", "mean")) if program.results[0].shape else ""
        wraps = [Wrap("checkpoint")] if rng.chance(0.25) else []
        wraps.append(Wrap(transform, argnums=argnums, reduce=reduce))
        if rng.chance(0.2):
            wraps.extend(self._vmap([item.spec for item in program.inputs], rng))
        return tuple(wraps)

    def _vmap(self, specs: Sequence[ArraySpec], rng: Rng) -> tuple[Wrap, ...]:
        size = rng.integer(2, 5)
        in_axes = tuple(0 if spec.rank < self.shapes.max_rank and rng.chance(0.7) else None for spec in specs)
        if all(axis is None for axis in in_axes):
            if specs[0].rank >= self.shapes.max_rank:
                return ()
            in_axes = (0, *in_axes[1:])
        return (Wrap("vmap", in_axes=in_axes, size=size),)


def _slots_of(call: int, draft: _Draft) -> list[_Slot]:
    return [
        _Slot(call, position, spec, draft.template.parameters[position].name)
        for position, spec in enumerate(draft.specs)
    ]


def _finish(drafts: list[_Draft], inputs: list[Input]) -> Program:
    """Drafts (root first, feeders after their consumers) to calls in dependency order; inputs as they stand."""
    order: list[int] = []
    seen: set[int] = set()

    def visit(index: int) -> None:
        if index in seen:
            return
        seen.add(index)
        for reference in drafts[index].arguments:
            if reference is not None and reference.kind == "call":
                visit(reference.index)
        order.append(index)

    visit(0)
    position_of = {index: position for position, index in enumerate(order)}
    calls = []
    for index in order:
        draft = drafts[index]
        arguments = tuple(
            Ref("call", position_of[ref.index]) if ref.kind == "call" else ref
            for ref in draft.arguments
            if ref is not None
        )
        calls.append(Call(draft.template, draft.options, arguments, draft.holes, draft.results))
    return Program(tuple(inputs), tuple(calls))


def wrapped_inputs(program: Program, wraps: Sequence[Wrap]) -> tuple[Input, ...]:
    """The inputs of a program under its transforms: `vmap` adds a leading dim, `jvp` a tangent for each input."""
    inputs = list(program.inputs)
    for wrap in wraps:
        if wrap.transform == "vmap":
            inputs = [
                Input(ArraySpec((wrap.size, *item.spec.shape), item.spec.dtype), item.hint) if axis == 0 else item
                for item, axis in zip(inputs, wrap.in_axes, strict=True)
            ]
        elif wrap.transform == "jvp":
            inputs = [*inputs, *(Input(item.spec, f"{item.hint}_dot") for item in inputs)]
    return tuple(inputs)
