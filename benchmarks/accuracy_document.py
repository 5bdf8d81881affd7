"""Put the tables of measured figures into a document, or print them.

In the document a table stands between ``<!-- figures: NAME -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from benchmarks import accuracy_report as report

if TYPE_CHECKING:
    from pathlib import Path

PARTS = {
    "bars": report.make_bar_table,
    "scores": report.make_score_table,
    "transfer": report.make_transfer_table,
    "reseed": report.make_reseed_table,
    "forecast": report.make_forecast_table,
    "forecast_sets": report.make_forecast_set_table,
    "flags": report.make_flag_table,
    "trainings": report.make_training_table,
    "commands": report.make_command_table,
    "images": report.make_image_tables,
}
NOTHING = "Not measured yet."
_BLOCK = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def make_tables(results: Path) -> dict[str, str]:
    """Return every table that the results in a folder can fill, by name."""
    found = report.read_results(results, "accuracy")
    tables = {name: make(found) for name, make in PARTS.items()}
    ablation = report.read_results(results, "ablation").get("ablation")
    rows = ablation["rows"] if ablation else []
    return {**tables, "ablation": report.make_ablation_table(rows)}


def print_tables(results: Path) -> None:
    """Print every table under its name."""
    for name, table in make_tables(results).items():
        if table:
            print(f"## {name}\n\n{table}\n")


def fill_document(text: str, results: Path) -> str:
    """Return a document with its tables made anew."""
    tables = make_tables(results)

    def fill(match: re.Match[str]) -> str:
        table = tables[match[2]] or NOTHING
        return f"{match[1]}\n{table}\n\n{match[3]}"

    return _BLOCK.sub(fill, text)
