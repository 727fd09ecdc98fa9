"""The HTML page: whole, offline, the same every time, and deaf to a hostile corpus."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from corpora import native_rows, write_legacy, write_native

from jaxir.analysis.corpus import Corpus, open_corpus
from jaxir.analysis.report import render, write_report
from jaxir.analysis.stats import Stats, analyze
from jaxir.errors import UserError

RUN = {"candidates": 40, "rejections": [{"stage": "admit", "reason": "canonical seen", "count": 10}]}
VOID = {"meta", "br", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """What a browser would see: elements with attributes, and the text of each kind of element."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.stack: list[str] = []
        self.feed(html)
        self.close()
        assert not self.stack

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)
        self.texts.setdefault(tag, []).append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.stack:
            self.texts[self.stack[-1]][-1] += data

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)


def pictures(html: str) -> list[str]:
    return ["<svg" + part.partition("</svg>")[0] + "</svg>" for part in html.split("<svg")[1:]]


@pytest.fixture(scope="module")
def stats(tmp_path_factory: pytest.TempPathFactory) -> Stats:
    folder = tmp_path_factory.mktemp("report") / "c"
    return analyze(open_corpus(write_native(folder, native_rows(60), run=RUN)))


@pytest.fixture(scope="module")
def html(stats: Stats) -> str:
    return render(stats)


def test_the_page_has_every_part(stats: Stats, html: str) -> None:
    page = Page(html)
    text = " ".join(" ".join(parts) for parts in page.texts.values())
    for heading in (
        *("Balance", "Splits and leakage", "Operations of the IR", "Coverage of the op universe", "Lengths"),
        *("Skeletons", "Candidates that were refused", "10 random pairs"),
    ):
        assert heading in page.texts["h2"]
    assert page.count("svg") == 4
    assert page.count("pre") == 20
    assert "admit: canonical seen" in page.texts["td"]
    assert "93" in page.texts["td"]
    assert "arithmetic" in page.texts["text"]  # the labels of the pictures are text
    assert "stablehlo.sine" in page.texts["text"]
    assert stats.headline() in text


def test_the_pairs_are_shown_as_they_are(stats: Stats, html: str) -> None:
    shown = Page(html).texts["pre"]
    assert shown[0::2] == [row["python_source"] for row in stats.samples]
    assert shown[1::2] == [row["ir"] for row in stats.samples]


def test_the_coverage_map_agrees_with_the_figures(stats: Stats, html: str) -> None:
    marks = [dict(attrs).get("class") or "" for tag, attrs in Page(html).elements if tag == "td"]
    pairs = stats.coverage["op/type pairs"]
    assert sum(mark.startswith("h") for mark in marks) == pairs["reached"] > 10
    assert marks.count("m") == pairs["emittable"] - pairs["reached"]


def test_the_page_needs_nothing_from_outside(html: str) -> None:
    page = Page(html)
    assert not {"script", "link", "img", "iframe", "object", "image"} & {tag for tag, _ in page.elements}
    for _, attributes in page.elements:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("href", "src", "xlink:href"):
                assert (value or "").startswith("#")
    assert "@import" not in html
    assert "prefers-color-scheme: dark" in html


def test_pictures_are_well_formed_take_the_colours_of_the_page_and_share_no_id(html: str) -> None:
    ids: list[str] = []
    for picture in pictures(html):
        root = ET.fromstring(picture)
        ids += [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
        assert "var(--" in picture
        used = {part.partition(")")[0].partition('"')[0] for part in picture.split("#")[1:]}
        assert {name for name in used if not name.startswith(("fff", "000"))} <= set(ids)
    assert len(ids) == len(set(ids))


def test_the_same_corpus_gives_the_same_bytes_whatever_the_user_set(tmp_path: Path, stats: Stats) -> None:
    write_report(stats, tmp_path / "a.html")
    with matplotlib.rc_context({"font.size": 22, "axes.facecolor": "red", "svg.hashsalt": "mine"}):
        again = analyze(open_corpus(write_native(tmp_path / "elsewhere", native_rows(60), run=RUN)))
        write_report(again, tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert str(tmp_path) not in (tmp_path / "a.html").read_text()


EVIL = (
    '</pre></td></svg><script>alert(1)</script><img src=x onerror="alert(2)">{{ 7*7 }}$\\frac{$ \x1b[31m \u202e \ud7ff'
)


def test_a_hostile_corpus_injects_nothing(tmp_path: Path, html: str) -> None:
    hostile = {"category", "operation", "description", "function_name", "id", "split"}
    rows = []
    names = [*(f"{EVIL}{number}" for number in range(3)), "#010203", "font: 3px x", 'style="font: 3px x']
    for number, row in enumerate(native_rows(30)):
        row |= dict.fromkeys(hostile, names[number % len(names)]) | {"templates": [EVIL], "transforms": [EVIL]}
        row["python_source"] = f"{EVIL}{number}"
        row["stablehlo"] = row["stablehlo"].replace("stablehlo.sine", '"stablehlo.<b>sine"') + f"// {EVIL}{number}"
        row["split"] = "train"
        rows.append(row)
    run = {"candidates": 40, "rejections": [{"stage": EVIL, "reason": EVIL, "count": 10}]}
    good = Page(html)
    html = render(analyze(open_corpus(write_native(tmp_path / "c", rows, run=run))), title=EVIL)
    page = Page(html)
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in good.elements} | {"p"}
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    for picture in pictures(html):
        ET.fromstring(picture)
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert "{{ 7*7 }}" in html
    assert page.texts["pre"][0].startswith("</pre></td></svg><script>alert(1)</script>")


def test_long_texts_are_cut_and_the_page_stays_small(tmp_path: Path) -> None:
    rows = [row | {"stablehlo": row["stablehlo"] + "// <&>" * 100_000} for row in native_rows(12)]
    write_report(analyze(open_corpus(write_native(tmp_path / "c", rows))), tmp_path / "r.html")
    assert (tmp_path / "r.html").stat().st_size < 600_000
    assert "more characters)" in (tmp_path / "r.html").read_text()


def test_legacy_and_empty_corpora_have_a_page(tmp_path: Path) -> None:
    corpus = open_corpus(write_legacy(tmp_path / "old", 12))
    page = Page(render(analyze(corpus)))
    assert any("12 of 12 sources are placeholders" in text for text in page.texts["p"])
    assert "The corpus names no splits." in page.texts["p"]
    empty = Page(render(analyze(Corpus(corpus.path, "legacy", (), {}))))
    assert "The corpus holds no rows." in empty.texts["p"]
    assert empty.count("svg") == 0


def test_many_names_and_glyphs_do_not_break_the_pictures(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        row | {"category": f"category \u4e2d\u6587 {n}", "level": n, "operation": f"op {n}"}
        for n, row in enumerate(native_rows(60))
    ]
    html = render(analyze(open_corpus(write_native(tmp_path / "c", rows))))
    assert "category \u4e2d\u6587 0" in html
    assert "category ?? 0" in html


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path, stats: Stats) -> None:
    with pytest.raises(UserError, match=r"report\.html: cannot write the report") as caught:
        write_report(stats, tmp_path / "missing" / "report.html")
    assert "\n" not in str(caught.value)
