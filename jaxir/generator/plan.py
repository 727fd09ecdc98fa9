"""The plan: which category, level and root template each index has, and the kernel of each attempt at it.

Every sample is a pure function of (seed, index, attempt); nothing is drawn from shared state.
"""

from __future__ import annotations

import dataclasses
import math

from jaxir.config import Config
from jaxir.generator.compose import Composer, Level, Quota, Shapes, wrapped_inputs
from jaxir.generator.describe import options_json
from jaxir.generator.options import Uniform
from jaxir.generator.quota import Turns, cycled
from jaxir.generator.rng import Rng
from jaxir.generator.source import write
from jaxir.generator.symbolic import with_symbols
from jaxir.generator.templates import Library, Template
from jaxir.sample import DTYPES, DTYPES_64, Kernel

#: After this many refused attempts an index moves on to the next root template of its category: a small template has
#: only so many distinct programs.
ATTEMPTS_PER_ROOT = 4
#: After this many an index goes up a level, and back to its own root template: of the programs of one template there
#: are only so many, of those of several there is no end.
ATTEMPTS_PER_LEVEL = 16
#: Attempts that keep to the quota of element types and options; later ones draw by weight, since there are types in
#: which a template has no program that passes.
PLANNED_ATTEMPTS = 2
_PAIRS = (("int32", "int64"), ("uint32", "uint64"), ("float32", "float64"), ("complex64", "complex128"))
_OTHER_WIDTH = {**dict(_PAIRS), **{wide: narrow for narrow, wide in _PAIRS}}


@dataclasses.dataclass(frozen=True)
class Entry:
    """One line of the plan."""

    index: int
    category: str
    level: int
    root: Template
    quota: Quota  #: what is asked of the root's types and options
    x64: bool


def attempt_above(attempt: int) -> int:
    """The first attempt a level above that of `attempt`."""
    return (attempt // ATTEMPTS_PER_LEVEL + 1) * ATTEMPTS_PER_LEVEL


def composer(config: Config, library: Library, *, x64: bool = False) -> Composer:
    """The composer with a config's weights and limits.

    With x64 on, 64-bit types have the weights of their halves and these the others': who turns x64 on wants them.
    """
    arrays = config.arrays
    weights = {str(name): weight for name, weight in arrays.dtypes.items()}
    if x64:
        weights = {name: weights.get(_OTHER_WIDTH.get(name, name), 0) for name in DTYPES}
    shapes = Shapes(
        dtypes={name: weight for name, weight in weights.items() if weight > 0 and (x64 or name not in DTYPES_64)},
        sizes=dict(arrays.sizes),
        ranks=dict(arrays.ranks),
        max_elements=arrays.max_elements,
        max_rank=arrays.max_rank,
    )
    levels = {level: Level(Uniform(*rules.templates), rules.wrap) for level, rules in config.level_rules.items()}
    return Composer(library, shapes, levels, x64=x64)


def composers(config: Config, library: Library) -> dict[bool, Composer]:
    """Composers of programs for x64 off and on."""
    return {x64: composer(config, library, x64=x64) for x64 in (False, True)}


class Plan:
    """The plan of one config over one library."""

    def __init__(self, config: Config, library: Library) -> None:
        self.config = config
        self.composers = composers(config, library)
        self.categories = {str(name): weight for name, weight in config.categories.items()}
        self.levels = dict(config.levels)
        self.roots = {
            category: Rng(config.seed, "roots", category).shuffled(library.by_category[category])
            for category in self.categories
        }
        self._turns: dict[str, Turns[str]] = {}

    def entry(self, index: int, attempt: int = 0) -> Entry:
        """Category, level, root, element type and options of an attempt.

        The root changes every `ATTEMPTS_PER_ROOT` attempts, the level every `ATTEMPTS_PER_LEVEL` to the next that the
        config has.

        Balanced plans give equal counts of categories to any prefix (a remainder in category order), within each
        category of root templates, of levels, and in time of every pair of them, and within each root its share to
        each element type and equal counts to each choice of an option.
        """
        rng = Rng(self.config.seed, index, "entry")
        levels = list(self.levels)  # ascending
        if self.config.balanced:
            names = list(self.categories)
            turn, position = divmod(index, len(names))
            category = names[position]
            # Without the shift, counts with a common factor would only ever meet in the same pairs.
            shift = turn // math.lcm(len(self.roots[category]), len(levels))
            level = levels[(turn + shift) % len(levels)]
        else:
            category = rng.weighted(self.categories)
            level = self._curriculum_level(index) if self.config.curriculum else rng.weighted(self.levels)
            turn = rng.integer(0, 2**40)
        tier, step = divmod(attempt, ATTEMPTS_PER_LEVEL)
        level = levels[min(levels.index(level) + tier, len(levels) - 1)]
        roots = self.roots[category]
        visit, position = divmod(turn, len(roots))
        root = roots[(position + step // ATTEMPTS_PER_ROOT) % len(roots)]
        # A template that stands alone has few programs: its visits and attempts go through the ranks in turn.
        ranks = sorted(rank for rank, weight in self.config.arrays.ranks.items() if weight > 0)
        rank = ranks[(visit + position + attempt) % len(ranks)] if level == 1 else None
        weights = {str(name): weight for name, weight in self.config.arrays.dtypes.items() if root.steered.admits(name)}
        options = {}
        if self.config.balanced and attempt < PLANNED_ATTEMPTS:
            dtype = self._turn(root, weights, visit)
            key = (self.config.seed, "options", root.name)
            options = {
                option.name: cycled(option.choices, visit, *key, option.name)
                for option in root.options
                if option.choices
            }
        else:
            dtype = Rng(self.config.seed, index, attempt, "dtype").weighted(weights) if weights else None
        return Entry(index, category, level, root, Quota(rank, dtype, options), dtype in DTYPES_64)

    def _turn(self, root: Template, weights: dict[str, float], visit: int) -> str | None:
        """The element type of a visit of a root; None if the config has none for it."""
        if not weights:
            return None
        if root.name not in self._turns:
            self._turns[root.name] = Turns(weights, Rng(self.config.seed, "dtypes", root.name))
        return self._turns[root.name][visit]

    def _curriculum_level(self, index: int) -> int:
        """Levels in ascending order, each with its weight's share of the target."""
        mark = (index + 0.5) / self.config.target * sum(self.levels.values())
        for level, weight in self.levels.items():
            mark -= weight
            if mark < 0:
                return level
        return max(self.levels)

    def kernel(self, index: int, attempt: int = 0) -> Kernel:
        """The candidate kernel of one attempt.

        Raises:
            Rejected: stage `compose`, if no program was found within the limits.
        """
        entry = self.entry(index, attempt)
        rng = Rng(self.config.seed, index, attempt)
        program, wraps = self.composers[entry.x64].compose(entry.root, entry.level, rng, entry.quota)
        styles = {str(name): weight for name, weight in self.config.styles.items()}
        if len(program.calls) == 1 and len(styles) > 1:
            # One template alone in a helper function would be an empty shell around it.
            styles.pop("helpers", None)
        text = write(program, wraps, rng.weighted(styles), docstring=rng.chance(self.config.docstrings))
        inputs = tuple(item.spec for item in wrapped_inputs(program, wraps))
        if self._is_symbolic(entry, attempt):
            inputs = with_symbols(inputs, Rng(self.config.seed, index, attempt, "dims"))
        return Kernel(
            source=text.source,
            function_name=text.function_name,
            inputs=inputs,
            input_names=text.input_names,
            description=text.description,
            category=entry.category,
            operation=entry.root.name,
            level=entry.level,
            templates=tuple(template.name for template in program.templates()),
            transforms=tuple(wrap.transform for wrap in wraps),
            options=options_json(program),
            index=index,
            attempt=attempt,
            seed=self.config.seed,
            x64=entry.x64,
        )

    def _is_symbolic(self, entry: Entry, attempt: int) -> bool:
        """Whether a kernel is exported with symbolic dims. Some programs cannot be, so an index gives up in time."""
        if "hlo" in self.config.dialects or len(self.config.platforms) > 1:
            return False  # there is no such text of a symbolic module
        if getattr(entry.root.source.module, "SYMBOLIC_DIMS", False):
            return True
        share = Rng(self.config.seed, entry.index, "symbolic").chance(self.config.symbolic)
        return share and attempt < ATTEMPTS_PER_ROOT


def show_alone(config: Config, library: Library, template: Template) -> tuple[str, str]:
    """The text of a kernel that holds one template, and its inputs as text.

    Raises:
        Rejected: no sizes and types of the config fit the template.
    """
    x64 = DTYPES_64.issuperset(template.steered.dtypes)
    program, _ = composer(config, library, x64=x64).compose(template, 1, Rng("show", template.name), Quota(rank=1))
    text = write(program, (), "statements", docstring=True)
    inputs = ", ".join(f"{name}: {item.spec}" for name, item in zip(text.input_names, program.inputs, strict=True))
    return text.source, inputs
