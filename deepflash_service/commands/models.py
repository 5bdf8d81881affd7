"""``deepflash models``: the library."""

from __future__ import annotations

from pathlib import Path

import click

from deepflash_service.commands.options import home_option, json_option
from deepflash_service.commands.output import print_json, print_table, show_work
from deepflash_service.commands.running import LOG, start_home


@click.group()
@home_option
@click.pass_context
def models(ctx: click.Context, *, home: str | None) -> None:
    """List, show, test, import, export, tag, remove models of the library."""
    ctx.find_root().obj = home


@models.command("list")
@home_option
@json_option
def list_command(*, home: str | None, as_json: bool) -> None:
    """List all models with their scores."""
    from deepflash_service.workflows.share import describe_models

    result = describe_models(start_home(home))
    if as_json:
        print_json(result)
        return
    if not result["models"]:
        click.echo("The library is empty: train a model, or import one.")
        return
    rows = [
        [
            f"{card['name']}@{card['version']}",
            card["base"],
            len(card["training_images"]),
            card["scores"]["f1"] if card["scores"] else None,
            card["scores"]["dice"] if card["scores"] else None,
            card["created"][:10],
        ]
        for card in result["models"]
    ]
    print_table(["model", "base", "images", "F1", "Dice", "date"], rows)


@models.command()
@click.argument("name", metavar="NAME[@VERSION]")
@home_option
@json_option
def show(name: str, *, home: str | None, as_json: bool) -> None:
    """Show the cards of a model."""
    from deepflash_service.workflows.share import describe_model

    result = describe_model(start_home(home), name)
    if as_json:
        print_json(result)
        return
    labels = {number: label for label, number in result["labels"].items()}
    for card in result["versions"]:
        mark = f" ({labels[card['version']]})" if card["version"] in labels else ""
        click.echo(f"{card['name']}@{card['version']}{mark}")
        for key in ("created", "base", "consensus", "threshold", "min_roi_size", "device"):
            click.echo(f"  {key}: {card[key]}")
        click.echo(f"  experts: {', '.join(card['experts'])}")
        click.echo(f"  held out: {', '.join(card['held_out_images']) or 'none'}")
        if card["scores"]:
            scores = ", ".join(f"{key} {card['scores'][key]:.3f}" for key in ("f1", "dice"))
            click.echo(f"  scores on held-out images: {scores}")
        if card["ending"]:
            click.echo(f"  training: {card['ending']}")
        if card["advice"]:
            click.echo(f"  advice: {card['advice']}")


@models.command("test")
@click.argument("name", metavar="NAME[@VERSION]")
@home_option
@json_option
def test_command(name: str, *, home: str | None, as_json: bool) -> None:
    """Check weights and the prediction of the test image."""
    from deepflash_service.workflows.share import verify_model

    folder = start_home(home)
    with show_work("testing", log=folder / LOG):
        result = verify_model(folder, name)
    if as_json:
        print_json(result)
    else:
        click.echo(f"{result['model']} works; largest difference {result['difference']:.4f}.")


@models.command("import")
@click.argument("package", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", help="Name in this library; the package's own without it.")
@home_option
@json_option
def import_command(package: Path, *, name: str | None, home: str | None, as_json: bool) -> None:
    """Add a package to the library after testing it."""
    from deepflash_service.workflows.share import import_model

    folder = start_home(home)
    with show_work("testing", log=folder / LOG):
        stored = import_model(folder, package, name=name)
    if as_json:
        print_json({"model": stored.card.name, "version": stored.card.version})
    else:
        click.echo(f"Imported {stored.reference}.")


@models.command()
@click.argument("name", metavar="NAME[@VERSION]")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path(),
    help="File, or folder for NAME-VERSION.deepflash.zip (default: here).",
)
@home_option
@json_option
def export(name: str, *, output: Path, home: str | None, as_json: bool) -> None:
    """Write a model as one package file."""
    from deepflash_service.workflows.share import export_package

    path = export_package(start_home(home), name, output=output)
    if as_json:
        print_json({"file": str(path)})
    else:
        click.echo(f"Wrote {path}.")


@models.command()
@click.argument("reference", metavar="NAME@VERSION")
@click.argument("label")
@click.option("--remove", "is_removal", is_flag=True, help="Remove the label.")
@home_option
@json_option
def tag(reference: str, label: str, *, is_removal: bool, home: str | None, as_json: bool) -> None:
    """Let a label such as "recommended" point to a version."""
    from deepflash_service.workflows.share import describe_model, set_label

    name, _, number = reference.partition("@")
    if not is_removal and not number.isdecimal():
        raise click.UsageError("Name the version, as in NAME@2.")
    folder = start_home(home)
    set_label(folder, name, label=label, version=None if is_removal else int(number))
    labels = describe_model(folder, name)["labels"]
    if as_json:
        print_json({"model": name, "labels": labels})
    else:
        click.echo(f"{name}: {', '.join(f'{key} = {one}' for key, one in labels.items()) or '-'}")


@models.command()
@click.argument("name")
@click.argument("new_name")
@home_option
@json_option
def rename(name: str, new_name: str, *, home: str | None, as_json: bool) -> None:
    """Give all versions of a model another name; numbers and labels stay."""
    from deepflash_service.workflows.share import rename_model

    cards = rename_model(start_home(home), name, new_name=new_name)
    if as_json:
        print_json({"model": new_name, "versions": [card.version for card in cards]})
    else:
        click.echo(f"{name} is now called {new_name}.")


@models.command()
@click.argument("name", metavar="NAME[@VERSION]")
@home_option
@json_option
def remove(name: str, *, home: str | None, as_json: bool) -> None:
    """Move a model, or one version, to the trash of the library."""
    from deepflash_service.workflows.share import remove_model

    removed = remove_model(start_home(home), name)
    if as_json:
        print_json({"removed": removed})
    else:
        click.echo(f"Moved to the trash: {', '.join(removed)}.")
