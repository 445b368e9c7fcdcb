"""Which answers a person wants explained."""

from __future__ import annotations

from collections.abc import Sequence

from medtransfer.errors import UserError


def named(asked: Sequence[str], known: Sequence[str]) -> list[str]:
    """Return the labels that are asked for by name, in the model's order.

    Raises
    ------
    UserError
        ``explain.unknown-label`` when the model does not have one of them.
    """
    strange = [label for label in asked if label not in known]
    if strange:
        raise UserError(
            f"this model has no label {strange[0]!r}",
            code="explain.unknown-label",
            hint=f"Its labels are: {', '.join(known)}.",
        )
    return [label for label in known if label in asked]
