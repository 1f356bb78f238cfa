"""Write the expected KPI frame anew: company level and groups of CDNOW 1997Q4, the period itself."""

from __future__ import annotations

from pathlib import Path

from analysis.facts import open_book
from analysis.suite import measure_suite
from analysis.suite.rows import rows_with_groups

EXPECTED = Path(__file__).with_name("cdnow_1997Q4.csv")


def main() -> None:
    project = Path(__file__).resolve().parents[2]
    results = measure_suite(open_book(project / "params" / "cdnow.yml", "1997Q4"))
    rows_with_groups(results).to_csv(EXPECTED, index=False, float_format="%.12g")


if __name__ == "__main__":
    main()
