"""An engine without a port: it receives records of Kafka, and runs what they start. `python -m app.kafka_main`.

SIGTERM and Ctrl-C drain it, as they do the gRPC process.
"""

import asyncio
import signal

import structlog
import uvloop

from app.adapters.secrets import SecretFiles
from app.background.interpreter_watch import InterpreterWatch
from app.config import Settings, SettingsError
from app.wiring.garbage import settle_garbage
from app.wiring.grpc_process import open_engine_process
from app.wiring.kafka import kafka_is_on
from app.wiring.launch import launch

log = structlog.get_logger(__name__)


async def serve(settings: Settings, secrets: SecretFiles) -> None:
    """Run until a signal arrives or a defect ends it. `main` reports the exceptions in one sentence."""
    if not kafka_is_on(settings):
        raise SettingsError("KAFKA_BOOTSTRAP_SERVERS is not set, and without Kafka this process has nothing to do")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_engine_process(settings, secrets, secrets.mask) as process:
        process.defects.on_first(stop.set)
        settle_garbage()
        watch = InterpreterWatch("attempt ")
        watch.start(process.defects.report)
        log.info("kafka_ready", servers=settings.kafka_bootstrap_servers, prefix=settings.kafka_prefix)
        try:
            await stop.wait()
        finally:
            log.info("kafka_draining", executions=process.engine.running, seconds=settings.shutdown_seconds)
            await process.engine.stop(settings.shutdown_seconds)
            await watch.stop()
    log.info("kafka_stopped")
    process.defects.raise_first()


def _run(settings: Settings, secrets: SecretFiles) -> None:
    uvloop.run(serve(settings, secrets))


def main() -> None:
    """Run the process. Exit with 1 and one sentence for an error that an operator can fix."""
    launch(_run)


if __name__ == "__main__":
    main()
