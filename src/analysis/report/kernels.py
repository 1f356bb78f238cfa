"""Kernels for the pages of a batch, forked from one process that has imported everything already.

Importing what a page needs takes longer than the page. So a server imports it once (`kernel_server`), while the
batch is being measured, and every page gets a kernel forked from it: as fresh as a plain one, and there at once.
Where kernels cannot be forked, pages run in plain kernels and `WarmKernels.why_plain` says why.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from select import select
from typing import Any, ClassVar

from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner

from analysis.report.kernel_server import NUMBER

SERVER = "analysis.report.kernel_server"
LAUNCHER = "ipykernel_launcher"  # the module by which a plain kernel is started
OPTIONS = ["-Xfrozen_modules=off"]  # as a plain kernel has it, for the debugger's sake
KILLED = -9
SERVER_SECONDS = 120  # longer than any import takes; then plain kernels
ENDING_SECONDS = 5
LONGEST_SOCKET_NAME_BYTES = 100  # systems take 104 to 108


class ForkedKernel:
    """A kernel forked by the server, seen as `subprocess.Popen` shows a process of one's own."""

    stdin = stdout = stderr = None

    def __init__(self, connection: socket.socket, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._connection = connection
        self._connection.setblocking(False)

    def poll(self) -> int | None:
        """The exit code, or None while the kernel runs."""
        if self.returncode is None:
            with suppress(BlockingIOError):
                self.returncode = _number(self._connection, KILLED)  # without a server, no kernel
                self._connection.close()
        return self.returncode

    def wait(self) -> int:
        """The exit code, once there is one."""
        while (code := self.poll()) is None:
            select([self._connection], [], [])
        return code

    def send_signal(self, number: int) -> None:
        """Signal the kernel, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


class WarmKernels:
    """A server of warm kernels for as long as a batch runs; `warm_kernels` makes and ends it.

    Attributes
    ----------
    why_plain
        Why kernels were started plainly after all; empty while every kernel has come from the server.
    """

    def __init__(self, why_plain: str = "", *, at_once: bool = True) -> None:
        self.why_plain = why_plain
        self.folder = Path(tempfile.mkdtemp(prefix="workbook-"))  # of this user alone: sockets and keys
        self._server: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._is_closed = self._has_forked = False
        if at_once:
            self.begin()

    @property
    def has_room_for_sockets(self) -> bool:
        """Whether the names of sockets in the batch's folder are short enough for the system."""
        return len(os.fsencode(self.folder)) + len("/12345678-5") <= LONGEST_SOCKET_NAME_BYTES

    def begin(self) -> None:
        """Start the server, unless it has been: it takes some seconds to be ready."""
        with self._lock:
            if self.why_plain or self._server or self._is_closed:
                return
            if not self.has_room_for_sockets:
                self.why_plain = (
                    f"the path of the temporary folder is too long for sockets: {self.folder.parent}"
                )
                return
            try:
                self._server = self._started()
            except (OSError, subprocess.SubprocessError) as error:
                self.why_plain = f"the kernel server could not be started: {error}"

    def manager_class(self, environment: Mapping[str, str]) -> type[AsyncKernelManager]:
        """The kernel manager for pages, whose kernels have these variables besides this process's own."""
        attributes = {"kernels": self, "environment": dict(environment)}
        return type("PageKernelManager", (WarmKernelManager,), attributes)

    def fork(
        self, arguments: Sequence[str], folder: str, environment: Mapping[str, str]
    ) -> ForkedKernel | None:
        """A kernel from the server, or None if there is none to be had, with the reason in `why_plain`.

        Raises
        ------
        RuntimeError
            If the batch has ended.
        """
        self.check_open()
        self.begin()
        if self.why_plain:
            return None
        self._has_forked = True
        request = {"arguments": list(arguments), "folder": folder, "environment": dict(environment)}
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(SERVER_SECONDS)  # requests made while the server still imports wait for it
        try:
            connection.connect(str(self._address))
            connection.sendall(json.dumps(request).encode() + b"\n")
            pid = _number(connection, 0)
        except OSError:
            pid = 0
        if pid:
            return ForkedKernel(connection, pid)
        connection.close()
        self._give_up()
        return None

    def check_open(self) -> None:
        """Raise RuntimeError if the batch has ended."""
        if self._is_closed:
            raise RuntimeError("the batch has ended, and its kernels with it")

    def close(self) -> None:
        """End the server and with it every kernel; nothing of them stays."""
        self._is_closed = True
        if (server := self._server) is not None:
            if not self._has_forked:  # it may still be importing, and has nothing to end
                server.kill()
            server.stdin.close()  # its lifeline
            try:
                server.wait(ENDING_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        self._remove_folder()

    def _remove_folder(self) -> None:
        """Leave no file behind: a page that was just being started may still write one while others are removed."""
        end = time.monotonic() + ENDING_SECONDS
        shutil.rmtree(self.folder, ignore_errors=True)
        while self.folder.exists() and time.monotonic() < end:
            time.sleep(0.05)
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _address(self) -> Path:
        return self.folder / "server"

    @property
    def _log(self) -> Path:
        return self.folder / "server.log"

    def _started(self) -> subprocess.Popen[bytes]:
        with socket.socket(socket.AF_UNIX) as listener, self._log.open("wb") as log:
            listener.bind(str(self._address))
            listener.listen(64)
            command = [sys.executable, *OPTIONS, "-m", SERVER, str(listener.fileno()), str(self.folder)]
            return subprocess.Popen(
                command, pass_fds=[listener.fileno()], stdin=subprocess.PIPE, stdout=log, stderr=log,
                start_new_session=True, env=_server_environment(),
            )  # fmt: skip

    def _give_up(self) -> None:
        """Leave the server alone from now on, and say why."""
        with self._lock:
            if self.why_plain or self._is_closed:
                return
            said = self._log.read_text(errors="replace").strip().splitlines() if self._log.exists() else []
            self.why_plain = (
                f"the kernel server has ended: {said[-1]}" if said else "the kernel server has ended"
            )


class WarmKernelManager(AsyncKernelManager):
    """Manages one page's kernel: forked where that can be done, and reached by sockets in the batch's own folder.

    Sockets that are files have names nobody else can take; ports, between many kernels, can be taken twice.
    """

    kernels: ClassVar[WarmKernels]
    environment: ClassVar[Mapping[str, str]]

    async def start_kernel(self, **options: Any) -> None:
        """Start the kernel."""
        self.kernels.check_open()
        options["env"] = {**(options.get("env") or os.environ), **self.environment}
        if self.provisioner is None and hasattr(socket, "AF_UNIX") and self.kernels.has_room_for_sockets:
            place = str(self.kernels.folder / uuid.uuid4().hex[:8])
            self.transport, self.ip, self.connection_file = "ipc", place, f"{place}.json"
            self.provisioner = WarmProvisioner(self.kernels, parent=self, kernel_spec=self.kernel_spec)
        await super().start_kernel(**options)


class WarmProvisioner(LocalProvisioner):
    """Gives a kernel manager a forked kernel in place of a new process; all else is as with a local one."""

    def __init__(self, kernels: WarmKernels, **options: Any) -> None:
        super().__init__(**options)
        self._kernels = kernels

    async def launch_kernel(self, cmd: list[str], **options: Any) -> dict[str, Any]:
        """Fork the kernel that a command would start, or start it where it is not one of this Python."""
        kernel = None
        if cmd[0] != sys.executable or LAUNCHER not in cmd:
            self._kernels.why_plain = f"the kernel {self.kernel_spec.display_name} is not of this Python"
        else:
            arguments = cmd[cmd.index(LAUNCHER) + 1 :]
            kernel = self._kernels.fork(arguments, str(options.get("cwd") or Path.cwd()), options["env"])
        if kernel is None:
            return await super().launch_kernel(cmd, **options)
        self.process, self.pid, self.pgid = kernel, kernel.pid, kernel.pid
        self.cwd = options.get("cwd", Path.cwd())
        return self.connection_info


@contextmanager
def warm_kernels(*, at_once: bool = True) -> Iterator[WarmKernels]:
    """Kernels for the pages of one or more reports, all forked from one process; ended with the block.

    With ``at_once`` that process begins to import now, else only when a run is known to need it.
    """
    kernels = WarmKernels(_why_not(), at_once=at_once)
    try:
        yield kernels
    finally:
        kernels.close()


def _why_not() -> str:
    """Why kernels cannot be forked on this system, or nothing."""
    if not hasattr(os, "fork"):
        return "this system has no fork"
    # Apple's own libraries, linear algebra and fonts among them, may stop a process that was forked.
    return "forked processes are not safe on macOS" if sys.platform == "darwin" else ""


def _server_environment() -> dict[str, str]:
    """This process's environment, without what would start threads or stop imports in the server.

    Kernels get theirs with their request.
    """
    quiet = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}  # Arrow's allocator has a thread of its own
    return {name: value for name, value in os.environ.items() if name != "MPLBACKEND"} | quiet


def _number(connection: socket.socket, otherwise: int) -> int:
    """The next number that the server tells; `otherwise` if it has gone."""
    try:
        told = connection.recv(NUMBER.size)
    except ConnectionResetError:
        return otherwise
    return NUMBER.unpack(told)[0] if len(told) == NUMBER.size else otherwise
