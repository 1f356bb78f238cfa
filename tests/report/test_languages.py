"""Every word that reaches a reader is in his language, set as that language is set, and the same for the same thing.

Texts are read off where they are declared; the Chinese pages of small companies are read as they come out.
"""

from __future__ import annotations

import ast
import inspect
import os
import re
from collections.abc import Iterator
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import nbformat
import pytest
from bs4 import BeautifulSoup
from matplotlib.text import Text as TextDrawn

import analysis
from analysis.catalogue import Text, load_catalogue, read_yaml
from analysis.catalogue.questionnaires import load_questionnaires
from analysis.catalogue.terms import avoided_words, load_terms
from analysis.engine import open_engine
from analysis.facts import NotMeasured
from analysis.facts.value_names import column_of, values_held
from analysis.metrics.frame import REASONS, SHIFT_WORDS
from analysis.models.badge import RULES
from analysis.models.messages import MESSAGES
from analysis.params import Settings
from analysis.report.figures.style import figure_style
from analysis.report.kpis_shown import group_name

SOURCE = Path(inspect.getfile(analysis)).parent
NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
LABELS = sorted(entry.name for entry in files("analysis.catalogue").joinpath("labels").iterdir())
CHINESE = re.compile("[\u4e00-\u9fff]")
HAN = "\u4e00-\u9fff"
BLANK = re.compile(r"\{[^{}]*\}|\$[a-z_]+")

# Latin words that may stand in a Chinese text: names of methods and people, abbreviations, units, file forms.
LATIN = """
    CSAT CES CLV CAC CLI NPS ROI SLA FCR ACSI SERVQUAL SERVPERF CLV:CAC CAC:CLV P90 CRM KPI BI
    BG/NBD MBG/NBD NBD Pareto/NBD Gamma-Gamma P alive Spearman Benjamini Hochberg Wilson Wald Dirichlet lifetimes
    Fader Hardie Lee Batislam Schmittlein Monroe Colaresi Quinn Reichheld Harvard Business Review Dixon Freeman Toman
    Fornell Johnson Anderson Cha Bryant Journal of Marketing Retailing Parasuraman Zeithaml Berry
    SQL SHA-256 CSV HTML PDF TLS SMTP Excel YAML ISO UTC Asia Europe Shanghai Berlin CNY USD EUR GBP KPMG
    n z p q a b c d e f r s v x B α β Σ r/α alpha either auto overall system
    workbook customers variants JupyterLab Markdown
"""


def records_of(value: Any, name: str) -> Iterator[tuple[str, Text]]:
    """Every text below a record, with where it stands."""
    if isinstance(value, Text):
        yield name, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from records_of(each, f"{name}.{key}")
    elif isinstance(value, list | tuple):
        for number, each in enumerate(value):
            yield from records_of(each, f"{name}[{number}]")
    else:
        for field in getattr(type(value), "model_fields", ()):
            yield from records_of(getattr(value, field), f"{name}.{field}")


def declared() -> Iterator[tuple[str, Text]]:
    for file in LABELS:
        for key, words in read_yaml(f"labels/{file}").items():
            yield f"labels/{file} {key}", Text(**words)
    catalogue = load_catalogue()
    variants = [each for record in catalogue.records for each in record.all_variants()]
    for metric in variants:
        yield from records_of(metric, f"{metric.id}.{metric.variant}")
    for kind in (catalogue.tables, catalogue.dimensions, catalogue.pages, load_questionnaires()):
        yield from records_of(kind, "")
    yield from records_of(load_terms(), "terms")
    for code, words in {**REASONS, **SHIFT_WORDS}.items():
        yield f"reason {code}", Text(**words)
    for code, (english, chinese) in {**RULES, **MESSAGES}.items():
        yield f"model {code}", Text(en=english, zh=chinese)


def written() -> Iterator[tuple[str, Text]]:
    """The prose of the notebooks, in pairs."""
    for path in NOTEBOOKS:
        cells = nbformat.read(path, as_version=4).cells
        prose = {
            lang: [c for c in cells if f"lang-{lang}" in c.metadata.get("tags", ())] for lang in ("en", "zh")
        }
        for english, chinese in zip(prose["en"], prose["zh"], strict=True):
            yield f"{path.name} {chinese.id}", Text(en=english.source, zh=chinese.source)


TEXTS = [*declared(), *written()]


def broken(check: Any) -> list[str]:
    """Where a check finds something in a text, and what."""
    return [f"{where}: {found}" for where, text in TEXTS if (found := check(text))]


# --- Both languages -----------------------------------------------------------------------------------


def test_there_are_texts_of_every_kind():
    assert len(TEXTS) > 1500
    kinds = ("labels/", "customer_retention_rate", ".orders", "terms", "reason ", "model ", "01_scorecard")
    assert all(any(where.startswith(kind) for where, _ in TEXTS) for kind in kinds)


def test_every_text_says_something_in_both_languages():
    assert broken(lambda text: bool(text.en.strip()) != bool(text.zh.strip())) == []


def test_english_holds_no_chinese_and_no_full_width_sign():
    names = {word for _, each in records_of(load_terms(), "") for word in re.findall(f"[{HAN}]+", each.en)}
    assert names <= {"收入留存率", "自然时间"}  # the glossary names a Chinese word or two in English
    wide = re.compile(f"[{HAN}\u3000-\u303f\uff00-\uffef]")
    found = broken(lambda text: wide.search(text.en) and text.en)
    assert [each for each in found if not each.startswith("terms")] == []


def test_both_languages_have_the_same_blanks():
    def blanks(text: Text) -> Any:
        ours, theirs = (
            sorted(re.findall(r"\{(\w+)", re.sub("`[^`]*`", "", said))) for said in (text.en, text.zh)
        )
        return (set(ours) ^ set(theirs)) - {"count", "total"} and (ours, theirs)

    assert broken(blanks) == []


def test_both_languages_say_the_same_numbers():
    words = {"one": 1, "two": 2, "three": 3, "five": 5, "twice": 2}

    def numbers(text: str) -> set[str]:
        return {number.rstrip(".,") for number in re.findall(r"\d[\d.,]*", BLANK.sub("", text))}

    def differ(text: Text) -> Any:
        ours, theirs = numbers(text.en), numbers(text.zh)
        spelt = {str(value) for word, value in words.items() if word in text.en.lower().split()}
        return (ours ^ theirs) - spelt and (ours, theirs)

    assert broken(differ) == []


# --- Chinese as Chinese is set ------------------------------------------------------------------------


def latin_words(text: str) -> set[str]:
    """Latin words of a Chinese text, but for blanks, settings, names in code and addresses."""
    plain = re.sub(r"`[^`]*`|--out FILE\.csv|\$[a-z_]+|\{[^{}]*\}|https?://\S+|\\n", " ", text)
    words = re.findall(
        r"[A-Za-zα-ωΣ][A-Za-z0-9α-ω/:'-]*[A-Za-z0-9α-ω]|[A-Za-zα-ωΣ]", re.sub(r"\b\w+[._]\w+\b", " ", plain)
    )
    return {word for word in words if not re.fullmatch(r"[a-z]+(_[a-z]+)+|\w+\.\w+", word)}


def test_chinese_holds_no_english_but_names_and_abbreviations():
    known = (
        set(LATIN.split()) | set(load_catalogue().tables["questions"].columns) | set(load_catalogue().tables)
    )
    known |= set(Settings.model_fields)

    def english(text: Text) -> Any:
        return latin_words(text.zh) - known - latin_words(text.en) if CHINESE.search(text.zh) else None

    assert broken(english) == []


def test_chinese_holds_no_run_of_english_words():
    run = re.compile(r"(?:\b[a-z]{2,}\b ){2,}[a-z]{2,}\b")
    assert broken(lambda text: CHINESE.search(text.zh) and run.search(BLANK.sub("", text.zh))) == []


def test_punctuation_beside_chinese_is_full_width():
    narrow = re.compile(
        rf"[{HAN}][,;:!?](?!\d)|[,;!?][{HAN}]|[{HAN}]\(|\([{HAN}]|[{HAN}]\)|\)[{HAN}]|[{HAN}]\.(?=\s|$)"
    )

    def found(text: Text) -> Any:
        plain = re.sub(
            r"`[^`]*`|「[^」]*」|时:分:秒|a/\(a\+b\)|\{of\}|\{per\}|（[^（）]*\([^()]*\)[^（）]*）",
            "",
            text.zh,
        )
        return (
            CHINESE.search(text.zh)
            and (at := narrow.search(plain))
            and plain[max(0, at.start() - 8) : at.end() + 8]
        )

    assert broken(found) == []


def test_a_number_beside_chinese_has_no_space_and_a_latin_word_has_one():
    wrong = re.compile(
        rf"(?<=[{HAN}]) (?=[−+]?\d)|(?<=\d) (?=[{HAN}])|(?<=[{HAN}])(?=[A-Za-z])|(?<=[A-Za-z])(?=[{HAN}])"
    )

    def found(text: Text) -> Any:
        plain = re.sub(r"\$[a-z_]+|\{[^{}]*\}|\n|\\n|`[^`]*`|SHA-256", "\u25a1", text.zh)
        at = wrong.search(plain)
        return at and plain[max(0, at.start() - 8) : at.end() + 8]

    assert broken(found) == []


# --- One word for one thing ---------------------------------------------------------------------------


def test_a_thing_has_one_name_in_each_language():
    for language in ("en", "zh"):
        found = broken(lambda text, language=language: avoided_words(text.in_(language), language))
        assert [each for each in found if not each.startswith("terms")] == []


def test_a_word_for_what_has_another_name_here_is_found():
    assert avoided_words("本期客户留存率上升", "zh") == [("留存率", "保留率")]
    assert avoided_words("净收入留存率上升", "zh") == []
    assert avoided_words("The turnover rose", "en") == [("turnover", "revenue")]


def test_no_word_is_both_right_and_to_be_avoided():
    for language in ("en", "zh"):
        own = {term.in_(language) for section in load_terms() for term in section.terms}
        assert len(own) == sum(len(section.terms) for section in load_terms())
        assert [word for word in own if avoided_words(word, language)] == []


# --- Words in the code --------------------------------------------------------------------------------

SAID_BY = [*SOURCE.glob("report/pages/*.py"), *SOURCE.glob("report/figures/*.py"), SOURCE / "report/terminal.py",
           SOURCE / "report/kpi_tables.py", SOURCE / "report/kpis_shown.py", SOURCE / "report/surveys_shown.py",
           SOURCE / "report/glossary.py", SOURCE / "delivery/sheets.py"]  # fmt: skip
NOT_SAID = re.compile(
    r"<[a-z]|_|\bselect\b|\bcase when\b|\bas double\b|\bis not null\b|group by|order by|\bgrp\b|\bjoin windows\b"
    r"|then \$"  # HTML and SQL, above
    r"|^(offset points|axes fraction|(lower|upper) (left|right))$|Glyph"  # matplotlib
)


def literals(path: Path) -> Iterator[str]:
    """Texts in the code of a module, but for docstrings and errors."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    passed = {
        id(node)
        for outer in ast.walk(tree)
        if isinstance(outer, ast.Raise | ast.Expr) and not isinstance(getattr(outer, "value", None), ast.Call)
        for node in ast.walk(outer)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed:
            yield node.value


@pytest.mark.parametrize("path", SAID_BY, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_words_come_from_the_labels_and_not_from_the_code(path):
    prose = [text for text in literals(path) if re.search(r"[A-Za-z]{2,},? [a-z]{2,}", text)]
    assert [text for text in prose if not NOT_SAID.search(text)] == []
    assert [text for text in literals(path) if CHINESE.search(text) and len(text) > 2] == []


# --- The Chinese pages as they come out ---------------------------------------------------------------

COMPANIES = ("shop", "desk", "asked", "leaving", "seller")
IN_DATA = "Test EUR ann bob carl dora eve"


def calls_of(kind: str) -> list[str]:
    cells = (cell for path in NOTEBOOKS for cell in nbformat.read(path, as_version=4).cells)
    sources = [c.source for c in cells if c.cell_type == "code" and c.source.startswith(kind)]
    return sorted({source for source in sources if "show_definitions" not in source})


def called(source: str, results: Any, **options: Any) -> Any:
    """What a call of a notebook gives in Chinese."""
    call = ast.parse(source).body[0].value
    return getattr(analysis, call.func.id)(
        results, *(a.value for a in call.args[1:]), language="zh", **options
    )


def page_part(source: str, results: Any) -> str:
    """What such a call shows, as a reader reads it; nothing where there is nothing."""
    shown = called(source, results)
    page = BeautifulSoup("" if isinstance(shown, NotMeasured) else str(shown), "html.parser")
    for hidden in page.find_all(["style", "code", "pre"]):
        hidden.decompose()
    return page.get_text(" ")


def chart_words(source: str, results: Any, with_drawn: bool = True) -> str:
    """The words around a chart and in place of it for who cannot see it, and with those drawn."""
    with figure_style("zh"):
        figure, ax = plt.subplots()
        drawn = called(source, results, ax=ax)
        texts = [text.get_text() for text in figure.findobj(TextDrawn)] if with_drawn else []
        told = {} if isinstance(drawn, NotMeasured) else figure._workbook
        plt.close(figure)
    return " ".join([*told.values(), *texts])


NUMBERED = ("account_manager", "agent", "product")  # their values are numbers, and stand beside names
CALLED_OTHERWISE = (
    "overall_satisfaction",
    "expectations_met",
    "close_to_ideal",
)  # items of an index have usual names


def every_name(results: Any) -> dict[tuple[str, str], str]:
    """A Chinese name for every value that the company's tables hold of any dimension, by dimension and value."""
    book, digits = results.book, "甲乙丙丁戊己庚辛壬癸"
    engine, names = open_engine(book.settings.engine), {}
    for place, dimension in enumerate(book.catalogue.dimensions):
        for number, value in enumerate(sorted(values_held(engine, book.prepared, dimension) or ())):
            code = f"{place:02d}{number:03d}"
            names[dimension, value] = f"〔{''.join(digits[int(digit)] for digit in code)}〕"
    engine.close()
    return {key: name for key, name in names.items() if key[1] not in ("", *CALLED_OTHERWISE)}


def as_settings(names: dict[tuple[str, str], str]) -> dict[str, dict[str, dict[str, str]]]:
    """Such names as ``value_names`` has them."""
    nested: dict[str, dict[str, dict[str, str]]] = {dimension: {} for dimension, _ in names}
    for (dimension, value), name in names.items():
        nested[dimension][value] = {"zh": name}
    return nested


@pytest.mark.slow
@pytest.mark.parametrize("company", COMPANIES)
def test_every_value_of_the_data_has_its_name_wherever_it_stands_and_nothing_else_changes(
    request, with_names, company
):
    plain = request.getfixturevalue(company)
    names = every_name(plain)
    own = with_names(plain, **as_settings(names))
    before = {name: group_name(plain.book, *key, "zh") for key, name in names.items()}
    told, found = partial(chart_words, with_drawn=False), {}
    for show, kind in ((page_part, "show_"), (told, "plot_")):  # drawn names may be cut off
        for source in calls_of(kind):
            text, same = show(source, own), show(source, plain)
            for name, word in before.items():
                text = text.replace(name, word)
            text, same = (re.sub(r"\b[0-9a-f]{7,}\b|\\", "", each).replace("_", " ") for each in (text, same))
            if text != same:
                at = len(os.path.commonprefix([text, same]))
                found[source] = (text[at - 9 : at + 40], same[at - 9 : at + 40])
    assert found == {}


@pytest.mark.slow
@pytest.mark.parametrize("company", COMPANIES)
def test_a_chinese_page_holds_no_latin_word_but_names_ids_units_and_abbreviations(
    request, with_names, company
):
    plain = request.getfixturevalue(company)
    results = with_names(plain, **as_settings(every_name(plain)))
    values = {word for value in values_without_a_name_of_ours(results) for word in latin_words(value)}
    ours = {word.lower() for word in words_declared(results)} - {word.lower() for word in values}
    known = ours | {word.lower() for word in {*LATIN.split(), *IN_DATA.split(), *words_of_data(results)}}
    found: dict[str, set[str]] = {}
    for source in [*calls_of("show_"), *calls_of("plot_")]:
        text = (page_part if source.startswith("show_") else chart_words)(source, results)
        words = {
            word
            for word in latin_words(re.sub(r"\d{4}Q\d|\b[0-9a-f]{7,}\b", "", text))
            if word.lower() not in known
        }
        if words:
            found[source] = words
        assert not re.search(
            r"\d{1,2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)|\b\d+ (h|min|days|pp)\b", text
        )
    assert found == {}


def values_without_a_name_of_ours(results: Any) -> list[str]:
    """The values that only the company can name: words of theirs may stand nowhere, be they ids of ours besides."""
    dimensions = results.book.catalogue.dimensions
    return [
        value
        for dimension, names in results.book.settings.value_names.items()
        if dimension not in NUMBERED and not dimensions[dimension].groups
        for value in names
    ]


def words_of_data(results: Any) -> set[str]:
    """Words of the company's own: ids and names in its tables, but for values that have names: these stand nowhere."""
    book, words = results.book, set()
    named = {column_of(name) for name in results.book.settings.value_names if name not in NUMBERED}
    for table in book.prepared.tables:
        rows = book.ask(f"select * from source_{table}")
        for column in rows.select_dtypes(["object", "str"]).columns.difference(list(named)):
            words.update(word for value in rows[column].dropna().unique() for word in latin_words(str(value)))
    return words


def words_declared(results: Any) -> set[str]:
    """Ids of what the workbook declares, and the company's settings."""
    book, catalogue, words = results.book, results.book.catalogue, set()
    declared_ids = [*catalogue.metrics, *catalogue.dimensions, *catalogue.tables, *Settings.model_fields]
    columns = [column for table in catalogue.tables.values() for column in table.columns]
    values = [str(value) for value in book.setting_values.values()]
    for name in (*declared_ids, *columns, *values):
        words.update(latin_words(name) | {part for part in re.split(r"[^A-Za-z]+", name) if part})
    return words
