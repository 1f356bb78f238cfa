"""``workbook``: parse, call, print. Everything heavy is imported when a command needs it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from analysis.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from analysis.suite import Results

EXIT_PARTIAL, EXIT_BAD_INPUT = 1, 2

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # importing rich would be most of what `workbook --help` takes
    help="How well are we managing our customers? Measure, explain and report it, period by period.",
)


class Language(StrEnum):
    en = "en"
    zh = "zh"
    both = "both"


class Format(StrEnum):
    table = "table"
    csv = "csv"
    json = "json"


class CustomersFormat(StrEnum):
    csv = "csv"
    parquet = "parquet"


class OneLanguage(StrEnum):
    en = "en"
    zh = "zh"


class Sample(StrEnum):
    cdnow = "cdnow"
    demo = "demo"


ParamsOption = Annotated[
    str, typer.Option("--params", "-f", help="The company's settings, such as params/cdnow.yml.")
]
PeriodOption = Annotated[str, typer.Option("--period", "-p", help="1997Q4, 1997-10, 1997H2 or 1997.")]
MetricsOption = Annotated[
    list[str] | None, typer.Option("--metric", help="Only this metric (may be given several times).")
]
LanguageOption = Annotated[
    Language | None, typer.Option("--language", "-l", help="Edition; the settings' if not given.")
]


@app.command()
def run(
    params: ParamsOption,
    period: Annotated[
        str, typer.Option("--period", "-p", help="A period, or a range such as 1997Q1..1998Q2.")
    ],
    pages: Annotated[
        str | None, typer.Option(help="Pages to make, such as 03,06 or retention; all if not given.")
    ] = None,
    language: LanguageOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the reports; reports/<company> if not given.")
    ] = None,
) -> None:
    """Make the report of a period. Every page is executed and rendered, all of them or none."""
    from analysis.params import load_params
    from analysis.periods import parse_periods

    whole = True
    with _plain_errors(), _ended_in_order():
        loaded = load_params(params)
        periods = parse_periods(period, loaded.settings.fiscal_year_start_month)
        chosen = _pages(pages) if pages else None

        from analysis.report.kernels import warm_kernels

        with warm_kernels() as kernels:  # they import while this process does
            from analysis.report.progress import ProgressLines
            from analysis.report.run import run_reports

            lines = ProgressLines()
            reports = run_reports(
                loaded, periods, params_argument=params, pages=chosen, languages=_languages(language), out=out,
                progress=lines, kernels=kernels,
            )  # fmt: skip
            for made in reports:
                lines.finish()
                whole = whole and made.is_whole
                _say_outcome(made)
    if not whole:
        raise typer.Exit(EXIT_PARTIAL)


@app.command()
def kpis(
    params: ParamsOption,
    period: PeriodOption,
    by: Annotated[str | None, typer.Option(help="Break down by a dimension, such as value_band.")] = None,
    metric: MetricsOption = None,
    format: Annotated[Format, typer.Option(help="How to print.")] = Format.table,
    language: LanguageOption = None,
) -> None:
    """Print the KPI frame of a period: every metric, every variant."""
    from analysis.report.terminal import kpi_table
    from analysis.suite.rows import rows_of_period

    with _plain_errors():
        results = _results(params, period)
        frame = rows_of_period(results, by, metric or [])
        _print(frame, format, lambda: kpi_table(results, frame, _spoken(language)))


@app.command()
def variants(
    params: ParamsOption,
    period: PeriodOption,
    metric: MetricsOption = None,
    format: Annotated[Format, typer.Option(help="How to print.")] = Format.table,
    language: LanguageOption = None,
) -> None:
    """Print each metric under all its definitions, side by side. The one that the run uses is marked."""
    from analysis.report.terminal import variants_table
    from analysis.suite.rows import rows_of_variants

    with _plain_errors():
        results = _results(params, period)
        frame = rows_of_variants(results, metric or [])
        _print(frame, format, lambda: variants_table(results, frame, _spoken(language)))


@app.command()
def customers(
    params: ParamsOption,
    period: PeriodOption,
    format: Annotated[
        CustomersFormat, typer.Option(help="How to write; without --out it is printed.")
    ] = CustomersFormat.csv,
    out: Annotated[Path | None, typer.Option(help="File to write.")] = None,
) -> None:
    """Give the value and the risk of every customer. History, P(alive), expected purchases, value with interval."""
    from analysis.tables.quality import neutralised

    with _plain_errors():
        if format is CustomersFormat.parquet and out is None and sys.stdout.isatty():
            raise InputError(
                "Parquet is not for the screen: add --out customers.parquet, or redirect the output"
            )
        frame = _results(params, period).customers
        if format is CustomersFormat.parquet:
            frame.to_parquet(out or sys.stdout.buffer, index=False)
        else:
            texts = frame.select_dtypes(["object", "str"]).columns
            safe = frame.assign(**{name: frame[name].map(neutralised, na_action="ignore") for name in texts})
            safe.to_csv(out or sys.stdout, index=False, date_format="%Y-%m-%d")
        if out:
            _say(f"{len(frame)} customers in {out}")


@app.command()
def mart(
    params: ParamsOption,
    period: Annotated[
        str, typer.Option("--period", "-p", help="A period, or a range such as 1997Q1..1998Q2.")
    ],
    to: Annotated[str, typer.Option(help="A folder, for Parquet files, or a file NAME.duckdb.")],
) -> None:
    """Load a period into a KPI mart for BI tools. What the mart held of that period is replaced."""
    with _plain_errors():
        from analysis.delivery.mart import check_target, load_mart
        from analysis.params import load_params
        from analysis.periods import parse_periods

        check_target(to)
        fiscal_year_start_month = load_params(params).settings.fiscal_year_start_month
        for one in parse_periods(period, fiscal_year_start_month):
            rows = load_mart(_results(params, one.label), to)
            _say(f"{one.label}: {rows['kpis']:,} figures, {rows['customers']:,} customers")
        print(to)


@app.command()
def excel(
    params: ParamsOption,
    period: PeriodOption,
    language: Annotated[
        OneLanguage | None, typer.Option("--language", "-l", help="The settings' first if not given.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="File to write; reports/<company>/<company>_<period>_<language>.xlsx if not given."
        ),
    ] = None,
) -> None:
    """Write an Excel workbook of a period. Scorecard, all figures, trends, customers, definitions."""
    from analysis.delivery.excel import workbook_path, write_excel

    with _plain_errors():
        results = _results(params, period)
        chosen = language.value if language else results.book.settings.languages[0]
        print(write_excel(results, out or workbook_path(results.book, chosen), chosen))


@app.command()
def explain(
    metric: Annotated[str, typer.Argument(help="A metric, or metric.variant.")],
    params: ParamsOption,
    period: PeriodOption,
    by: Annotated[str | None, typer.Option(help="A dimension.")] = None,
    group: Annotated[str | None, typer.Option(help="One of its groups.")] = None,
    language: LanguageOption = None,
) -> None:
    """Explain one number. Its definition, variant, settings, counts, SQL and first source rows."""
    from analysis.report.explained import explain_metric
    from analysis.report.terminal import explained_text
    from analysis.suite.rows import check_group, rows_of_period

    with _plain_errors():
        results = _results(params, period)
        record = results.book.catalogue.named(metric)
        frame = rows_of_period(results, by, [record.id])
        check_group(frame, by, group)
        explained = explain_metric(results, record, by if group else None, group, frame)
        print(explained_text(explained, results.book, _spoken(language)))


@app.command()
def check(params: ParamsOption) -> None:
    """Check the settings and the company's files. Rows kept and rejected, days covered, what is missing."""
    from analysis.params import load_params
    from analysis.report.terminal import check_text

    with _plain_errors():
        print(check_text(load_params(params)))


@app.command()
def metrics(language: LanguageOption = None) -> None:
    """List every metric the workbook knows, with its variants."""
    from analysis.catalogue import load_catalogue

    spoken = _spoken(language)
    for family, records in load_catalogue().families.items():
        print(f"\n{family}")
        for record in records:
            print(f"  {record.id:32} {record.name.in_(spoken)}: {record.meaning.in_(spoken)}")
            for variant in record.all_variants()[1:]:
                words = variant.variant_name.in_(spoken) if variant.variant_name else ""
                print(f"    .{variant.variant:30} {words}")


@app.command()
def sample(
    name: Annotated[Sample, typer.Argument(help="Which data set.")],
    root: Annotated[Path, typer.Option(help="Project folder to write below.")] = Path(),
) -> None:
    """Write a sample company's raw files. They are as any user would have them."""
    from analysis.samples.cdnow import write_cdnow
    from analysis.samples.demo import write_demo

    with _plain_errors():
        print({Sample.cdnow: write_cdnow, Sample.demo: write_demo}[name](root))


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="The company's folder, such as mycompany.")],
    root: Annotated[Path, typer.Option(help="Project folder to write below.")] = Path(),
    language: Annotated[Language, typer.Option("--language", "-l", help="Of the comments.")] = Language.en,
) -> None:
    """Begin with your own data. Commented settings, a file to fill in for each table, and the next command."""
    from analysis.tables.begin_company import begin_company, say_next

    with _plain_errors():
        made = begin_company(name, root, _spoken(language))
        print(say_next(made, _program(), _spoken(language)))


@app.command()
def template(
    table: Annotated[str, typer.Argument(help="A table, such as orders.")],
    given_as: Annotated[str | None, typer.Option(help="Another form it may have, such as lines.")] = None,
    language: LanguageOption = None,
    out: Annotated[Path | None, typer.Option(help="File to write; the rules come to FILE.rules.txt.")] = None,
) -> None:
    """Print a CSV to fill in for a table. Its header and an example row; the rules go to the screen beside it."""
    from analysis.tables.templates import template_csv, template_rules, write_template

    with _plain_errors():
        if out:
            _say(
                f"{out}, and the rules of its columns in {write_template(table, _spoken(language), out, given_as)}"
            )
            return
        text, rules = template_csv(table, given_as), template_rules(table, _spoken(language), given_as)
        print(rules, file=sys.stderr)
        print(text, end="")


def _print(frame: pd.DataFrame, format: Format, as_table: Callable[[], str]) -> None:
    if format is Format.json:
        print(to_json(frame))
    elif format is Format.csv:
        print(frame.to_csv(index=False), end="")
    else:
        print(as_table())


def to_json(frame: pd.DataFrame) -> str:
    """A frame as a JSON list of records; what is missing is null."""
    import json

    records = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return json.dumps(records, ensure_ascii=False, indent=1)


def main() -> None:
    """The command line; ends with 2 for input that cannot be used, 1 for a report with gaps."""
    app()


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Bad input ends with its message and exit code 2, without a trace."""
    try:
        yield
    except InputError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(EXIT_BAD_INPUT) from None


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Asked to end (SIGTERM), leave as when interrupted: nothing half written, no process left behind."""
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _results(params: str, period: str) -> Results:
    from analysis.facts import open_book
    from analysis.suite import measure_suite

    return measure_suite(open_book(params, period))


def _pages(text: str) -> list[str]:
    """Page ids from ids or notebook numbers."""
    from analysis.catalogue import load_catalogue, nearest

    known = load_catalogue().pages
    by_number = {page.notebook[:2]: name for name, page in known.items()}
    found = []
    for word in (part.strip() for part in text.split(",") if part.strip()):
        name = by_number.get(word.zfill(2), word)
        if name not in known:
            raise InputError(f"there is no page {word!r}{nearest(word, known)}")
        found.append(name)
    return found


def _program() -> str:
    """The workbook as it can be typed here."""
    import shutil

    typed = sys.argv[0]
    return typed if Path(typed).stem == "workbook" and not shutil.which("workbook") else "workbook"


def _spoken(language: Language | None) -> str:
    return "zh" if language is Language.zh else "en"


def _languages(language: Language | None) -> tuple[str, ...] | None:
    return None if language is None else ("en", "zh") if language is Language.both else (language.value,)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _say_outcome(made: Any) -> None:
    for page in made.pages:
        if page.status != "whole":
            notebook = made.folder / "notebooks" / page.page.notebook
            _say(f"page {page.page.id} failed: {page.error} (traceback in {notebook})")
    if not made.results.is_reconciled:
        _say("UNRECONCILED: some figures do not add up; the report says which")
    _say("PARTIAL report, kept beside any whole one:" if not made.is_whole else "Report:")
    print(made.index)


if __name__ == "__main__":
    main()
