"""The process that warm kernels are forked from: it imports everything once and forks a kernel for each request.

Started by `kernels.warm_kernels` and bound to it: when its standard input ends, it kills its kernels and ends.
A process may only be forked while it has one thread; so nothing here opens an engine, a socket of ZeroMQ or an
event loop, and thread pools that libraries start by themselves are shut down before the first kernel is forked.

A request is a line of JSON on a connection of its own: what to run, where, in which environment. The answers are
the kernel's process number at once, and its exit code when it has ended.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import shutil
import signal
import socket
import struct
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

NUMBER = struct.Struct("!i")  # a process number or an exit code
LIFELINE = 0  # the server's standard input, which ends when its owner does

# What kernels and pages import; nothing that starts a thread, opens an engine or looks for its kernel.
MODULES = (
    "analysis.engine.duckdb", "IPython.core.completerlib", "IPython.core.debugger", "IPython.core.oinspect",
    "IPython.extensions.storemagic", "ipykernel.debugger", "ipykernel.ipkernel", "ipykernel.kernelapp",
    "ipykernel.zmqshell", "matplotlib.pyplot", "pandas", "pdb", "psutil", "pyarrow.dataset", "pyarrow.parquet",
    "scipy.optimize", "scipy.special", "scipy.stats", "seaborn", "sqlglot.dialects.duckdb", "sqlite3",
    "tornado.platform.asyncio",
)  # fmt: skip
FOLDERS = ("analysis.facts", "analysis.metrics", "analysis.models", "analysis.report.figures",
           "analysis.report.pages", "analysis.suite", "analysis.tables")  # fmt: skip


@dataclass
class Kernels:
    """The kernels that are running: the connection that each one's end is to be told on, by process number."""

    connections: dict[int, socket.socket] = field(default_factory=dict)

    def bury(self) -> None:
        """Tell the exit code of every kernel that has ended since."""
        while self.connections:
            kernel, status = os.waitpid(-1, os.WNOHANG)
            if not kernel:
                return
            with self.connections.pop(kernel) as connection, suppress(OSError):
                connection.sendall(NUMBER.pack(os.waitstatus_to_exitcode(status)))

    def kill(self) -> None:
        """End every kernel and what it has started."""
        for kernel in self.connections:
            for end in (os.killpg, os.kill):  # a kernel just forked is not yet a group of its own
                with suppress(ProcessLookupError):
                    end(kernel, signal.SIGKILL)
        while self.connections:
            kernel, _ = os.wait()
            self.connections.pop(kernel).close()


def main(number: str, folder: str) -> None:
    """Serve on the listening socket with this number; in a forked kernel, be that kernel."""
    import_everything()
    rehearse()
    settle_threads()
    gc.collect()
    gc.freeze()  # what is there now is shared with the kernels and is not to be looked through again
    with socket.socket(fileno=int(number)) as listener:
        request = serve(listener)
    if request is None:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        be_kernel(**request)
        gc.freeze()  # nothing that the page has left is worth looking through
        atexit._run_exitfuncs()
    os._exit(0)  # without taking apart, object by object, what was imported


def import_everything() -> None:
    """Import what kernels and pages need; a module that cannot be imported is the page's to complain of."""
    found = list(MODULES)
    for name in FOLDERS:
        found += [f"{name}.{file.stem}" for file in sorted(files(name).glob("*.py"))]
    for name in found:
        with suppress(ImportError):
            import_module(name)


def rehearse() -> None:
    """Read and draw once what is read and drawn for every page: catalogue, facts, fonts, a picture."""
    from matplotlib.figure import Figure
    from matplotlib.rcsetup import validate_backend

    from analysis.catalogue import load_catalogue
    from analysis.facts.compile import FACTS, PARAMETERISED, fact_text, with_settings
    from analysis.params import code_hash
    from analysis.report.figures.style import TEXT_LANGUAGES, MissingFont, check_fonts, figure_png

    load_catalogue()
    code_hash()
    for name in (*FACTS, *PARAMETERISED):
        fact_text(name)
    with_settings("select 1", {}, pretty=True)
    validate_backend("module://matplotlib_inline.backend_inline")
    for language in TEXT_LANGUAGES:
        with suppress(MissingFont):
            check_fonts([language])
            figure = Figure()
            figure.subplots().set_title("0")
            figure_png(figure, language)


def settle_threads() -> None:
    """End the idle threads that linear algebra starts when it is imported.

    OpenBLAS takes its threads down when its process forks, and starts them again when next needed.

    Raises
    ------
    RuntimeError
        If other threads are left: a fork would copy their locks, but not them.
    """
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    if others := thread_count() - 1:
        raise RuntimeError(f"{others} threads are running; kernels can be forked from one thread only")


def thread_count() -> int:
    """Threads of this process, those of libraries among them."""
    tasks = Path("/proc/self/task")
    if tasks.is_dir():
        return len(list(tasks.iterdir()))
    import threading

    return threading.active_count()


def serve(listener: socket.socket) -> dict[str, Any] | None:
    """Fork a kernel for every request until the owner ends.

    Returns
    -------
    dict or None
        In a kernel, its request; in the server, None at the end.
    """
    ended, wakes = socket.socketpair()
    ended.setblocking(False)
    wakes.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes.fileno())
    kernels = Kernels()
    with ended, wakes:
        while True:
            ready, *_ = select.select([listener, ended, LIFELINE], [], [])
            if LIFELINE in ready and not os.read(LIFELINE, 1):
                kernels.kill()
                return None
            if ended in ready:
                ended.recv(4096)
                kernels.bury()
            if listener in ready and (request := _fork(listener, kernels)) is not None:
                return request


def _fork(listener: socket.socket, kernels: Kernels) -> dict[str, Any] | None:
    """Fork for the next request: the request in the kernel, None in the server."""
    connection, _ = listener.accept()
    with connection.makefile("rb") as lines:
        line = lines.readline()
    if not line.endswith(b"\n"):  # whoever asked is gone
        connection.close()
        return None
    kernel = os.fork()
    if kernel:
        kernels.connections[kernel] = connection
        with suppress(OSError):
            connection.sendall(NUMBER.pack(kernel))
        return None
    os.setsid()  # a group of its own, so that a signal reaches what the page starts, and nothing else
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _close([connection, *kernels.connections.values()])
    return json.loads(line)


def _close(connections: Iterable[socket.socket]) -> None:
    for connection in connections:
        connection.close()


def be_kernel(arguments: list[str], folder: str, environment: Mapping[str, str]) -> None:
    """Run a kernel in this process, as `python -m ipykernel_launcher` would in a new one."""
    from ipykernel.kernelapp import IPKernelApp

    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, LIFELINE)
    os.close(nothing)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [find_spec("ipykernel_launcher").origin, *arguments]
    _forget_random_state()
    server = os.getppid()
    os.environ["JPY_PARENT_PID"] = str(server)
    kernel = IPKernelApp.instance(parent_handle=server)  # ends when the server does
    kernel.initialize(arguments)
    # Closing sockets one by one at exit waits, now and then, seconds for a thread that waits for one of them.
    atexit.unregister(kernel.close)
    _draw_in_the_notebook()
    kernel.start()


def _forget_random_state() -> None:
    """Seed anew what every kernel would otherwise have in common; Python's own generator does so by itself."""
    import numpy

    numpy.random.seed()


def _draw_in_the_notebook() -> None:
    """Figures go where the environment says, as if matplotlib had been imported only now."""
    import matplotlib

    matplotlib.rcParams["backend"] = os.environ["MPLBACKEND"]


if __name__ == "__main__":
    if sys.path[0] in ("", str(Path.cwd())):
        del sys.path[0]  # as a kernel's own launcher does: the folder worked in holds no libraries
    main(*sys.argv[1:])
