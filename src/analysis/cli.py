"""``workbook``: parse, call, print. Everything heavy is imported when a command needs it."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from analysis.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from analysis.params import Params
    from analysis.suite import Results

EXIT_NOT_SENT = 1
EXIT_BAD_INPUT = 2
MESSAGES_VARIABLE = "WORKBOOK_MESSAGES"

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
    Language | None,
    typer.Option("--language", "-l", help=f"To print in; {MESSAGES_VARIABLE} if not given, else English."),
]
MessagesOption = Annotated[
    OneLanguage | None,
    typer.Option(
        "--language", "-l", help=f"Of what is said here; {MESSAGES_VARIABLE} if not given, else English."
    ),
]
ReportsOption = Annotated[
    Path | None,
    typer.Option("--reports", "--out", help="Folder of the reports; reports/<company> if not given."),
]


@app.command()
def run(
    params: ParamsOption,
    period: Annotated[
        str | None,
        typer.Option("--period", "-p", help="2026Q3, a range 2025Q1..2026Q3, or a list 2025Q1,2025Q3."),
    ] = None,
    periods: Annotated[str | None, typer.Option("--periods", help="The same as --period.")] = None,
    pages: Annotated[
        str | None, typer.Option(help="Pages to make, such as 03,06 or retention; all if not given.")
    ] = None,
    language: Annotated[
        Language | None,
        typer.Option("--language", "-l", help="Editions to make; the settings' if not given."),
    ] = None,
    messages: Annotated[
        OneLanguage | None,
        typer.Option(
            help=f"Language of what is said here, whatever the editions; {MESSAGES_VARIABLE} if not given, else "
            "Chinese with --language zh, else English."
        ),
    ] = None,
    reports: ReportsOption = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Keep whole reports of the same data, settings and code, and pages already finished.",
        ),
    ] = False,
) -> None:
    """Make the reports of one period or several. Every page is executed and rendered, all of them or none.

    Ends with 0 when every report is whole; 1 when one has gaps (PARTIAL, kept beside any whole one) or figures
    that do not add up; 2 when one could not be made; 130 or 143 when interrupted (Ctrl-C, SIGTERM). A period that
    another run is just making is refused; different periods may be made at once.
    """
    from analysis.params import load_params
    from analysis.periods import parse_periods

    spoken = messages.value if messages else _messages() or _spoken(language)
    with _plain_errors(spoken), _ended_in_order("interrupted", spoken):
        asked = _one_of(period, periods)
        loaded = load_params(params)
        wanted = parse_periods(asked, loaded.settings.fiscal_year_start_month)
        chosen = _pages(pages, loaded) if pages else None

        from analysis.report.kernels import warm_kernels

        # They import while this process does; but a run that is resumed may not need any.
        with warm_kernels(at_once=not resume) as kernels:
            from analysis.report.outcomes import exit_code, outcome_lines, remembered, summary_lines
            from analysis.report.progress import ProgressLines
            from analysis.report.run import run_reports

            lines, outcomes = ProgressLines(language=spoken), []
            ended = run_reports(
                loaded, wanted, params_argument=params, pages=chosen, languages=_languages(language),
                reports=reports, resume=resume, progress=lines, kernels=kernels,
            )  # fmt: skip
            for outcome in ended:
                lines.finish()
                _say("\n".join(outcome_lines(outcome, outcomes, spoken)))
                outcomes.append(remembered(outcome))
                if index := getattr(outcome, "index", None):
                    _give(str(index))
        if len(outcomes) > 1:
            _say("\n".join(summary_lines(outcomes, spoken)))
    if code := exit_code(outcomes):
        raise typer.Exit(code)


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

    spoken = _spoken(language)
    with _plain_errors(spoken):
        results = _results(params, period)
        frame = rows_of_period(results, by, metric or [])
        _print(frame, format, lambda: kpi_table(results, frame, spoken))


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

    spoken = _spoken(language)
    with _plain_errors(spoken):
        results = _results(params, period)
        frame = rows_of_variants(results, metric or [])
        _print(frame, format, lambda: variants_table(results, frame, spoken))


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
    from analysis.catalogue import say_problem
    from analysis.tables.quality import neutralised

    spoken = _spoken()
    with _plain_errors(spoken):
        if format is CustomersFormat.parquet and out is None and sys.stdout.isatty():
            raise InputError(say_problem("not_for_screen"))
        frame = _results(params, period).customers
        if format is CustomersFormat.parquet:
            frame.to_parquet(out or sys.stdout.buffer, index=False)
        else:
            texts = frame.select_dtypes(["object", "str"]).columns
            safe = frame.assign(**{name: frame[name].map(neutralised, na_action="ignore") for name in texts})
            safe.to_csv(out or sys.stdout, index=False, date_format="%Y-%m-%d")
        if out:
            from analysis.report.terminal_words import say_in_terminal

            _say(say_in_terminal("customers_written", spoken, count=len(frame), path=out))


@app.command()
def mart(
    params: ParamsOption,
    period: Annotated[
        str, typer.Option("--period", "-p", help="A period, or a range such as 1997Q1..1998Q2.")
    ],
    to: Annotated[
        str,
        typer.Option(
            help="A folder (for Parquet files), a file NAME.duckdb, the address of a database such as "
            "sqlite:///mart.db or postgresql+psycopg://user@host/db, or env:NAME for an address in a variable."
        ),
    ],
    schema: Annotated[str | None, typer.Option(help="Where in a database the tables lie.")] = None,
    language: MessagesOption = None,
) -> None:
    """Load a period into a KPI mart for BI tools. What the mart held of that period is replaced."""
    spoken = _spoken(language)
    with _plain_errors(spoken), _ended_in_order("mart_interrupted", spoken):
        from analysis.catalogue import label
        from analysis.delivery.mart import check_target, load_mart
        from analysis.params import load_params
        from analysis.periods import parse_periods

        check_target(to, schema)
        fiscal_year_start_month = load_params(params).settings.fiscal_year_start_month
        for one in parse_periods(period, fiscal_year_start_month):
            rows = load_mart(_results(params, one.label, to_keep=True), to, schema=schema)
            counts = {"figures": f"{rows['kpis']:,}", "customers": f"{rows['customers']:,}"}
            _say(label("terminal.loaded", spoken, period=one.label, **counts))
        _give(to)


@app.command()
def mail(
    period: Annotated[str, typer.Argument(help="1997Q4, 1997-10, 1997H2 or 1997.")],
    params: ParamsOption,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write .eml files, send nothing.")] = False,
    to: Annotated[
        list[str] | None, typer.Option(help="Only to this recipient (may be given several times).")
    ] = None,
    again: Annotated[
        list[str] | None, typer.Option(help="To this recipient though he had it already, or may have had.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="With --dry-run: folder; reports/<company>/<period>-mail if not given."),
    ] = None,
    allow_running: Annotated[
        bool, typer.Option("--allow-running", help="Even of a period that is still running.")
    ] = False,
    skip_missing: Annotated[
        bool, typer.Option("--skip-missing", help="Leave out groups of `each` without an address.")
    ] = False,
    allow_plain: Annotated[
        bool, typer.Option("--allow-plain", help="With security: none, to another machine too.")
    ] = False,
    reports: Annotated[
        Path | None,
        typer.Option(help="Folder of the reports, as `run` was given it; reports/<company> if not given."),
    ] = None,
    language: MessagesOption = None,
) -> None:
    """Mail the report of a period. Each recipient of the settings gets his letter, and gets it once.

    Ends with 0 when everybody has his letter; 1 when somebody has not, or may not have; 2 when nothing could be sent.
    """
    from analysis.catalogue import say_problem
    from analysis.params import load_params

    spoken = _spoken(language)
    with _plain_errors(spoken), _ended_in_order("mail_interrupted", spoken):
        if out and not dry_run:
            raise InputError(say_problem("out_of_dry_run"))
        loaded = load_params(params)

        from analysis.delivery.mail import Options, send_mail, summary, write_mail

        options = Options(
            tuple(to or ()), tuple(again or ()), allow_running, skip_missing, allow_plain, reports, spoken
        )
        if dry_run:
            made = write_mail(loaded, period, os.environ, options, out)
        else:
            made = send_mail(loaded, period, os.environ, options, _say)
        _give(summary(made, spoken))
    if not all(one.is_done for one in made):
        raise typer.Exit(EXIT_NOT_SENT)


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

    spoken = _messages() or _spoken(language)
    with _plain_errors(spoken):
        results = _results(params, period, to_keep=True)
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

    spoken = _spoken(language)
    with _plain_errors(spoken):
        results = _results(params, period)
        record = results.book.catalogue.named(metric)
        frame = rows_of_period(results, by, [record.id])
        check_group(frame, by, group)
        explained = explain_metric(results, record, by if group else None, group, frame)
        print(explained_text(explained, results.book, spoken))


@app.command()
def check(params: ParamsOption, language: LanguageOption = None) -> None:
    """Check the settings and the company's files. Rows kept and rejected, days covered, what is missing."""
    from analysis.params import load_params
    from analysis.report.terminal import check_text, next_command

    spoken = _spoken(language)
    with _plain_errors(spoken):
        loaded = load_params(params)
        print(check_text(loaded, spoken))
        if following := next_command(loaded, params, _program(), spoken):
            print(f"\n{following}")


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
def glossary(language: LanguageOption = None) -> None:
    """Print the glossary. The words of the report and every metric, with the other language's name beside each."""
    from analysis.report.glossary import glossary_text

    print(glossary_text(_spoken(language)), end="")


@app.command()
def survey(
    name: Annotated[str, typer.Argument(help="csat, nps, nps_transactional, ces, acsi or servqual.")],
    language: LanguageOption = None,
    half_width: Annotated[
        float | None,
        typer.Option(
            help="Half-width wanted: 0.05 of a share, 8 points of an NPS, 2 of an index, 0.2 of a gap."
        ),
    ] = None,
    population: Annotated[int | None, typer.Option(help="How many customers could be asked.")] = None,
    response_rate: Annotated[float, typer.Option(help="Share of those asked who answer.")] = 0.2,
    out: Annotated[Path | None, typer.Option(help="New CSV file for the table of questions.")] = None,
) -> None:
    """Print a questionnaire ready to send. With how many answers it needs, and where they go."""
    from analysis.catalogue import label
    from analysis.catalogue.questionnaires import questionnaire
    from analysis.report.surveys_shown import Plan, survey_text
    from analysis.tables.question_rows import write_questions

    spoken = _spoken(language)
    with _plain_errors(spoken):
        asked = questionnaire(name)
        text = survey_text(asked, Plan(half_width, population, response_rate), spoken)
        count = write_questions(asked, spoken, out) if out else 0
        print(text)
        if out:
            _say(label("surveys.written", spoken, count=count, file=out))


@app.command()
def sample(
    name: Annotated[Sample, typer.Argument(help="Which data set.")],
    root: Annotated[Path, typer.Option(help="Project folder to write below.")] = Path(),
) -> None:
    """Write a sample company's raw files. They are as any user would have them; its settings where there are none."""
    from analysis.samples import write_settings
    from analysis.samples.cdnow import write_cdnow
    from analysis.samples.demo import write_demo

    spoken = _spoken()
    with _plain_errors(spoken):
        print({Sample.cdnow: write_cdnow, Sample.demo: write_demo}[name](root))
        write_settings(name.value, root)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="The company's folder, such as mycompany.")],
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Your own exports, to be mapped as far as they are recognised."),
    ] = None,
    root: Annotated[Path, typer.Option(help="Project folder to write below.")] = Path(),
    language: Annotated[
        Language | None,
        typer.Option(
            "--language", "-l", help=f"Of the comments; {MESSAGES_VARIABLE} if not given, else English."
        ),
    ] = None,
) -> None:
    """Begin with your own data. Commented settings, a file to fill in for each table, and the next command."""
    from analysis.tables.begin_company import begin_company, say_next

    spoken = _messages() or _spoken(language)
    with _plain_errors(spoken):
        made = begin_company(name, root, _spoken(language), files or [])
        print(say_next(made, _program(), spoken))


@app.command()
def template(
    table: Annotated[str, typer.Argument(help="A table, such as orders.")],
    given_as: Annotated[str | None, typer.Option(help="Another form it may have, such as lines.")] = None,
    language: LanguageOption = None,
    out: Annotated[Path | None, typer.Option(help="File to write; the rules come to FILE.rules.txt.")] = None,
) -> None:
    """Print a CSV to fill in for a table. Its header and an example row; the rules go to the screen beside it."""
    from analysis.tables.templates import template_csv, template_rules, write_template

    spoken = _spoken(language)
    with _plain_errors(spoken):
        if out:
            _say(f"{out}, and the rules of its columns in {write_template(table, spoken, out, given_as)}")
            return
        text, rules = template_csv(table, given_as), template_rules(table, spoken, given_as)
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
    """The command line; ends with 2 for what cannot be done, 1 for a report that is not fit to be sent."""
    if "PYTHONIOENCODING" not in os.environ:
        # A machine that was told no language is not one that reads ASCII only.
        for stream in (sys.stdout, sys.stderr):
            if getattr(stream, "encoding", "") in ("ascii", "ANSI_X3.4-1968"):
                stream.reconfigure(encoding="utf-8")
    try:
        app()
    except UnicodeEncodeError as error:
        unknown = ascii(error.object[error.start : error.end][:10])
        _say(f"the output's encoding, {error.encoding}, lacks {unknown}: set PYTHONUTF8=1 and run this again")
        sys.exit(EXIT_BAD_INPUT)
    except OSError as error:  # the machine refuses; anything else is a fault of ours, and keeps its trace
        if error.errno not in _REFUSALS:
            raise
        _say(f"{error.filename or 'the output'}: {error.strerror}; mend that and run this again")
        _let_go(sys.stdout)
        sys.exit(EXIT_BAD_INPUT)


_REFUSALS = (
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EMFILE, errno.ENFILE,
)  # fmt: skip


@contextmanager
def _plain_errors(language: str) -> Iterator[None]:
    """Bad input ends with its message and exit code 2, without a trace."""
    try:
        yield
    except InputError as error:
        print(error.in_(language), file=sys.stderr)
        raise typer.Exit(EXIT_BAD_INPUT) from None


@contextmanager
def _ended_in_order(said: str, language: str) -> Iterator[None]:
    """Asked to end (Ctrl-C, SIGTERM, a terminal closed), leave nothing half written and no process behind.

    Asked twice, end at once.
    """
    from analysis.catalogue import label

    words = f"\n{label(f'terminal.{said}', language)}\n"
    line = words.encode(getattr(sys.stderr, "encoding", None) or "utf-8", "backslashreplace")
    before = {
        number: signal.signal(number, partial(_end, line))
        for number in _ENDING
        if signal.getsignal(number) is not signal.SIG_IGN  # as for a command in the background of a script
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_ENDING = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]


def _end(line: bytes, number: int, _: Any) -> None:
    for each in _ENDING:
        signal.signal(each, signal.SIG_DFL)  # asked again: a run may be killed at any moment, nothing is lost
    # Straight to the screen: the signal may have come in the middle of another line.
    with suppress(OSError):
        os.write(2, line)
    sys.exit(128 + number)


def _results(params: str, period: str, *, to_keep: bool = False) -> Results:
    """The results of a period; those that are kept in a file must be of one of which the data say something."""
    from analysis.facts import open_book
    from analysis.facts.reach import check_reach
    from analysis.suite import measure_suite

    book = open_book(params, period)
    if to_keep:
        check_reach(book)
    return measure_suite(book)


def _one_of(period: str | None, periods: str | None) -> str:
    from analysis.catalogue import say_problem

    given = [text for text in (period, periods) if text]
    if len(given) != 1:
        raise InputError(say_problem("period_given_twice" if given else "no_period_given"))
    return given[0]


def _pages(text: str, params: Params) -> list[str]:
    """Page ids from ids or notebook numbers."""
    from analysis.catalogue import nearest, say_problem

    known = params.pages
    by_number = {page.notebook[:2]: name for name, page in known.items() if not page.folder}
    found = []
    for word in (part.strip() for part in text.split(",") if part.strip()):
        name = by_number.get(word.zfill(2), word)
        if name not in known:
            raise InputError(say_problem("no_page", name=word, hint=nearest(word, known)))
        found.append(name)
    return list(dict.fromkeys(found))


def _program() -> str:
    """The workbook as it can be typed here."""
    import shutil

    typed = sys.argv[0]
    return typed if Path(typed).stem == "workbook" and not shutil.which("workbook") else "workbook"


def _spoken(language: Language | OneLanguage | None = None) -> str:
    """The language to print in: the one asked for, else the operator's, else English."""
    asked = language.value if language else ""
    return asked if asked in ("en", "zh") else _messages() or "en"


def _messages() -> str:
    """The operator's language, as a variable of the environment says; nothing where none does."""
    said = os.environ.get(MESSAGES_VARIABLE, "")
    if said not in ("", "en", "zh"):
        raise typer.BadParameter(f"{MESSAGES_VARIABLE} should be en or zh; found {said!r}")
    return said


def _languages(language: Language | None) -> tuple[str, ...] | None:
    return None if language is None else ("en", "zh") if language is Language.both else (language.value,)


def _say(line: str) -> None:
    _put(line, sys.stderr)


def _give(line: str) -> None:
    """What work has come to: said as far as it can be, since the work is done and its exit code is to tell how."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    _put(line.encode(encoding, "backslashreplace").decode(encoding), sys.stdout)


def _put(line: str, stream: TextIO) -> None:
    try:
        print(line, file=stream, flush=True)
    except OSError:  # whoever read it has gone, or its disk is full
        _let_go(stream)


def _let_go(stream: TextIO) -> None:
    """Nothing more is written there: what is left would be tried again at the process's end, and be its exit code."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    main()
