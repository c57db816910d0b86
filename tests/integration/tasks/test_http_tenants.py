"""What `http` tasks of different tenants can reach, and that none gets a connection of another."""

from dataclasses import replace

import pytest

from app.domain.handlers import TaskError
from app.tasks.http.pool import PoolLimits
from app.tasks.rights import HttpRights
from app.tasks.task_type import HttpOptions
from tests.integration.tasks.site import answer, answers, failure

REST = PoolLimits().cooldown_seconds


def options(site, **rights: HttpRights) -> HttpOptions:
    return HttpOptions(rights, own_ports=frozenset({1}))


async def refused(handler, attempt) -> TaskError:
    error = await failure(handler, attempt)
    assert (error.code, error.retryable) == ("http_address_refused", False)
    return error


async def test_each_tenant_reaches_what_it_is_allowed(site, handler, attempt) -> None:
    site.pages["/"] = answer(body=b"inside")
    one = handler(
        options(
            site,
            default=HttpRights(allowed_hosts=frozenset({f"127.0.0.1:{site.port}"})),
            ops=HttpRights(allow_private=True),
            sales=HttpRights(allowed_hosts=frozenset({"127.0.0.1:1"})),
        )
    )
    asking = attempt(url=site.url())
    for tenant in ("default", "ops"):
        assert (await one.run(replace(asking, tenant=tenant)))["body"] == "inside"
    for tenant in ("sales", "legal", ""):
        await refused(one, replace(asking, tenant=tenant))
    assert site.connections == 2


async def test_a_refusal_names_the_place_of_the_tenants_rights(site, handler, attempt) -> None:
    error = await refused(handler(options(site)), replace(attempt(url=site.url()), tenant="sales"))
    assert error.message == (
        "127.0.0.1, a loopback address: http tasks may not reach it unless http_task_allowed_hosts of [sales] in "
        f"TENANTS_FILE names 127.0.0.1 or 127.0.0.1:{site.port}, or http_task_allow_private of [sales] in TENANTS_FILE "
        "is true"
    )


@pytest.mark.parametrize("second", ["legal", "sales"])
async def test_a_connection_is_not_reused_for_another_tenant(site, handler, attempt, clock, second: str) -> None:
    """Not even where both have the right: the server may know the connection."""
    site.pages["/"] = answer(body=b"inside")
    may = HttpRights(allow_private=True)
    one = handler(options(site, default=may, sales=may), clock=clock)
    for _ in range(2):
        await one.run(attempt(url=site.url()))
        clock.now += REST
    assert site.connections == 1
    asking = replace(attempt(url=site.url()), tenant=second)
    if second == "sales":
        await one.run(asking)
        assert site.connections == 2
    else:
        await refused(one, asking)
        assert site.connections == 1


async def test_a_redirect_has_the_rights_of_the_tenant(open_site, site, handler, attempt) -> None:
    """Were they lost on the way, those of `default` would open the address."""
    outside = await open_site()
    outside.pages["/"] = answer(302, headers={"Location": site.url()})
    site.pages["/"] = answer(body=b"inside")
    both = HttpRights(allow_private=True)
    one = handler(options(site, default=both, sales=HttpRights(allowed_hosts=frozenset({f"127.0.0.1:{outside.port}"}))))
    assert (await one.run(attempt(url=outside.url())))["body"] == "inside"
    await refused(one, replace(attempt(url=outside.url()), tenant="sales"))
    assert site.connections == 1


async def test_a_workflow_of_the_same_key_in_another_tenant_does_not_call_the_service(site, handler, attempt) -> None:
    site.pages["/"] = answer(body=b"inside")
    rights = {
        "default": HttpRights(own_api_workflows=frozenset({"checks"})),
        "ops": HttpRights(allow_private=True),
        "sales": HttpRights(own_api_workflows=frozenset({"*"})),
    }
    one = handler(HttpOptions(rights, own_ports=frozenset({site.port})))
    asking = replace(attempt(url=site.url()), workflow_key="checks")
    for tenant in ("default", "sales"):
        assert (await one.run(replace(asking, tenant=tenant)))["body"] == "inside"
    for tenant in ("ops", "legal"):
        error = await refused(one, replace(asking, tenant=tenant))
        assert f"unless http_task_own_api_workflows of [{tenant}] in TENANTS_FILE names the key" in error.message
    assert site.connections == 2


async def test_a_name_that_resolves_elsewhere_is_checked_for_each_tenant(site, handler, attempt) -> None:
    site.pages["/"] = answer(body=b"inside")
    rights = {"sales": HttpRights(allowed_hosts=frozenset({"crm.example"}))}
    one = handler(HttpOptions(rights), resolve=answers(crm=["127.0.0.1"]))
    asking = attempt(url=site.url(host="crm.example"))
    assert (await one.run(replace(asking, tenant="sales")))["body"] == "inside"
    await refused(one, asking)
