"""`croissant.json`: machine-readable metadata of a corpus by the Croissant format 1.0.

Specification: https://docs.mlcommons.org/croissant/docs/croissant-spec.html. `mlcroissant validate` accepts the result
and `mlcroissant load` reads the rows through it. `datePublished`, which the format recommends, is left out: equal
runs give equal files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from jaxir.sample import SPLITS
from jaxir.version import __version__
from jaxir.writer import card

#: The standard `@context` of Croissant 1.0.
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_TYPES = {pa.string(): "sc:Text", pa.int64(): "sc:Integer", pa.float64(): "sc:Float", pa.bool_(): "sc:Boolean"}
_ENCODINGS = {"parquet": "application/x-parquet", "jsonl": "application/jsonlines"}


def describe(data: Sequence[card.DataFile], schema: pa.Schema, digest: str) -> dict[str, Any]:
    """The document for the files in `data/`: one record set a split; nested columns are left out of the fields.

    Args:
        data: the files, each with its SHA-256.
        schema: their columns.
        digest: `card.content_digest` of the files.
    """
    suffix = data[0].path.rsplit(".", 1)[1]
    encoding = _ENCODINGS[suffix]
    splits = [split for split in SPLITS if any(entry.split == split for entry in data)]
    objects = [
        {
            "@type": "cr:FileObject",
            "@id": entry.path,
            "name": entry.path,
            "contentUrl": entry.path,
            "contentSize": f"{entry.bytes} B",
            "encodingFormat": encoding,
            "sha256": entry.sha256,
        }
        for entry in data
    ]
    # Not `containedIn` the objects: mlcroissant reads a set from its own folder only if it is contained in nothing.
    sets = [
        {
            "@type": "cr:FileSet",
            "@id": f"{split}-files",
            "name": f"{split}-files",
            "encodingFormat": encoding,
            "includes": f"data/{split}-*.{suffix}",
        }
        for split in splits
    ]
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": "jaxir",
        "description": f"{card.SUMMARY} Data sha256 {digest}.",
        "license": "https://www.apache.org/licenses/LICENSE-2.0",
        "version": __version__,
        "distribution": [*objects, *sets],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": split,
                "name": split,
                "field": [field for column in schema if (field := _field(split, column)) is not None],
            }
            for split in splits
        ],
    }


def _field(split: str, column: pa.Field) -> dict[str, Any] | None:
    repeated = pa.types.is_list(column.type)
    kind = _TYPES.get(column.type.value_type if repeated else column.type)
    if kind is None:
        return None
    docs = card.FIELD_DOCS.get(column.name) or card.LEGACY_DOCS[column.name]
    return {
        "@type": "cr:Field",
        "@id": f"{split}/{column.name}",
        "name": f"{split}/{column.name}",
        "description": docs,
        "dataType": kind,
        **({"repeated": True} if repeated else {}),
        "source": {"fileSet": {"@id": f"{split}-files"}, "extract": {"column": column.name}},
    }
