"""Train and score by the accuracy protocols of the project, on real microscopy images.

Run: .venv/bin/python -m benchmarks.accuracy PROTOCOL ... [--preset standard] [--data DIR]
     [--home DIR] [--output DIR] [--no-train]
     .venv/bin/python -m benchmarks.accuracy --report                        print all tables
     .venv/bin/python -m benchmarks.accuracy --document docs/validation.md   bring it up to date

Scores come only from images that the scoring member never learnt from; on its way it keeps the
weights that score best on them, as in every training of the product. Trainings are runs of the
product in the home folder: interrupted, they go on from their last checkpoint; what is finished is
not trained again. So a protocol can be started again at any time, and after other changes than
those of the training its figures are computed again in minutes: maps are kept by the code that
makes them. A training keeps the settings with
which it began: take another home folder after the recipe has changed.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.accuracy_bench import Bench
from benchmarks.accuracy_blank import run_blank
from benchmarks.accuracy_document import fill_document, print_tables
from benchmarks.accuracy_forecast import run_forecast, run_ood
from benchmarks.accuracy_protocols import TRAININGS
from benchmarks.recording import RESULTS, record_result
from deepflash_service.store.disk import prepare_home

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[1]
PROTOCOLS: dict[str, Callable[[Bench], dict[str, Any]]] = {
    **TRAININGS,
    "forecast": run_forecast,
    "ood": run_ood,
    "blank": run_blank,
}


def main() -> None:
    """Run the protocols named on the command line and write their figures."""
    options = read_options()
    if options.report or options.document:
        report_figures(options.output, options.document)
        return
    prepare_home(options.home)
    bench = Bench(
        home=options.home.resolve(),
        data=options.data.resolve(),
        preset=options.preset,
        epochs=options.epochs,
        may_train=not options.no_train,
    )
    names = list(PROTOCOLS) if "all" in options.protocol else options.protocol
    for name in names:
        found = run_protocol(name, bench)
        preset = "quick" if name == "quick" else options.preset
        about = {"protocol": name, "preset": preset, "command": name_command(name, bench)}
        record_result(name_result(name, bench), {**about, **found}, folder=options.output)
        for bar in found["bars"]:
            bound = bar.get("at_least", bar.get("at_most"))
            answer = {True: "holds", False: "MISSED", None: "open: members missing"}[bar["holds"]]
            print(f"{name}: {bar['what']}: {bar['value']} (bar {bound}) {answer}", flush=True)


def run_protocol(name: str, bench: Bench) -> dict[str, Any]:
    """Return what a protocol found; while members are missing, its bars are open (None)."""
    found = PROTOCOLS[name](bench)
    if found["missing_members"]:
        found["bars"] = [{**bar, "holds": None} for bar in found["bars"]]
    return found


def report_figures(results: Path, document: Path | None) -> None:
    """Print the tables, or put them into a document."""
    if document is None:
        print_tables(results)
        return
    text = document.read_text("utf-8")
    document.write_text(fill_document(text, results), "utf-8")


def name_command(protocol: str, bench: Bench) -> str:
    """Return the command that makes the figures, without folders of this computer."""
    words = ["python -m benchmarks.accuracy", protocol]
    words += [f"--preset {bench.preset}"] if bench.preset != "standard" else []
    words += [f"--epochs {bench.epochs}"] if bench.epochs else []
    return " ".join(words)


def name_result(protocol: str, bench: Bench) -> str:
    """Return the name of the file with the figures; only the usual course has a plain name."""
    words = ["accuracy", protocol]
    words += [bench.preset] if bench.preset != "standard" and protocol != "quick" else []
    words += [f"e{bench.epochs}"] if bench.epochs else []
    return "_".join(words)


def read_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("protocol", nargs="*", help=f"{', '.join(PROTOCOLS)}, or all")
    parser.add_argument("--preset", choices=("quick", "standard", "best"), default="standard")
    parser.add_argument("--epochs", type=int, help="instead of the preset's number")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--home", type=Path, default=ROOT / "benchmarks" / ".work")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--no-train", action="store_true", help="score what is finished")
    parser.add_argument("--report", action="store_true", help="print the tables, compute nothing")
    parser.add_argument("--document", type=Path, help="put the tables into this document")
    options = parser.parse_args()
    unknown = set(options.protocol) - {*PROTOCOLS, "all"}
    if unknown or not (options.protocol or options.report or options.document):
        parser.error(f"name protocols of these: {', '.join(PROTOCOLS)}, all; or --report")
    return options


if __name__ == "__main__":
    main()
