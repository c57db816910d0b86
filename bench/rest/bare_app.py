"""Ceilings (c) and (d): bare FastAPI routes that return a stored document from memory, and from Redis in two ways.

python -m bench.rest.bare_app PORT FILE REDIS_URL
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import redis.asyncio
import uvicorn
from fastapi import FastAPI, Response

from bench.rest.shared_connection import SharedConnection

KEY = b"workflow-bench:document"
POOL = 32


def bare_app(document: bytes, redis_url: str) -> FastAPI:
    """`/memory` needs no Redis. If `redis_url` is empty, the other routes do not exist."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if redis_url:
            pool = redis.asyncio.BlockingConnectionPool.from_url(redis_url, max_connections=POOL)
            client = redis.asyncio.Redis(connection_pool=pool)
            await client.set(KEY, document)
            parts = urlsplit(redis_url)
            shared = await SharedConnection.open(parts.hostname or "127.0.0.1", parts.port or 6379)
            _add_redis_routes(app, client, shared)
        yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/memory")
    async def from_memory() -> Response:
        return Response(document, media_type="application/json")

    return app


def _add_redis_routes(app: FastAPI, client: redis.asyncio.Redis, shared: SharedConnection) -> None:
    @app.get("/pooled")
    async def from_pool() -> Response:
        return Response(await client.get(KEY), media_type="application/json")

    @app.get("/shared")
    async def from_shared_connection() -> Response:
        return Response(await shared.get(KEY), media_type="application/json")


if __name__ == "__main__":
    app = bare_app(Path(sys.argv[2]).read_bytes(), sys.argv[3])
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
