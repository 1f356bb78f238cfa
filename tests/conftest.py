"""Small companies in a temporary folder, opened as a Book, and the packaged CDNOW orders."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from analysis.facts import Book, open_book
from analysis.params import EngineSettings

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
def open_orders(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Book]:
    """Open a company, in a folder of its own, that has orders given as (customer, date, amount), and other tables."""

    def opened(
        orders: Iterable[Order], period: str, tables: dict[str, Any] | None = None, **settings: Any
    ) -> Book:
        root = tmp_path_factory.mktemp("company")
        given = {"orders": write_orders(root, orders)} | (tables or {})
        return open_book(write_company(root, given, **settings), period)

    return opened


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
