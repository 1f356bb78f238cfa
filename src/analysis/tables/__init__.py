"""Source files → checked tables: contract, quality counts, rejected rows, prepared once per content."""

from __future__ import annotations

from analysis.errors import InputError


class TablesError(InputError):
    """What is wrong with the tables: file, row or column, what was found, what was expected, what to do."""
