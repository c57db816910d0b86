"""The usual way to the same document: SQLAlchemy's ORM with `selectinload`, and a response model.

python -m bench.rest.usual_app PORT DATABASE_URL
"""

import sys
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import selectinload

from app.adapters.database.tables import WorkflowRow
from app.domain.definitions import ExecutionType

POOL = 8


class TaskOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    description: str | None
    execution_type: ExecutionType
    sequence: int
    type: str | None
    config: dict[str, Any]
    timeout_seconds: float | None


class WorkflowOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    key: str | None
    name: str
    description: str | None
    revision: int
    created_at: datetime
    updated_at: datetime
    tasks: list[TaskOut]


def usual_app(database_url: str) -> FastAPI:
    app = FastAPI()
    sessions = async_sessionmaker(create_async_engine(database_url, pool_size=POOL), expire_on_commit=False)

    async def session() -> AsyncIterator[AsyncSession]:
        async with sessions() as opened:
            yield opened

    @app.get("/workflows/{workflow_id}", response_model=WorkflowOut)
    async def get_workflow(workflow_id: int, opened: Annotated[AsyncSession, Depends(session)]) -> WorkflowRow:
        statement = select(WorkflowRow).where(WorkflowRow.id == workflow_id).options(selectinload(WorkflowRow.tasks))
        row = (await opened.execute(statement)).scalar_one_or_none()
        if row is None:
            raise HTTPException(404)
        return row

    return app


if __name__ == "__main__":
    uvicorn.run(usual_app(sys.argv[2]), port=int(sys.argv[1]), log_level="warning", access_log=False)
