"""`/keys`: make, list, rotate and revoke the API keys of the caller's tenant."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from app.api.rest.body import JsonRoute
from app.api.rest.dependencies import CallerOfRequest, Changer, Limit, ReadyServices, Skip
from app.api.rest.documentation import WITH_BODY, documented_errors
from app.api.rest.identity_bodies import (
    KeyCreate,
    KeyPage,
    KeyRotate,
    KeyView,
    NewKeyView,
    key_document,
    new_key_document,
    seconds_of,
)
from app.api.rest.responses import document_response
from app.domain.refs import MAX_ID

router = APIRouter(prefix="/keys", tags=["identity"], route_class=JsonRoute)

KeyId = Annotated[int, Path(ge=0, le=MAX_ID, description="The key's id.", examples=[3])]

NOT_STORED = {"Cache-Control": "no-store"}


@router.post(
    "", status_code=201, summary="Make a key", response_model=NewKeyView, responses=documented_errors(*WITH_BODY)
)
async def create_key(body: KeyCreate, caller: Changer, services: ReadyServices) -> Response:
    """Makes a key that allows no more than the caller may do. Its text is in this response and nowhere else."""
    made = await services.identity.keys.create(caller, body.draft())
    return document_response(new_key_document(made), 201, NOT_STORED)


@router.get("", summary="List keys", response_model=KeyPage, responses=documented_errors())
async def list_keys(caller: CallerOfRequest, services: ReadyServices, skip: Skip = 0, limit: Limit = 100) -> Response:
    """Newest first, also those that were revoked or have expired."""
    found, total = await services.identity.keys.list_keys(caller, skip, limit)
    return document_response({"items": [key_document(key) for key in found], "total": total}, headers=NOT_STORED)


@router.post(
    "/{key_id}/rotate",
    status_code=201,
    summary="Rotate a key",
    response_model=NewKeyView,
    responses=documented_errors(404, 409, *WITH_BODY),
)
async def rotate_key(
    key_id: KeyId, caller: Changer, services: ReadyServices, body: KeyRotate | None = None
) -> Response:
    """Makes a key that allows the same. The old one stays valid for the overlap. 409 if it is no longer valid."""
    wanted = body or KeyRotate()
    lifetime, overlap = seconds_of(wanted.expires_in_days), wanted.overlap_hours * 3600
    made = await services.identity.keys.rotate(caller, key_id, lifetime, overlap)
    return document_response(new_key_document(made), 201, NOT_STORED)


@router.post("/{key_id}/revoke", summary="Revoke a key", response_model=KeyView, responses=documented_errors(404))
async def revoke_key(key_id: KeyId, caller: Changer, services: ReadyServices) -> Response:
    """Ends a key at once, and its calls that last long within five seconds. No effect when repeated."""
    revoked = await services.identity.keys.revoke(caller, key_id)
    return document_response(key_document(revoked), headers=NOT_STORED)
