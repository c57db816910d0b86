"""Refuses query parameters that an operation does not have, like unknown fields of a body."""

from collections.abc import Iterator
from urllib.parse import parse_qsl

from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute

from app.domain.errors import Invalid, Problem

MAX_SHOWN_NAME = 100


def refuse_unknown_parameters(known: frozenset[str], query: bytes) -> None:
    """Raise `Invalid` for unknown parameters. The message lists those that the operation has."""
    given = dict.fromkeys(name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    if unknown := [name for name in given if name not in known]:
        hint = f"; there are {', '.join(sorted(known))}" if known else "; it has none"
        message = f"is not a query parameter of this operation{hint}"
        raise Invalid([Problem(name[:MAX_SHOWN_NAME], message) for name in unknown])


def parameter_names(route: APIRoute) -> frozenset[str]:
    """The names of the query parameters, including those that are fields of a model."""
    everything = {field.alias for field in get_flat_params(route.dependant)}
    return frozenset(everything - set(_elsewhere(route.dependant)))


def _elsewhere(dependant: Dependant) -> Iterator[str]:
    for field in (*dependant.path_params, *dependant.header_params, *dependant.cookie_params):
        yield field.alias
    for dependency in dependant.dependencies:
        yield from _elsewhere(dependency)
