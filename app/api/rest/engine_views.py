"""Engines as clients receive them."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.api.rest.examples import EXECUTION_ID, INSTANT
from app.api.rest.views import Page
from app.domain.documents import rfc3339
from app.domain.engines import EngineStatus, EngineWork, ShownEngine

_WORK: dict[str, Any] = {
    "current_task": f"{EXECUTION_ID}/12",
    "total_tasks": 420,
    "failed_tasks": 3,
    "attempts_last_hour": 96,
    "success_rate": 0.9896,
}
ENGINE: dict[str, Any] = {
    "id": 12,
    "kind": "engine",
    "status": "online",
    "version": "0.1.0",
    "task_types": ["delay", "http", "log", "python"],
    "host": "node-3",
    "pid": 71,
    "functions": ["reports.render"],
    "capacity": 1000,
    "running": 17,
    "parked": 4,
    "started_at": INSTANT,
    "renewed_at": INSTANT,
    "ended_at": None,
    "work": _WORK,
}


class EngineWorkView(BaseModel):
    """Of executions of your tenant that have not ended, or were created in the last 24 hours; at most the newest 2,000.
    An execution counts for the engine that owns it, or has ended it.
    """

    current_task: str | None = Field(description="`execution/task`: the task in progress that was started last.")
    total_tasks: int = Field(description="How many tasks have begun.")
    failed_tasks: int = Field(description="How many of these have failed.")
    attempts_last_hour: int = Field(description="How many attempts have ended in the last hour.")
    success_rate: float | None = Field(
        description="Which part of these has succeeded, from 0 to 1; null if there were fewer than 20."
    )


class EngineView(BaseModel):
    """An engine: a process that runs executions."""

    model_config = ConfigDict(json_schema_extra={"examples": [ENGINE]})

    id: int
    kind: Literal["engine"]
    status: EngineStatus = Field(
        description="`draining` takes no more executions, because it stops. `offline` has no lease any more."
    )
    version: str | None = Field(description="Of the program.")
    task_types: list[str] = Field(description="Those that it can run.")
    host: str | None = Field(description="Where it runs; null unless you manage tenants, as the next five are.")
    pid: int | None
    functions: list[str] | None = Field(description="Those that `python` tasks can call.")
    capacity: int | None = Field(description="How many executions can work at the same time.")
    running: int | None = Field(description="How many executions of all tenants work.")
    parked: int | None = Field(description="How many more in its memory only wait.")
    started_at: datetime
    renewed_at: datetime = Field(description="When it last renewed its lease.")
    ended_at: datetime | None = Field(description="When its lease has ended; null while it has one.")
    work: EngineWorkView


class EnginePage(Page[EngineView]):
    """Those that run first, the newest first."""


def engine_document(engine: ShownEngine) -> dict[str, Any]:
    profile, load = engine.profile, engine.load
    of_machine = {
        "host": profile.host,
        "pid": profile.pid,
        "functions": list(profile.functions),
        "capacity": profile.capacity,
        "running": load.running,
        "parked": load.parked,
    }
    return {
        "id": engine.id,
        "kind": profile.kind,
        "status": engine.status.value,
        "version": profile.version,
        "task_types": list(profile.task_types),
        **(of_machine if engine.is_whole else dict.fromkeys(of_machine)),
        "started_at": rfc3339(engine.started_at),
        "renewed_at": rfc3339(engine.renewed_at),
        "ended_at": rfc3339(engine.ended_at),
        "work": _work_document(engine.work),
    }


def _work_document(work: EngineWork) -> dict[str, Any]:
    return {
        "current_task": work.current,
        "total_tasks": work.total,
        "failed_tasks": work.failed,
        "attempts_last_hour": work.attempts,
        "success_rate": work.success_rate,
    }
