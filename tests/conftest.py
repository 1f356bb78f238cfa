"""Small companies in a temporary folder, opened as a Book, and the packaged CDNOW orders."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from analysis.facts import Book, open_book
from analysis.params import EngineSettings
from analysis.suite import Results

ORDER_COLUMNS = {"order_id": "id", "customer_id": "customer", "ordered_at": "date", "amount": "amount"}
Order = tuple[Any, ...]  # customer, date, amount


def write_company(root: Path, tables: dict[str, Any], **settings: Any) -> Path:
    """A params file below ``root`` for these tables."""
    path = root / "params" / "company.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    values = {"company": "Test", "currency": "EUR", "tables": tables} | settings
    path.write_text(yaml.safe_dump(values, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


def write_orders(root: Path, orders: Iterable[Order]) -> dict[str, Any]:
    """A CSV of orders below ``root``, and the settings that read it."""
    lines = [f"o{number},{','.join(map(str, order))}" for number, order in enumerate(orders, 1)]
    (root / "orders.csv").write_text("\n".join(["id,customer,date,amount", *lines]) + "\n", encoding="utf-8")
    return {"file": "orders.csv", "columns": ORDER_COLUMNS}


@pytest.fixture(scope="session")
def with_names() -> Callable[..., Results]:
    """The same results where the settings name values: ``with_names(results, stage={"won": {"zh": "赢单"}})``."""

    def named(results: Results, **names: dict[str, dict[str, str]]) -> Results:
        settings = results.book.settings.model_copy(update={"value_names": names})
        params = results.book.params.model_copy(update={"settings": settings})
        return Results(replace(results.book, params=params), results.frames)

    return named


@pytest.fixture(scope="session")
def open_orders(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Book]:
    """Open a company, in a folder of its own, that has orders given as (customer, date, amount), and other tables."""

    def opened(
        orders: Iterable[Order], period: str, tables: dict[str, Any] | None = None, **settings: Any
    ) -> Book:
        root = tmp_path_factory.mktemp("company")
        given = {"orders": write_orders(root, orders)} | (tables or {})
        return open_book(write_company(root, given, **settings), period)

    return opened


@pytest.fixture(scope="session")
def open_company(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Book]:
    """Open a company, in a folder of its own, whose tables are given as CSV under the contract's own column names."""

    def opened(tables: dict[str, str], period: str, **settings: Any) -> Book:
        root = tmp_path_factory.mktemp("company")
        given = {}
        for name, text in tables.items():
            (root / f"{name}.csv").write_text(text.strip() + "\n", encoding="utf-8")
            header = text.strip().splitlines()[0].split(",")
            given[name] = {"file": f"{name}.csv", "columns": dict(zip(header, header, strict=True))}
        return open_book(write_company(root, given, **settings), period)

    return opened


# A quarter of service: three tickets, four contacts, two customers who were asked everything.
SERVICE_AND_SURVEYS = {
    "agents": "agent_id,team\nann,first\nbob,second\n",
    "tickets": """ticket_id,customer_id,opened_at,first_replied_at,first_solution_at,resolved_at,due_at,\
waiting_seconds,reopened_count,reassigned_count,handled_by,is_complaint,severity,topic,channel,priority,agent_id,journey_stage,touchpoint
t1,stays,2024-05-01 09:00,2024-05-01 09:10,2024-05-01 10:00,2024-05-01 12:00,2024-05-02 09:00,600,\
0,1,agent,true,3,bill,phone,high,ann,use,app
t3,leaves,2024-06-01 09:00,2024-06-01 09:30,2024-06-01 10:00,2024-06-03 09:00,2024-06-02 09:00,0,\
1,0,agent,false,,other,phone,low,bob,use,web
t2,comes,2024-05-10 09:00,2024-05-10 09:01,2024-05-10 09:02,2024-05-10 09:03,2024-05-11 09:00,0,\
0,0,bot,false,,delivery,chat,low,,buy,web
""",
    "contacts": """contact_id,customer_id,ticket_id,started_at,direction,channel,outcome,wait_seconds,talk_seconds,\
hold_seconds,wrap_up_seconds,handled_by,reached_agent,is_complaint,topic,agent_id,journey_stage,touchpoint
c1,stays,t1,2024-05-01 09:00,inbound,phone,answered,15,200,10,30,agent,true,true,bill,ann,use,app
c2,comes,t2,2024-05-10 09:00,inbound,chat,answered,2,30,0,0,bot,false,false,delivery,,buy,web
c3,leaves,,2024-05-20 09:00,inbound,phone,abandoned,60,,,,agent,,false,bill,,use,app
c4,stays,,2024-06-20 09:00,inbound,phone,answered,25,100,0,20,agent,true,false,other,bob,use,app
""",
    "shifts": """agent_id,started_at,available_seconds,handling_seconds
ann,2024-05-01 08:00,20000,8000
bob,2024-06-20 08:00,25000,3000
""",
    "help_sessions": """session_id,customer_id,started_at,views,is_helpful,topic
h1,stays,2024-05-05,3,true,bill
h2,comes,2024-05-09,1,false,delivery
""",
    "questions": """question_id,construct,item,dimension,scale_min,scale_max
whole,csat,,,1,5
speed,csat,response_speed,,1,5
recommend,nps,,,0,10
easy,ces,,,1,7
effort,ces_v1,,,1,5
acsi1,acsi,overall,,1,10
acsi2,acsi,expected,,1,10
wish,servqual_expectation,prompt,responsiveness,1,7
seen,servqual_perception,prompt,responsiveness,1,7
again,loyalty,,,1,5
""",
    "surveys": """survey_id,customer_id,sent_at,answered_at,kind,channel,journey_stage,touchpoint,ticket_id
s1,stays,2024-05-02,2024-05-03,relationship,mail,use,app,
s2,comes,2024-05-11,2024-05-12,transactional,mail,buy,web,t2
""",
    "answers": "survey_id,question_id,score\n" + "".join(
        f"{survey},{question},{score}\n"
        for survey in ("s1", "s2")
        for question, score in {
            "whole": 4, "speed": 5, "recommend": 9, "easy": 6, "effort": 2, "acsi1": 8, "acsi2": 9, "wish": 6,
            "seen": 5, "again": 4,
        }.items()
    ),
    "mentions": """mention_id,published_at,platform,customer_id,sentiment
m1,2024-05-05,forum,stays,positive
m2,2024-06-05,weibo,,negative
m3,2024-06-06,weibo,,positive
""",
    "feedback": """feedback_id,given_at,source,customer_id,comment,score,scale_max
f1,2024-05-07,interview,stays,good,4,5
""",
}  # fmt: skip


@pytest.fixture(scope="session")
def service_and_surveys() -> dict[str, str]:
    """What passed between the customers `stays`, `comes` and `leaves` and the company in 2024Q2, as CSV by table."""
    return SERVICE_AND_SURVEYS


def packaged(name: str) -> Path:
    """A data file inside the lifetimes package, found without importing it."""
    return Path(find_spec("lifetimes").origin).parent / "datasets" / name


@pytest.fixture(scope="session")
def cdnow_sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Params of a company with every tenth CDNOW customer, as in the published tables."""
    root = tmp_path_factory.mktemp("cdnow_sample")
    rows = [line.split() for line in packaged("CDNOW_sample.txt").read_text().splitlines() if line.strip()]
    (root / "orders.csv").write_text(
        "\n".join(["customer,date,amount", *(f"{r[1]},{r[2]},{r[4]}" for r in rows if r[0].isdigit())]) + "\n"
    )
    columns = {
        "customer_id": "customer",
        "ordered_at": {"column": "date", "format": "%Y%m%d"},
        "amount": "amount",
    }
    orders = {"file": "orders.csv", "columns": columns}
    return write_company(root, {"orders": orders}, currency="USD", data_through=_day("1998-06-30"))


@pytest.fixture(scope="session")
def cdnow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Params of the whole CDNOW company, written as `workbook sample cdnow` writes it."""
    from analysis.samples.cdnow import write_cdnow

    root = tmp_path_factory.mktemp("cdnow")
    write_cdnow(root)
    project = Path(__file__).resolve().parents[1]
    (root / "params").mkdir()
    for name in ("base.yml", "cdnow.yml"):
        (root / "params" / name).write_text(
            (project / "params" / name).read_text(encoding="utf-8"), encoding="utf-8"
        )
    return root / "params" / "cdnow.yml"


SHOP_ORDERS = "who,day,money\na,2026-01-05,5\n<script>,2026-01-06,6\nb,2026-03-31,-1\nb,2026-04-02,2\n"


class Shop:
    """A company of four orders in a folder of its own, and a small notebook for each of its pages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reports = folder / "reports" / "shop"
        self.params = folder / "shop.yml"
        (folder / "orders.csv").write_text(SHOP_ORDERS, encoding="utf-8")

    def write(self, pages: dict[str, str], **settings: Any) -> None:
        """Settings with these pages, and for each a notebook with one cell of this code."""
        columns = {"customer_id": "who", "ordered_at": "day", "amount": "money"}
        tables = {"orders": {"file": "orders.csv", "columns": columns}}
        values = {"company": "Shop", "pages": list(pages), "pdf": False, "tables": tables} | settings
        self.params.write_text(yaml.safe_dump(values, allow_unicode=True, sort_keys=False), encoding="utf-8")
        for page, code in pages.items():
            self.write_notebook(page, code)

    def write_notebook(self, page: str, code: str) -> None:
        """A notebook in both languages with one cell beside its parameters."""
        import nbformat

        words = {"en": "# Page\n\nA question?", "zh": "# 页面\n\n问题？"}
        texts = [nbformat.v4.new_markdown_cell(text, metadata={"tags": [f"lang-{language}"]})
                 for language, text in words.items()]  # fmt: skip
        given = nbformat.v4.new_code_cell('period = ""\nparams = ""', metadata={"tags": ["parameters"]})
        cells = [*texts, given, nbformat.v4.new_code_cell(code)]
        for number, cell in enumerate(cells):
            cell.id = f"cell-{number}"  # the same notebook whenever it is written
        kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
        nbformat.write(notebook, self.notebook(page))

    def notebook(self, page: str) -> Path:
        """Where the notebook of a page lies."""
        return self.folder / f"{page}.ipynb"


@pytest.fixture(scope="session")
def shop_in() -> Callable[[Path], Shop]:
    """A company of four orders, in a given folder, whose pages are small notebooks that the test writes."""
    return Shop


@pytest.fixture
def small_shop(tmp_path: Path) -> Shop:
    """The same in the test's own folder."""
    return Shop(tmp_path)


@pytest.fixture(scope="session")
def spark() -> EngineSettings:
    """The settings of a Spark on two cores; every engine of the process shares the Java it starts."""
    if find_spec("pyspark") is None:
        pytest.skip("pyspark is not installed: `make extras`")
    if not _java_version() >= 17:
        pytest.skip("Spark needs Java 17 or newer")
    # Tests are over before Java's second compiler pays: half the time goes into it otherwise.
    os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
    return EngineSettings(kind="spark", master="local[2]", threads=None, memory_limit=None)


def _java_version() -> int:
    """The Java that Spark would use; 0 if there is none."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin" if home else None)
    if java is None:
        return 0
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    return int(found[1]) if found else 0


def _day(text: str) -> Any:
    from datetime import date

    return date.fromisoformat(text)
