"""Commands about parameters: list profiles, change the one in use, document each parameter."""

from typing import Annotated

import typer

from jz3.cli.completing import profiles
from jz3.cli.fetching import remark_absent
from jz3.cli.output import Json, show
from jz3.cli.root import root
from jz3.core.errors import UserError


def profile(
    name: Annotated[
        str | None,
        typer.Argument(
            help="embedded, test, single_gpu or paper; by default all are listed", autocompletion=profiles
        ),
    ] = None,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="overwrite edits of params.yaml, execution.yaml and graph.yaml")
    ] = False,
    json: Json = False,
) -> None:
    """List the profiles and mark the one in use; or write one to params.yaml, execution.yaml and graph.yaml.

    Writing first shows which values differ, also updates the lists in dvc.yaml, and ends with the profile's
    external data that are not here yet.

    Example: jz3 profile paper
    """
    from jz3.graph.profile import (
        IN_USE,
        check_no_edits,
        listed,
        profile_difference,
        profiles_in_use,
        write_profile,
    )

    place = root()
    if name is None:
        different = profiles_in_use(place)
        document = {"profiles": different, "in_use": [one for one, values in different.items() if not values]}
        show(listed(different), document, json=json)
        return
    difference = profile_difference(place, name)
    show(
        difference or f"{', '.join(IN_USE)} are already those of the profile {name}",
        {"profile": name, "difference": difference},
        json=json,
    )
    if not force:
        check_no_edits(place)
    write_profile(place, name)
    remark_absent(place)


def parameters(
    *,
    check: Annotated[bool, typer.Option("--check", help="exit with 1 if the page is out of date")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="rewrite it")] = False,
    json: Json = False,
) -> None:
    """Compare docs/parameters.md, which explains every parameter, with the types that read params.yaml.

    Example: jz3 parameters --fix
    """
    from jz3.graph.parameters import PAGE, fix_page, is_current

    place = root()
    current = is_current(place)
    said = f"{PAGE} is current" if current else f"{PAGE} does not match the types"
    show(said, {"page": str(PAGE), "current": current}, json=json)
    if fix:
        fix_page(place)
    elif check and not current:
        raise UserError(f"{PAGE} does not match the types. Run `jz3 parameters --fix`.")
