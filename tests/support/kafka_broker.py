"""A real Kafka broker as a process of its own: Apache Kafka in one node, from the jars of Maven's repository.

`python -m tests.support.kafka_broker FOLDER PORT` runs one until Ctrl-C; its data is in FOLDER. The jars are loaded
once, into the folder that KAFKA_LIBS names. It needs Java 17 and, the first time, Maven.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from string import Template

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from app.adapters.embedded.child_processes import Child, end
from tests.support.ports import free_port

HERE = Path(__file__).with_name("kafka")
LIBS = Path(os.environ.get("KAFKA_LIBS", Path(__file__).parents[2] / ".kafka" / "libs"))
CLUSTER = "v1ULQ0JCQeWKzDxYcLKicg"
START_SECONDS = 120.0
LOAD_SECONDS = 240.0
STOP_SECONDS = 30.0
SMALL = ("-Xms64m", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")


def why_not() -> str | None:
    """Why no broker can be started here; None if one can."""
    if shutil.which("java") is None:
        return "there is no java: a Kafka broker needs Java 17"
    if not any(LIBS.glob("kafka_*.jar")) and shutil.which("mvn") is None:
        return f"there is no mvn, and {LIBS} has no jars of Kafka"
    return None


def load_jars() -> None:
    """Into a folder beside, which is then renamed: one that is there is complete."""
    if any(LIBS.glob("kafka_*.jar")):
        return
    beside = LIBS.with_name(f"{LIBS.name}-{os.getpid()}")
    beside.mkdir(parents=True)
    copy = ["dependency:copy-dependencies", f"-DoutputDirectory={beside}", "-DincludeScope=runtime"]
    command = ["mvn", "-q", "-B", "-ntp", "-f", str(HERE / "pom.xml"), *copy]
    try:
        subprocess.run(command, check=True, cwd=beside, timeout=LOAD_SECONDS)
    except BaseException:
        shutil.rmtree(beside)
        raise
    try:
        beside.rename(LIBS)
    except OSError:
        shutil.rmtree(beside)


class KafkaBroker:
    """One process at a time, on one port, with its data in one folder. It ends with this process, also with a kill.

    folder: where its data and its log are.
    port: where it listens; a free one if none is given.
    """

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port or free_port()
        self._controller = free_port()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Return when it answers. Raise `AssertionError` when it ends instead, or does not answer in time."""
        load_jars()
        settings = self._prepare()
        with (self._folder / "log").open("ab") as log:
            command = [*_java(), "kafka.Kafka", str(settings)]
            self._process = Child(command, death_signal=signal.SIGKILL, output=log).start()
        self._wait()

    def stop(self) -> None:
        """In order, so that all data is written. Harmless when it does not run."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            finally:
                end(self._process)
                self._process = None

    def kill(self) -> None:
        """As a machine that loses its power, except that what was written to files is there."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        end(self._process)
        self._process = None

    def freeze(self) -> None:
        """It answers nothing until it is thawed, but its connections stay open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def log_tail(self, lines: int = 20) -> str:
        return "\n".join((self._folder / "log").read_text(errors="replace").splitlines()[-lines:])

    def rebalances(self, group: str) -> int:
        """How often the members of a group have had to join it again."""
        lines = (self._folder / "log").read_text(errors="replace").splitlines()
        return sum(f"Preparing to rebalance group {group} " in line for line in lines)

    def _prepare(self) -> Path:
        settings = self._folder / "server.properties"
        self._folder.mkdir(parents=True, exist_ok=True)
        places = {"FOLDER": self._folder, "PORT": self.port, "CONTROLLER": self._controller}
        settings.write_text(Template((HERE / "server.properties").read_text()).substitute(places))
        if not (self._folder / "data").exists():
            command = [*_java(), "kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", str(settings)]
            subprocess.run(command, check=True, capture_output=True)
        return settings

    def _wait(self) -> None:
        assert self._process is not None
        client = AdminClient({"bootstrap.servers": self.address, "log_level": 0})
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert self._process.poll() is None, self.log_tail()
            try:
                client.list_topics(timeout=1)
            except KafkaException:
                assert time.monotonic() < deadline, self.log_tail()
            else:
                return


def _java() -> list[str]:
    jars = ":".join(str(path) for path in sorted(LIBS.glob("*.jar")))
    return [
        shutil.which("java") or "java",
        *SMALL,
        f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}",
        "-cp",
        jars,
    ]


def main(folder: str, port: str) -> None:
    if (reason := why_not()) is not None:
        sys.exit(reason)
    broker = KafkaBroker(Path(folder).absolute(), int(port))
    broker.start()
    print(f"Kafka answers at {broker.address}; its data is in {folder}. Ctrl-C ends it.")  # noqa: T201
    try:
        signal.pause()
    except KeyboardInterrupt:
        broker.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
