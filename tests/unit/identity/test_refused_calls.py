"""Refused calls are counted, and the numbers are logged."""

import asyncio
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from app.domain.errors import PermissionDenied, Unauthenticated
from app.domain.permissions import OPERATIONS, Role
from app.identity.admission import Admission
from app.identity.authentication import Authenticator
from app.identity.known_callers import KnownCallers
from app.identity.refused_calls import REPORT_SECONDS, RefusedCalls
from app.identity.workflow_limits import WorkflowLimits
from tests.support.memory.identity import MemoryKeyStore, MemoryTenantStore, MemoryWorkflowKeys

START = datetime(2026, 1, 1, tzinfo=UTC)


async def test_the_numbers_since_the_last_line_are_logged_by_code():
    refused = RefusedCalls()
    for error in (Unauthenticated.missing(), Unauthenticated("no"), Unauthenticated.missing(), PermissionDenied("no")):
        refused.count(error)
    with capture_logs() as lines:
        await refused.report()
        await refused.report()
    (line,) = lines
    assert (line["event"], line["calls"], line["permission_denied"], line["credentials_missing"]) == (
        "calls_refused",
        4,
        1,
        2,
    )


async def test_there_is_a_line_each_minute_and_one_at_the_end():
    slept, go_on = list[float](), asyncio.Queue[None]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await go_on.get()

    refused = RefusedCalls(sleep)
    with capture_logs() as lines:
        refused.count(PermissionDenied("no"))
        refused.start(pytest.fail)
        while not slept:
            await asyncio.sleep(0)
        assert len(lines) == 1
        refused.count(PermissionDenied("no"))
        go_on.put_nowait(None)
        while len(slept) < 2:
            await asyncio.sleep(0)
        assert len(lines) == 2
        refused.count(PermissionDenied("no"))
        await refused.stop()
    assert len(lines) == 3
    assert set(slept) == {REPORT_SECONDS}


async def test_an_admission_counts_what_it_refuses():
    keys = MemoryKeyStore(MemoryTenantStore(lambda: START), lambda: START)
    authenticator = Authenticator(keys, None, KnownCallers(lambda: 0.0), lambda _: None)
    refused = RefusedCalls()
    admission = Admission(authenticator, WorkflowLimits(MemoryWorkflowKeys()), refused=refused)
    with pytest.raises(Unauthenticated):
        await admission.admit(OPERATIONS["list_workflows"])
    with pytest.raises(Unauthenticated):
        await admission.admit(OPERATIONS["list_workflows"], [b"Bearer wfk_no_key"])
    assert await admission.admit(OPERATIONS["healthz"]) is None
    everyone = Admission(None, WorkflowLimits(MemoryWorkflowKeys()), refused=refused)
    with pytest.raises(PermissionDenied):
        await everyone.admit(OPERATIONS["create_tenant"])
    assert (await everyone.admit(OPERATIONS["list_workflows"])).role is Role.ADMIN
    with capture_logs() as lines:
        await refused.report()
    assert lines[0]["calls"] == 3
