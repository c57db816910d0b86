"""`/tenants`: make, list and change tenants."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from app.api.rest.body import JsonRoute
from app.api.rest.dependencies import Changer, Limit, ReadyServices, Skip
from app.api.rest.documentation import WITH_BODY, documented_errors
from app.api.rest.identity_bodies import TenantCreate, TenantPage, TenantUpdate, TenantView, tenant_document
from app.api.rest.responses import document_response

router = APIRouter(prefix="/tenants", tags=["identity"], route_class=JsonRoute)


@router.post(
    "",
    status_code=201,
    summary="Make a tenant",
    response_model=TenantView,
    responses=documented_errors(409, *WITH_BODY),
)
async def create_tenant(body: TenantCreate, caller: Changer, services: ReadyServices) -> Response:
    """Makes a tenant. Its first key is made with `workflow auth bootstrap --tenant KEY`."""
    return document_response(tenant_document(await services.identity.tenants.create(caller, body.key, body.name)), 201)


@router.get("", summary="List tenants", response_model=TenantPage, responses=documented_errors())
async def list_tenants(services: ReadyServices, skip: Skip = 0, limit: Limit = 100) -> Response:
    """Ordered by id."""
    found, total = await services.identity.tenants.list_tenants(skip, limit)
    return document_response({"items": [tenant_document(tenant) for tenant in found], "total": total})


@router.patch(
    "/{tenant}",
    summary="Change a tenant",
    response_model=TenantView,
    responses=documented_errors(404, *WITH_BODY),
)
async def update_tenant(
    tenant: Annotated[str, Path(description="The tenant's key.", examples=["sales"])],
    body: TenantUpdate,
    caller: Changer,
    services: ReadyServices,
) -> Response:
    """Changes its limits, suspends it, or ends its suspension. All processes notice within five seconds."""
    changed = await services.identity.tenants.change(caller, tenant, body.change(), body.stated())
    return document_response(tenant_document(changed))
