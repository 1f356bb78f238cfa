"""How far a run is: which pages are done, which are being made, and how long it will still take."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from heapq import heapify, heapreplace
from typing import TextIO

from analysis.report.terminal_words import say_in_terminal, screen_width

BAR_WIDTH = 20
LINE_WIDTH = 110


@dataclass(frozen=True)
class Progress:
    """Where a run stands.

    Attributes
    ----------
    report
        What is being made, such as ``CDNOW 1997Q4``.
    doing
        ``looking`` (at what is there), ``measuring``, ``pages`` or ``putting together``.
    done
        Status of each finished page, in the order they were finished.
    running
        Seconds that each page being made has taken so far.
    of
        How many pages there are.
    seconds_left
        For the whole run; None where nothing is known yet.
    is_news
        Whether something has happened, or only time has passed.
    kept
        How many of the finished pages an earlier run has made.
    """

    report: str
    doing: str
    of: int
    done: Mapping[str, str] = field(default_factory=dict)
    running: Mapping[str, float] = field(default_factory=dict)
    seconds_left: float | None = None
    is_news: bool = True
    kept: int = 0


Teller = Callable[[Progress], None]


def tell_nobody(_: Progress) -> None:
    """Tell nobody how far a run is."""


def seconds_left(
    expected: Mapping[str, float], running: Mapping[str, float], waiting: Sequence[str], workers: int
) -> float | None:
    """How long pages will still take when each worker takes the next waiting page as soon as it is free.

    Parameters
    ----------
    expected
        Seconds of each page, where known; others are taken to be as long as the known ones on average.
    running
        Seconds that each page being made has taken so far.
    waiting
        Pages still to be made, in their order.

    Returns
    -------
    float or None
        None where no page's seconds are known.
    """
    if not expected:
        return None
    usual = sum(expected.values()) / len(expected)
    free_in = [max(0.0, expected.get(page, usual) - so_far) for page, so_far in running.items()]
    free_in += [0.0] * (workers - len(free_in))
    heapify(free_in)
    for page in waiting:
        heapreplace(free_in, free_in[0] + expected.get(page, usual))
    return max(free_in)


def progress_words(progress: Progress, language: str = "en") -> str:
    """Where a run stands, in a line: ``CDNOW 1997Q4: 2 of 4 pages, retention … about 8 s left``."""
    say = partial(say_in_terminal, language=language)
    running = say("and").join(progress.running)
    return say(
        f"doing_{progress.doing.replace(' ', '_')}",
        report=progress.report,
        done=len(progress.done),
        of=progress.of,
        kept=say("pages_kept", count=progress.kept) if progress.kept else "",
        now=say("pages_now", pages=running) if running else "",
        left="" if progress.seconds_left is None else _time_left(progress.seconds_left, language),
    )


def _time_left(seconds: float, language: str) -> str:
    whole = max(1, round(seconds))
    if whole < 90:
        return say_in_terminal("seconds_left", language, count=whole)
    return say_in_terminal("minutes_left", language, count=round(whole / 60))


class ProgressLines:
    """Tells on a stream: one line drawn again and again on a terminal, else a line for each thing that happens.

    What is no terminal is taken for a log: plain lines, each with its local time, and nothing but text in them.
    """

    def __init__(
        self, stream: TextIO | None = None, now: Callable[[], datetime] = datetime.now, language: str = "en"
    ) -> None:
        self._stream = stream or sys.stderr
        self._language = language
        self._now = now
        self._is_terminal = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._drawn = 0

    def __call__(self, progress: Progress) -> None:
        """Tell where a run stands."""
        if self._is_terminal:
            self._draw(f"{_bar(progress)} {progress_words(progress, self._language)}")
        elif progress.is_news:
            failed = [page for page, status in progress.done.items() if status == "failed"]
            words = say_in_terminal("pages_failed", self._language, pages=", ".join(failed)) if failed else ""
            said = progress_words(progress, self._language)
            self._write(f"{self._now():%Y-%m-%d %H:%M:%S} {said}{words}\n")

    def finish(self) -> None:
        """Leave the terminal's line as if it had never been there."""
        if self._drawn:
            self._draw("")
            self._write("\r")
            self._drawn = 0

    def _draw(self, line: str) -> None:
        # A line that fills the last column, or is longer, goes on below and is not drawn over again.
        shown = _cut(line, min(LINE_WIDTH, shutil.get_terminal_size().columns - 1))
        width = screen_width(shown)
        self._write(f"\r{shown}{' ' * (self._drawn - width)}")
        self._drawn = width

    def _write(self, text: str) -> None:
        # Whoever has closed the terminal, or filled the log's disk, ends no run by it.
        with suppress(OSError):
            self._stream.write(text)
            self._stream.flush()


def _cut(line: str, width: int) -> str:
    """A line in at most so many columns; one that is cut ends in a sign for it."""
    if screen_width(line) <= width:
        return line
    while line and screen_width(line) >= width:
        line = line[:-1]
    return f"{line}…"


def _bar(progress: Progress) -> str:
    """The pages done as a bar; measuring has none yet."""
    filled = BAR_WIDTH * len(progress.done) // max(1, progress.of)
    return f"[{'█' * filled}{'·' * (BAR_WIDTH - filled)}]"
