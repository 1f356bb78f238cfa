"""The glossary: the words of the report and every metric, in one language with the other's name beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analysis.catalogue import FAMILIES, Metric, label, load_catalogue
from analysis.catalogue.terms import Term, load_terms
from analysis.report.pages.definitions import FAMILIES_OF

OTHER = {"en": "zh", "zh": "en"}
SIGNS = {" - ": " − ", " / ": " ÷ ", " * ": " × "}


def glossary_text(language: str) -> str:
    """The glossary as Markdown; the same text in every run, whatever company and period."""
    lines = [f"# {_say('title', language)}", "", _say("lead", language), ""]
    lines += [f"## {_say('terms', language)}", "", *_term_lines(language)]
    lines += _metric_lines(language)
    return "\n".join(lines).rstrip() + "\n"


def _term_lines(language: str) -> Iterator[str]:
    for section in load_terms():
        yield from (f"### {section.section.in_(language)}", "")
        for term in section.terms:
            yield f"- {_term_line(term, language)}"
        yield ""


def _term_line(term: Term, language: str) -> str:
    name, other = term.in_(language), term.in_(OTHER[language])
    means = term.means.in_(language)
    if name == other:
        return f"**{name}**" + (": " if language == "en" else "：") + means
    return _say("term", language, name=name, other=other, means=means)


def _metric_lines(language: str) -> Iterator[str]:
    records = load_catalogue().records
    for family in FAMILIES:
        name = label(f"scorecard.family_{family}", language)
        yield from (f"## {_say('family', language, name=name)}", "")
        for record in (each for each in records if each.family == family):
            yield from _one_metric(record, language)


def _one_metric(record: Metric, language: str) -> Iterator[str]:
    """A metric: its names, unit, direction and page, its meaning, formula, other definitions and tables."""
    yield from (
        _say("metric", language, name=record.name.in_(language), other=record.name.in_(OTHER[language])),
        "",
    )
    yield from (_facts_line(record, language), "")
    yield as_sentence(with_settings(record.meaning.in_(language), language), language)
    more = (
        ("formula", formula_in_names(record, language)),
        ("definitions", _other_definitions(record, language)),
        ("needs", _tables(record, language)),
    )
    lines = [_each(record, language), *(_said(key, value, language) for key, value in more)]
    yield ""
    if any(lines):
        yield from (*(f"- {line}" for line in lines if line), "")


def _facts_line(record: Metric, language: str) -> str:
    pages = load_catalogue().pages
    page = next((name for name, families in FAMILIES_OF.items() if record.family in families), "scorecard")
    words = {"id": record.id, "unit": _say(f"unit_{record.unit}", language)}
    words["better"] = _say(f"better_{record.better}", language)
    if not record.shown:
        return _say("facts_without_page", language, **words)
    return _say("facts", language, page=pages[page].title.in_(language), **words)


def with_settings(text: str, language: str) -> str:
    """A definition with its ``$settings`` as names in code, what makes a customer in words."""
    base = label("definitions.customer_base_either", language)
    return re.sub(r" ?\$(\w+) ?", _as_code, text.replace("$customer_base", base), flags=re.ASCII)


def _as_code(found: re.Match[str]) -> str:
    spaces = [" " if found[0].startswith(" ") else "", " " if found[0].endswith(" ") else ""]
    return f"{spaces[0]}`{found[1]}`{spaces[1]}"


def as_sentence(text: str, language: str) -> str:
    """A text with a full stop, unless it has one."""
    return text if text.endswith((".", "。")) else text + {"en": ".", "zh": "。"}[language]


def formula_in_names(record: Metric, language: str) -> str:
    """A derived metric's formula with the names of the metrics in place of their ids; empty for one that is counted."""
    if record.kind != "derived" or not record.value:
        return ""
    value = record.value
    for written, printed in SIGNS.items():
        value = value.replace(written, printed)
    return re.sub(r"[a-z_]\w*(\.\w+)?", lambda found: _named(found[0], language), value)


def _named(name: str, language: str) -> str:
    """What a formula's name is called; a setting in code, a function as it stands."""
    metrics = load_catalogue().metrics
    head, _, shift = name.partition(".")
    if head in metrics:
        words = metrics[head].name.in_(language)
        return words + (label(f"definitions.shift_{shift}", language) if shift else "")
    return name if head in ("min", "max") else f"`{name}`"


def _other_definitions(record: Metric, language: str) -> str:
    return label("kpis.list_join", language).join(
        _say("definition", language, name=each.variant_name.in_(language), id=f"{record.id}.{each.variant}")
        for each in record.all_variants()[1:]
        if each.variant_name
    )


def _each(record: Metric, language: str) -> str:
    if record.each is None:
        return ""
    return _say("each", language, dimension=load_catalogue().dimensions[record.each].name.in_(language))


def _tables(record: Metric, language: str) -> str:
    """The tables that the metric needs, for a company that knows its customers by their orders."""
    from analysis.metrics.gaps import tables_lacking

    tables = load_catalogue().tables
    needed = [name for name in tables_lacking(record, list(tables), "orders") if name not in record.needs_any]
    needed += ["orders"] if record.kind == "modelled" else []
    join = label("kpis.name_join", language)
    named = [join.join(tables[name].name.in_(language) for name in needed)] if needed else []
    if record.needs_any:
        listed = join.join(tables[name].name.in_(language) for name in record.needs_any)
        named.append(_say("needs_any", language, tables=listed))
    return label("kpis.list_join", language).join(named)


def _said(key: str, value: str, language: str) -> str:
    if not value:
        return ""
    return _say(
        key, language, **{{"formula": "formula", "definitions": "list", "needs": "tables"}[key]: value}
    )


def _say(key: str, language: str, **values: object) -> str:
    return label(f"glossary.{key}", language, **values)
