"""Records a real execution: its updates as they were sent, and its rows as they are stored."""

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import grpc

from app.api.grpc.generated import workflow_pb2 as pb
from app.api.grpc.generated.workflow_pb2_grpc import WorkflowServiceStub
from bench.house import House
from bench.service import grpc_process


async def record_updates(house: House, database_url: str, work: str) -> Path:
    """Run `work` once and write its updates into a file."""
    path = house.folder / f"{work}.updates"
    async with (
        grpc_process(house, database_url) as server,
        grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        stub: Any = cast(Any, WorkflowServiceStub)(channel)
        call = stub.ExecuteWorkflow(pb.ExecuteWorkflowRequest(workflow_id=work))
        texts = [b64encode(update.SerializeToString()).decode() async for update in call]
    path.write_text(json.dumps(texts))
    return path


def read_updates(path: Path) -> Sequence[pb.WorkflowExecutionUpdate]:
    return [pb.WorkflowExecutionUpdate.FromString(b64decode(text)) for text in json.loads(path.read_text())]
