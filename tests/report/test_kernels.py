"""Warm kernels: the same notebooks as plain ones give, many at once, and nothing of them left behind."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import papermill
import psutil
import pytest
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from analysis.facts import open_book
from analysis.report import kernels as kernels_module
from analysis.report.html import render_page
from analysis.report.kernels import warm_kernels
from analysis.suite import measure_suite

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not hasattr(os, "fork") or sys.platform == "darwin", reason="kernels are not forked here"
    ),
]
NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
HEADER = {"company": "Test", "period": "1997Q4", "run": "0"}


@pytest.fixture(scope="module")
def kernels():
    with warm_kernels() as started:
        yield started


def execute(folder, *cells, kernels=None, name="page", **environment):
    """The executed notebook of these cells, from a warm kernel or without kernels from a plain one."""
    written = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    for number, cell in enumerate(written.cells):
        cell.id = f"cell-{number}"
    source = folder / f"{name}.ipynb"
    nbformat.write(written, source)
    return run(source, folder / f"{name}-done.ipynb", kernels, **environment)


def run(source, target, kernels=None, parameters=None, **environment):
    manager = {"kernel_manager_class": kernels.manager_class(environment)} if kernels else {}
    return papermill.execute_notebook(
        str(source), str(target), parameters=parameters, kernel_name="python3", progress_bar=False, log_output=False,
        extra_arguments=["--IPKernelApp.log_level=CRITICAL"], **manager,
    )  # fmt: skip


def printed(notebook, cell=0):
    return "".join(output.get("text", "") for output in notebook.cells[cell].outputs)


def without_times(notebook):
    """The notebook but for when, where to and how long."""
    for part in (notebook, *notebook.cells):
        for name in ("execution", "papermill"):
            part.metadata.pop(name, None)
    return notebook


# --- the same as plain ----------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["01_scorecard", "03_retention", "06_customer_value", "10_data_quality"])
def test_a_page_of_the_report_is_the_same_notebook_and_the_same_html(
    page, cdnow_sample, kernels, tmp_path, monkeypatch
):
    parameters = {"period": "1998Q1", "params": str(cdnow_sample)}
    measure_suite(open_book(cdnow_sample, "1998Q1"))  # kept, so that both pages read the same results
    monkeypatch.setenv("WORKBOOK_LANGUAGES", "en,zh")
    source = NOTEBOOKS / f"{page}.ipynb"
    warm = without_times(run(source, tmp_path / "warm.ipynb", kernels, parameters))
    plain = without_times(run(source, tmp_path / "plain.ipynb", None, parameters))
    injected = [cell for cell in (*warm.cells, *plain.cells) if "injected-parameters" in cell.metadata.tags]
    for cell in injected:
        cell.id = "parameters-given"  # papermill gives this cell another id each time
    assert kernels.why_plain == ""
    assert warm == plain
    for language in ("en", "zh"):
        assert render_page(warm, language=language, header=HEADER) == render_page(
            plain, language=language, header=HEADER
        )


def test_where_the_path_of_temporary_files_is_too_long_for_sockets_kernels_are_plain(tmp_path, monkeypatch):
    long = tmp_path / ("temporary" * 12)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with warm_kernels() as kernels:
        made = execute(tmp_path, "print(1 + 1)", kernels=kernels)
        assert kernels.why_plain == f"the path of the temporary folder is too long for sockets: {long}"
    assert printed(made) == "2\n"
    assert list(long.iterdir()) == []


def test_figures_streams_and_displays_come_out_as_from_a_plain_kernel(kernels, tmp_path):
    cells = (
        "import os, sys\nprint('out')\nprint('err', file=sys.stderr); 1 + 1",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2, 4]);",
        "import matplotlib\nprint(matplotlib.get_backend(), matplotlib.rcParams == matplotlib.rcParamsOrig)\n"
        "print(sorted(name for name in globals() if not name.startswith('_')))",
        "print(sys.argv[0], sys.path, os.getcwd(), __name__, sys.flags)",
        "import pandas as pd\npd.DataFrame({'a': [1.5, None]})",
    )
    assert without_times(execute(tmp_path, *cells, kernels=kernels)) == without_times(
        execute(tmp_path, *cells)
    )


# --- each on its own ------------------------------------------------------------------------------

OWN_FIGURE = """
import matplotlib.pyplot as plt, time, os, tempfile
number = int(os.environ["PAGE"])
figure, axes = plt.subplots()
axes.bar([0], [float(number)])
time.sleep(0.3)
with tempfile.NamedTemporaryFile("w+") as file:
    file.write(str(number)); file.seek(0); read = file.read()
print(number, read, [float(bar.get_height()) for bar in plt.gca().patches], plt.get_fignums())
plt.close("all")
"""


def test_sixteen_pages_at_once_keep_their_own_figure_value_and_sockets(kernels, tmp_path):
    def page(number):
        return execute(tmp_path, OWN_FIGURE, kernels=kernels, name=f"page{number}", PAGE=str(number))

    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(page, range(16)))
    assert [printed(one) for one in made] == [f"{n} {n} [{n}.0] [1]\n" for n in range(16)]
    assert sorted(path.name for path in kernels.folder.iterdir()) == ["server", "server.log"]
    assert (kernels.folder / "server.log").read_text() == ""


def test_a_page_that_raises_and_one_that_kills_its_kernel_leave_the_others_alone(kernels, tmp_path):
    leak = (
        "import matplotlib.pyplot as plt, analysis\n"
        "plt.rcParams['figure.dpi'] = 7\nplt.subplots()\nanalysis.x = 1"
    )
    look = "import matplotlib.pyplot as plt, analysis\nprint(plt.rcParams['figure.dpi'] == 7, hasattr(analysis, 'x'))"

    def page(name, code):
        try:
            return execute(tmp_path, code, look, kernels=kernels, name=name)
        except (DeadKernelError, PapermillExecutionError) as error:
            return error

    codes = {
        "raises": "raise ValueError('no such thing')", "dies": "import os; os._exit(3)", "leaks": leak,
        "killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "fine": "1",
    }  # fmt: skip
    with ThreadPoolExecutor(5) as pool:
        made = dict(zip(codes, pool.map(page, codes, codes.values()), strict=True))
    assert isinstance(made["raises"], PapermillExecutionError) and "no such thing" in str(made["raises"])
    assert isinstance(made["dies"], DeadKernelError) and isinstance(made["killed"], DeadKernelError)
    assert printed(made["leaks"], 1) == "True True\n"
    assert printed(made["fine"], 1) == "False False\n"
    assert printed(execute(tmp_path, look, kernels=kernels, name="after")) == "False False\n"


def test_every_kernel_has_its_own_random_numbers_and_the_environment_asked_for(
    kernels, tmp_path, monkeypatch
):
    code = (
        "import os, random, numpy, uuid\n"
        "print(random.random(), numpy.random.rand(), uuid.uuid4(), os.environ.get('A'), os.environ.get('B'))"
    )
    monkeypatch.setenv("A", "of the caller, set after the server was started")
    first, second = (
        printed(execute(tmp_path, code, kernels=kernels, B="of the run")).split(maxsplit=3) for _ in range(2)
    )
    assert first[3] == second[3] == "of the caller, set after the server was started of the run\n"
    assert not set(first[:3]) & set(second[:3])


def test_kernels_are_forked_from_a_process_of_one_thread_that_has_imported_what_pages_need(kernels, tmp_path):
    code = """
    import os, sys
    from pathlib import Path
    print(len(list(Path(f"/proc/{os.getppid()}/task").iterdir())), sorted(name for name in
          ("pandas", "scipy.stats", "matplotlib.pyplot", "seaborn", "duckdb", "analysis.suite.everything",
           "analysis.report.pages.retention", "analysis.report.figures.retention") if name not in sys.modules))
    """
    if not Path("/proc/self/task").is_dir():
        pytest.skip("threads of another process cannot be counted here")
    assert printed(execute(tmp_path, code, kernels=kernels)) == "1 []\n"


def test_an_interrupted_cell_stops_and_its_kernel_lives_on(kernels, tmp_path):
    code = (
        "import os, signal, threading, time\n"
        "threading.Timer(0.5, os.killpg, (os.getpgrp(), signal.SIGINT)).start()\n"
        "try:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    print('interrupted')"
    )
    assert printed(execute(tmp_path, code, kernels=kernels)) == "interrupted\n"


# --- where there is no server ---------------------------------------------------------------------


def test_without_fork_pages_run_in_plain_kernels_and_the_reason_is_known(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "fork")
    with warm_kernels() as kernels:
        assert printed(execute(tmp_path, "print(1)", kernels=kernels, B="b")) == "1\n"
    assert kernels.why_plain == "this system has no fork"


def test_a_server_that_cannot_start_gives_plain_kernels_and_says_what_it_died_of(tmp_path, monkeypatch):
    monkeypatch.setattr(kernels_module, "SERVER", "analysis.report.no_such_server")
    with warm_kernels() as kernels:
        assert (
            printed(execute(tmp_path, "import os; print(os.environ['B'])", kernels=kernels, B="b")) == "b\n"
        )
    assert kernels.why_plain.startswith("the kernel server has ended: ")
    assert "no_such_server" in kernels.why_plain


def test_a_server_that_is_killed_takes_its_kernels_along_and_later_pages_are_plain(tmp_path):
    with warm_kernels() as kernels:
        code = "import os, signal, time; os.kill(os.getppid(), signal.SIGKILL); time.sleep(60)"
        assert processes_naming(kernels.folder)
        with pytest.raises(DeadKernelError):
            execute(tmp_path, code, kernels=kernels, name="orphan")
        assert printed(execute(tmp_path, "print(1)", kernels=kernels)) == "1\n"
        assert "the kernel server has ended" in kernels.why_plain
        assert _ends(lambda: processes_naming(kernels.folder))


# --- nothing stays --------------------------------------------------------------------------------


def processes_naming(text):
    """Numbers of the processes whose command line holds a text, but for this one."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and any(str(text) in word for word in process.cmdline()):
                found.append(process.pid)
    return found


def _ends(look, seconds=10):
    """Whether what is looked for is gone in time."""
    end = time.monotonic() + seconds
    while look() and time.monotonic() < end:
        time.sleep(0.1)
    return not look()


def test_after_the_block_no_process_and_no_file_is_left(tmp_path):
    with warm_kernels() as kernels:
        notebook = execute(tmp_path, "import os; print(os.getpid(), os.getppid())", kernels=kernels)
        kernel, server = map(int, printed(notebook).split())
        assert not Path(f"/proc/{kernel}").exists()  # buried as soon as it had ended
    for process in (kernel, server):
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
    assert not kernels.folder.exists()


BEGIN_AND_SLEEP = "import os, time; open(os.environ['PLACE'] + '/begun', 'w').close(); time.sleep(60)"


def test_ending_the_block_ends_a_page_that_is_being_made(tmp_path):
    with ThreadPoolExecutor(1) as pool:
        with warm_kernels() as kernels:
            page = pool.submit(execute, tmp_path, BEGIN_AND_SLEEP, kernels=kernels, PLACE=str(tmp_path))
            assert _ends(lambda: not list(tmp_path.glob("begun")), seconds=100)
        with pytest.raises((DeadKernelError, RuntimeError)):
            page.result(timeout=30)
    with pytest.raises(RuntimeError, match="the batch has ended"):
        kernels.fork([], ".", {})


def test_a_server_that_is_asked_for_nothing_is_not_waited_for_and_one_may_begin_later(tmp_path, monkeypatch):
    monkeypatch.setattr(kernels_module, "ENDING_SECONDS", 600)
    began = time.monotonic()
    with warm_kernels() as kernels:
        server = kernels._server
    assert server.poll() is not None and time.monotonic() - began < 300  # being waited for, it would have 600
    assert not kernels.folder.exists()
    with warm_kernels(at_once=False) as kernels:
        assert kernels._server is None
        assert printed(execute(tmp_path, "print(1)", kernels=kernels)) == "1\n"
        assert kernels._server is not None and kernels.why_plain == ""
