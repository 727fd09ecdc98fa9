"""Run configuration: YAML in `configs/` to frozen dataclasses, with one clear line for what is wrong in it."""

from __future__ import annotations

import dataclasses
import difflib
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from jaxir import resources
from jaxir.errors import UserError

Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Category = Literal["arithmetic", "math", "array", "control_flow", "combined"]
LevelNumber = Annotated[int, Field(ge=1, le=5)]
Dialect = Literal["stablehlo", "hlo", "jaxpr"]
Platform = Literal["cpu", "cuda", "rocm", "tpu"]
Format = Literal["parquet", "jsonl"]
Verify = Literal["none", "fast", "full"]
Layout = Literal["native", "legacy"]
Style = Literal["statements", "nested", "helpers"]
#: Kernels that hold a 64-bit type are lowered with x64 on.
Dtype = Literal[
    "float32", "bfloat16", "float16", "float64",
    "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool", "complex64", "complex128",
    "float8_e4m3fn", "float8_e5m2", "float8_e4m3b11fnuz", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e3m4",
    "float8_e4m3", "float8_e8m0fnu", "float4_e2m1fn", "int4", "uint4", "int2", "uint2",
]  # fmt: skip

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_STRICT)
class LevelRules:
    """What a level aims at: least and most templates in a kernel, and the share of kernels that a transform wraps."""

    templates: tuple[Count, Count]
    wrap: Share = 0.0


@dataclass(frozen=True, config=_STRICT)
class ArrayRules:
    """Weights and limits of the arrays in a kernel; sizes and ranks are drawn in proportion to their weights."""

    dtypes: dict[Dtype, Weight]
    sizes: dict[Annotated[int, Field(ge=1)], Weight]
    ranks: dict[Annotated[int, Field(ge=0, le=6)], Weight]
    max_elements: Count = 512
    max_rank: Annotated[int, Field(ge=0, le=8)] = 4


@dataclass(frozen=True, config=_STRICT)
class Config:
    """Everything that decides the bytes of a corpus, and how they are written. See `configs/default.yaml`."""

    arrays: ArrayRules
    level_rules: dict[LevelNumber, LevelRules]
    target: Count = 10_000
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    balanced: bool = False
    categories: dict[Category, Weight] = dataclasses.field(default_factory=dict)
    levels: dict[LevelNumber, Weight] = dataclasses.field(default_factory=dict)
    curriculum: bool = False  #: levels in ascending order over the index instead of mixed
    styles: dict[Style, Weight] = dataclasses.field(default_factory=dict)
    docstrings: Share = 0.5
    symbolic: Share = 0.0  #: of kernels with symbolic dims, beside those of templates that are written for them
    rows_per_skeleton: Count = 5
    max_attempts: Count = 64
    verify: Verify = "fast"
    dialects: tuple[Dialect, ...] = ("stablehlo",)
    platforms: tuple[Platform, ...] = ("cpu",)
    formats: tuple[Format, ...] = ("parquet",)
    layout: Layout = "native"
    shard_size: Count = 1000

    def identity(self) -> dict[str, Any]:
        """The fields that decide which rows a corpus holds, each as JSON text.

        `target` is not one of them, except in a curriculum, where the level of a row depends on it.
        """
        skipped = _NOT_IDENTITY - ({"target"} if self.curriculum else set())
        fields = {name: value for name, value in _plain(self).items() if name not in skipped}
        return {name: json.dumps(value, sort_keys=True) for name, value in sorted(fields.items())}


#: A corpus may be extended and its shards laid out anew without being another corpus.
_NOT_IDENTITY = frozenset({"target", "formats", "layout", "shard_size"})


def _plain(config: Config) -> dict[str, Any]:
    plain: dict[str, Any] = TypeAdapter(Config).dump_python(config, mode="json")
    return plain


def find(name_or_path: str) -> Path:
    """The file of a config: a path, or the name of one in `configs/` with or without `.yaml`."""
    path = Path(name_or_path)
    if path.is_file():
        return path
    # `runtime.yaml` says how things run, not what is made (`jaxir.executor.runtime`).
    known = sorted(file for file in resources.folder("configs").glob("*.yaml") if file.stem != "runtime")
    for candidate in known:
        if name_or_path in (candidate.name, candidate.stem):
            return candidate
    names = ", ".join(candidate.stem for candidate in known)
    raise UserError(f"{name_or_path}: no such config file, and no config of that name; known are {names}")


def corpus_name(config_name: str, config: Config) -> str:
    """The name of the default folder: what was asked for, so that the same command finds its run again."""
    parts = [Path(config_name).stem, *(["balanced"] if config.balanced else []), str(config.target)]
    return "-".join([*parts, *([f"seed{config.seed}"] if config.seed else [])])


def load(name_or_path: str = "default", overrides: Mapping[str, Any] | None = None) -> Config:
    """Read a config; keys of `overrides` (from the command line) replace those of the file.

    A config may name another one as its `base`, which is `default` otherwise; its own keys then replace the base's;
    `arrays` and `level_rules` are replaced key by key.

    Raises:
        UserError: for a missing file, bad YAML, an unknown key or a value out of range; the line names file and key.
    """
    path = find(name_or_path)
    values = _read(path, ())
    given = {key: value for key, value in (overrides or {}).items() if value is not None}
    return _validated({**values, **given}, path, given)


def from_identity(identity: Mapping[str, Any], where: Path) -> Config:
    """The config that a run's identity (`Config.identity`) was made of; keys of something else are ignored.

    Raises:
        UserError: a value that no config has; `where` names the file that it stands in.
    """
    known = {field.name for field in dataclasses.fields(Config)}
    try:
        values = {name: json.loads(text) for name, text in identity.items() if name in known}
    except (TypeError, ValueError):
        raise UserError(f"{where}: the config of the run is damaged; get the file anew") from None
    return _validated(values, where)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds.

    Raises:
        UserError: the file cannot be read, is no YAML, or holds no mapping.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = getattr(error, "problem_mark", None)
        line = f":{where.line + 1}" if where else ""
        raise UserError(f"{path}{line}: not YAML: {getattr(error, 'problem', error)}") from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    if not isinstance(values, dict):
        raise UserError(f"{path}: expected a mapping of options, found {type(values).__name__}")
    return values


def _read(path: Path, chain: tuple[Path, ...]) -> dict[str, Any]:
    if path in chain:
        raise UserError(f"{path}: its `base` leads back to itself; name another base")
    values = read_yaml(path)
    default = find("default")
    base = values.pop("base", None if path.resolve() == default.resolve() else "default")
    if base is None:
        return values
    if not isinstance(base, str):
        raise UserError(f"{path}: `base` must be the name of a config, got {base!r}")
    return _merged(_read(find(base), (*chain, path)), values)


def _merged(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    """`top` over `base`; a mapping of weights replaces the base's whole, since leaving a key out means weight 0."""
    result = {**base, **top}
    for key in ("arrays", "level_rules"):
        if isinstance(base.get(key), dict) and isinstance(top.get(key), dict):
            result[key] = {**base[key], **top[key]}
    return result


def _validated(values: dict[str, Any], path: Path, given: Collection[str] = ()) -> Config:
    """The config of values from a file, but for those that were `given` on the command line."""
    try:
        config = TypeAdapter(Config).validate_python(values)
    except ValidationError as error:
        fault = error.errors()[0]
        where = "command line" if fault["loc"] and fault["loc"][0] in given else path
        raise UserError(explain(fault, where, _OWNERS)) from None
    arrays = config.arrays
    mappings: dict[str, Mapping[Any, float]] = {
        "categories": config.categories,
        "levels": config.levels,
        "styles": config.styles,
        "arrays.dtypes": arrays.dtypes,
        "arrays.sizes": arrays.sizes,
        "arrays.ranks": arrays.ranks,
    }
    for name, weights in mappings.items():
        if not any(weight > 0 for weight in weights.values()):
            raise UserError(f"`{name}` must give at least one a weight above 0 ({path})")
    for level, rules in config.level_rules.items():
        if rules.templates[0] > rules.templates[1]:
            raise UserError(
                f"`level_rules.{level}.templates` must be [fewest, most], got {list(rules.templates)} ({path})"
            )
    missing = [level for level, weight in config.levels.items() if weight > 0 and level not in config.level_rules]
    if missing:
        raise UserError(f"`level_rules` lacks level {missing[0]}, which `levels` asks for ({path})")
    if config.balanced and config.curriculum:
        raise UserError(
            f"`balanced` and `curriculum` exclude each other: a balanced plan has all levels in any prefix ({path})"
        )
    if "stablehlo" not in config.dialects:
        raise UserError(
            f"`dialects` must include stablehlo, what every check stands on, got {list(config.dialects)} ({path})"
        )
    return _ordered(config)


def _ordered(config: Config) -> Config:
    """Mappings and dialects in one order: what a corpus holds must not depend on how the file was written."""

    def by(known: Sequence[Any], weights: Mapping[Any, float]) -> dict[Any, float]:
        return {key: weights[key] for key in known if weights.get(key, 0) > 0}

    arrays = config.arrays
    return dataclasses.replace(
        config,
        categories=by(get_args(Category), config.categories),
        levels=by(sorted(config.levels), config.levels),
        styles=by(get_args(Style), config.styles),
        dialects=tuple(name for name in get_args(Dialect) if name in config.dialects),
        level_rules=dict(sorted(config.level_rules.items())),
        arrays=dataclasses.replace(
            arrays,
            dtypes=by(get_args(Dtype), arrays.dtypes),
            sizes=by(sorted(arrays.sizes), arrays.sizes),
            ranks=by(sorted(arrays.ranks), arrays.ranks),
        ),
    )


#: Key of a group -> the class that knows its options; "" for the whole.
_OWNERS: Mapping[str, Any] = {"": Config, "arrays": ArrayRules, "level_rules": LevelRules}


def explain(error: Any, where: Path | str, owners: Mapping[str, Any]) -> str:
    """One line of a pydantic error: which key, what was found, what was expected, where; `owners` as in `_OWNERS`."""
    place = [str(part) for part in error["loc"] if part != "[key]"]
    key = ".".join(place)
    if error["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        owner = owners[""]
        for part in place[:-1]:
            owner = owners.get(part, owner)
        known = [field.name for field in dataclasses.fields(owner)]
        near = difflib.get_close_matches(place[-1], known, n=1, cutoff=0.5)
        hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(known)}"
        return f"unknown option `{key}`; {hint} ({where})"
    if error["type"] in ("missing", "missing_argument"):
        return f"option `{key}` is missing ({where})"
    message = error["msg"].removeprefix("Input ").removeprefix("Value error, ")
    return f"`{key}`: {message}, got {error['input']!r} ({where})"
