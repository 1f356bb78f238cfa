"""Servers of the tests' own (PostgreSQL where it is installed, mail servers good and bad), an attacker, a company."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from scipy.optimize import LinearConstraint, milp
from sqlalchemy.pool import NullPool

from analysis.delivery.mart_sql import PASSWORD_VARIABLE
from analysis.suite import Results, measure_suite

PASSWORD = "s3cret:/word"


class PostgreSQL:
    """A server on the loopback address that asks for passwords, with an administrator ``postgres`` and a ``loader``."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port, self.databases = folder, port, 0

    def url(self, database: str, user: str = "loader", password: str | None = PASSWORD) -> sa.URL:
        """The address of a database."""
        return sa.URL.create("postgresql+psycopg", user, password, "127.0.0.1", self.port, database)

    def ask(self, database: str, *statements: str, user: str = "loader") -> list[tuple]:
        """The rows that the last of some statements gives."""
        engine = sa.create_engine(self.url(database, user), poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                done = connection.exec_driver_sql(statement)
            return [tuple(row) for row in done] if done.returns_rows else []

    def new_database(self) -> str:
        """The name of an empty database that belongs to ``loader``."""
        self.databases += 1
        name = f"mart{self.databases}"
        self.ask("postgres", f"create database {name} owner loader", user="postgres")
        return name


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A running server; the tests that need one are skipped where none is installed."""
    programs = _server_programs()
    # Not below pytest's folder, which only its owner enters: a server never runs as root.
    folder = Path(tempfile.mkdtemp(prefix="workbook-pg-"))
    as_owner = _owner_of(folder)
    try:
        given = folder / "password"
        given.write_text(PASSWORD)
        given.chmod(0o644)
        _call(as_owner, programs / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "scram-sha-256",
              "-E", "UTF8", "--locale=C", "--no-sync", f"--pwfile={given}")  # fmt: skip
        port = _free_port()
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        _call(
            as_owner,
            programs / "pg_ctl",
            "-D",
            folder / "data",
            "-w",
            "-l",
            folder / "log",
            "-o",
            options,
            "start",
        )
        try:
            server = PostgreSQL(folder, port)
            server.ask("postgres", f"create role loader login password '{PASSWORD}'", user="postgres")
            yield server
        finally:
            _call(as_owner, programs / "pg_ctl", "-D", folder / "data", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _server_programs() -> Path:
    """The folder of the newest server's programs."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = debian[-1] if debian else shutil.which("initdb")
    if not found:
        pytest.skip("no PostgreSQL server is installed here (Debian: apt-get install postgresql)")
    return Path(found).parent


def _owner_of(folder: Path) -> Sequence[str]:
    """What to put before a command so that whoever may run a server runs it; the folder becomes his."""
    if os.getuid() != 0:
        return ()
    if not shutil.which("runuser"):
        pytest.skip("PostgreSQL does not run as root, and there is no runuser to run it as somebody else")
    shutil.chown(folder, "postgres", "postgres")
    return ("runuser", "-u", "postgres", "--")


def _call(as_owner: Sequence[str], *command: object) -> None:
    # Without a pipe of ours: the server would hold it open for as long as it runs.
    with tempfile.TemporaryFile("w+") as said:
        done = subprocess.run([*as_owner, *map(str, command)], stdout=said, stderr=said, cwd="/", check=False)
        said.seek(0)
        assert done.returncode == 0, said.read()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def empty_database(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], str]:
    """The address of a new database, ``sqlite`` or ``postgresql``; its password is in the environment."""

    def made(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / 'mart.db'}"
        server: PostgreSQL = request.getfixturevalue("postgresql")
        monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
        return server.url(server.new_database(), password=None).render_as_string()

    return made


# --- Mail servers ---------------------------------------------------------------------------------


class MailBox:
    """A running mail server of aiosmtpd's, and what came in.

    ``answers`` holds replies by address or ``DATA``, one taken off each time until the last is left; those that are
    not text are seconds to wait before saying anything.
    """

    def __init__(self, port: int, answers: dict[str, list[str | float]]) -> None:
        self.host, self.port, self.answers = "localhost", port, answers
        self.taken: list[Any] = []  # envelopes, as accepted
        self.offered: list[Any] = []  # envelopes that came as far as their content
        self.logins: list[tuple[str, str]] = []
        self.commands: list[str] = []

    @property
    def contents(self) -> list[bytes]:
        """The messages that were accepted, byte for byte."""
        return [envelope.original_content for envelope in self.taken]

    async def answer(self, key: str, otherwise: str) -> str:
        """The next reply to an address or to a message."""
        import asyncio

        left = self.answers.get(key, [otherwise])
        told = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(told, str):
            return told
        await asyncio.sleep(told)
        return "451 too late"

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        self.commands.append("EHLO")
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        self.commands.append("MAIL" if session.ssl or server.tls_context is None else "MAIL in clear")
        envelope.mail_from = address
        return "250 ok"

    async def handle_RCPT(self, server, session, envelope, address, options):
        told = await self.answer(address, "250 ok")
        if told.startswith("2"):
            envelope.rcpt_tos.append(address)
        return told

    async def handle_DATA(self, server, session, envelope):
        envelope.session = session
        self.offered.append(envelope)
        told = await self.answer("DATA", "250 taken")
        if told.startswith("2"):
            self.taken.append(envelope)
        return told


@pytest.fixture(scope="session")
def authority() -> Any:
    """Who issues the certificates of the mail servers here."""
    import trustme

    return trustme.CA()


@pytest.fixture
def trusted(authority: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine trusts the certificates of ``authority``."""
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))


@pytest.fixture
def serve_mail(authority: Any) -> Iterator[Callable[..., MailBox]]:
    """Start a mail server on the loopback address.

    ``security`` as in the settings; ``login`` is the one user and password it knows; ``certificate_for`` a host.
    """
    import ssl

    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import AuthResult

    running = []

    def started(
        security: str = "starttls", login: tuple[str, str] | None = None, certificate_for: str = "localhost",
        answers: dict[str, list[str | float]] | None = None, size: int = 33_554_432,
    ) -> MailBox:  # fmt: skip
        box = MailBox(_free_port(), answers or {})
        context = None
        if security != "none":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert(certificate_for).configure_cert(context)

        def known(server, session, envelope, mechanism, given):
            box.logins.append((given.login.decode(), given.password.decode()))
            return AuthResult(success=box.logins[-1] == login, handled=False)

        options = {"data_size_limit": size, "auth_required": login is not None, "authenticator": known}
        options |= {"auth_require_tls": security == "starttls", "timeout": 20}
        if security == "starttls":
            options |= {"tls_context": context, "require_starttls": True}
        controller = Controller(
            box,
            hostname="127.0.0.1",
            port=box.port,
            ssl_context=context if security == "tls" else None,
            **options,
        )
        controller.start()
        running.append(controller)
        return box

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Requiring AUTH while not requiring TLS")
        yield started
    for controller in running:
        controller.stop()


@pytest.fixture
def play_mail_server() -> Iterator[Callable[..., int]]:
    """Start a server that does as it is told: ``play(lines, say, number)`` is one connection; gives the port.

    ``lines`` is what comes in as a file, ``say`` sends a reply, ``number`` counts connections from 1. The
    connection is closed when it returns.
    """
    import threading

    listening, threads = [], []

    def started(play: Callable[[Any, Callable[[str], None], int], None]) -> int:
        server = socket.create_server(("127.0.0.1", 0))
        listening.append(server)

        def accept() -> None:
            for number in itertools.count(1):
                try:
                    connection, _ = server.accept()
                except OSError:  # closed: the test is over
                    return
                with connection, connection.makefile("rb") as lines, suppress(OSError):
                    connection.settimeout(20)
                    play(lines, lambda reply, c=connection: c.sendall(f"{reply}\r\n".encode()), number)

        threads.append(threading.Thread(target=accept, daemon=True))
        threads[-1].start()
        return server.getsockname()[1]

    yield started
    for server in listening:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
    for thread in threads:
        thread.join(5)


# --- somebody who puts letters together ---------------------------------------------------------------

_SMALLEST, _NOBODY = 5, "(nobody)"


@dataclass
class Attacker:
    """Solves for every manager's rows and hits by what some letters show, in whole numbers.

    He knows what the company comes to, which rows are nobody's where they are few, and every figure shown.
    """

    rows: dict[str, tuple[int, int]]
    team_of: dict[str, str | None]

    def __post_init__(self) -> None:
        self.names = list(self.rows)
        self.equations: list[tuple[np.ndarray, int]] = []
        for part in (0, 1):
            self.learn(self.names, part)
            if self.rows[_NOBODY][0] < _SMALLEST:
                self.learn([_NOBODY], part)

    def learn(self, names: Iterable[str], part: int) -> None:
        """That the rows (or hits) of these managers come to what they do."""
        weights = self.weights(names, part)
        self.equations.append((weights, sum(self.rows[name][part] for name in names)))

    def weights(self, names: Iterable[str], part: int) -> np.ndarray:
        found = np.zeros(2 * len(self.names))
        for name in names:
            found[2 * self.names.index(name) + part] = 1
        return found

    def read(self, shown: Iterable[tuple[str, str]]) -> Attacker:
        for node in shown:
            for part in (0, 1):
                self.learn(self.members(node), part)
        return self

    def members(self, node: tuple[str, str]) -> list[str]:
        by, group = node
        return (
            [group]
            if by == "account_manager"
            else [name for name in self.names if self.team_of.get(name) == group]
        )

    def least(self, goal: np.ndarray) -> int:
        """The least that a sum of the unknown can be."""
        weights = np.array([each for each, _ in self.equations])
        values = np.array([value for _, value in self.equations])
        hits_are_rows = np.zeros((len(self.names), 2 * len(self.names)))
        for place in range(len(self.names)):
            hits_are_rows[place, 2 * place : 2 * place + 2] = (1, -1)
        rules = [LinearConstraint(weights, values, values), LinearConstraint(hits_are_rows, 0, np.inf)]
        found = milp(goal, constraints=rules, integrality=np.ones(len(goal)))
        assert found.success
        return round(found.fun)

    def can_tell(self, node: tuple[str, str]) -> bool:
        """Whether the rows, or the share, of a node can be but one."""
        members = self.members(node)
        n, hits = self.weights(members, 0), self.weights(members, 1)
        if self.least(n) == -self.least(-n):
            return True
        return -self.least(-hits) == 0 or -self.least(hits - n) == 0


@pytest.fixture
def attacker_of() -> type[Attacker]:
    """Makes an attacker of the rows and hits of each manager, and each manager's team."""
    return Attacker


# --- five managers, whose every figure can be counted by hand ---------------------------------------

# Customers by manager: a01 … a12 and so on. All buy in 2023Q4; in 2024Q1 all but two; in Q2 not the first few of each.
HELD = {"A": 12, "B": 14, "C": 16, "D": 3, "E": 20}
TEAMS = {"A": "north", "B": "north", "C": "south", "D": "south", "E": "south"}
PAUSING = {"b14", "e20"}  # who do not buy in 2024Q1, and are back in Q2
LOST = {"A": 2, "B": 4, "C": 8, "D": 1, "E": 5}
TARGETS = """metric,period,dimension,group_name,target
customer_retention_rate,,,,0.9
customer_retention_rate,,account_manager,A,0.4
customer_retention_rate,2024Q2,account_manager,B,0.99
customer_retention_rate,,account_manager,D,0.5
revenue,2024Q2,account_team,north,100000
revenue_growth,,account_manager,A,0.1
orders,2024Q2,account_team,north,15
customer_churn_rate,2024Q2,account_manager,A,0.5
"""
TICKETS = """ticket_id,customer_id,opened_at,resolved_at,is_complaint
t1,b05,2024-06-20 09:00,,true
t2,b06,2024-06-20 09:00,2024-06-21 09:00,true
t3,b07,2024-06-20 09:00,,false
t4,e10,2024-06-30 23:00,2024-07-01 09:00,true
t5,e10,2024-05-01 09:00,,true
t6,e11,2024-05-01 09:00,2024-06-30 09:00,true
"""
CONTRACTS = """contract_id,customer_id,starts_on,ends_on,due_on,renewed_on,yearly_value
k1,b08,2023-07-10,2024-07-10,2024-07-10,,1200
k2,b09,2023-07-20,2024-07-20,2024-07-20,2024-06-20,800
k3,b10,2023-12-10,2024-12-10,2024-12-10,,900
k4,e06,2023-08-01,2024-08-01,2024-08-01,,50
k5,e06,2023-07-01,2024-07-01,2024-07-01,,100
k6,e07,2023-09-30,2024-09-30,2024-09-30,,10
k7,e08,2023-10-01,2024-10-01,2024-10-01,,10
k8,e09,2023-06-30,2024-06-30,2024-06-30,,10
"""


def _customers_of(manager: str) -> list[str]:
    return [f"{manager.lower()}{number:02d}" for number in range(1, HELD[manager] + 1)]


def _tables() -> dict[str, str]:
    orders, assignments, number = ["order_id,customer_id,ordered_at,amount"], [], 0
    for manager in HELD:
        for place, customer in enumerate(_customers_of(manager)):
            days = ["2023-08-15", "2023-11-15", *([] if customer in PAUSING else ["2024-02-15"])]
            days += ["2024-05-15"] if place >= LOST[manager] else []
            for day in days:
                number += 1
                orders.append(f"o{number},{customer},{day},{10 * (place + 1)}")
            assignments.append(f"{customer},{manager},2023-01-01,")
    # e19 comes from C to E on the quarter's first day, and is E's all the quarter.
    assignments = [row for row in assignments if not row.startswith("e19,")]
    assignments += ["e19,C,2023-01-01,2024-04-01", "e19,E,2024-04-01,"]
    # b01 goes from B to C in the middle of the quarter, a new customer comes to C.
    assignments = [row for row in assignments if not row.startswith("b01,")]
    assignments += ["b01,B,2023-01-01,2024-05-01", "b01,C,2024-05-01,", "new,C,2024-06-01,"]
    orders.append("o999,new,2024-06-02,70")
    names = "\n".join(f"{one},Manager {one},{TEAMS[one]}" for one in HELD)
    return {
        "orders": "\n".join(orders), "tickets": TICKETS, "contracts": CONTRACTS, "targets": TARGETS,
        "assignments": "\n".join(["customer_id,account_manager_id,assigned_from,assigned_until", *assignments]),
        "account_managers": f"account_manager_id,account_manager_name,team\n{names}\nF,Manager F,north\n",
    }  # fmt: skip


SETTINGS = {"activity_window_days": 91, "model_draws": 20, "sparkline_periods": 3, "dimensions": [],
            "data_through": date(2024, 6, 30), "settle_days": 0}  # fmt: skip


@pytest.fixture(scope="session")
def five_managers() -> SimpleNamespace:
    """How many customers each holds and loses, his team, and all tables and settings of their company."""
    return SimpleNamespace(
        held=HELD, lost=LOST, teams=TEAMS, tables=_tables(), settings=SETTINGS, customers_of=_customers_of
    )


@pytest.fixture(scope="session")
def sliced(open_company: Callable[..., Any]) -> Results:
    """The results of the company of five managers for 2024Q2."""
    return measure_suite(open_company(_tables(), "2024Q2", **SETTINGS))
