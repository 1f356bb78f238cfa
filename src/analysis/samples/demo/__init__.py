"""A demo company, Lanqiao Office Supplies: sixteen quarters of every table, from models whose truth is known.

``truth`` says what is planted; ``company`` lives it through; ``write`` puts it into files.
"""

from __future__ import annotations

import json
from pathlib import Path

from .company import live, planted, planted_themes, tables_of
from .truth import TRUTH, Truth
from .write import write_table, write_text

__all__ = ["TRUTH", "Truth", "write_demo"]


def write_demo(root: Path, truth: Truth = TRUTH) -> Path:
    """The demo company's raw files below ``root``: ``data/demo/*.csv``, and what is true in
    ``truth.json`` and ``truth_of_comments.csv``.

    The same truth gives the same bytes; a file that is there already and says the same is left alone.
    ``params/demo.yml`` maps them.
    """
    folder = root / "data" / "demo"
    world = live(truth)
    for name, table in tables_of(world).items():
        write_table(table, folder / f"{name}.csv")
    write_table(planted_themes(world), folder / "truth_of_comments.csv")
    facts = {"truth": truth.as_dict(), "planted": planted(world)}
    write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", folder / "truth.json")
    return folder
