"""`workflow kafka …`: names, options and help. Each body imports what it needs, as in `commands.py`."""

from typing import Annotated

import typer

from app.cli.errors import SentencesNotTracebacks
from app.cli.options import AsJson

kafka = typer.Typer(
    cls=SentencesNotTracebacks, no_args_is_help=True, help="Prepare Kafka for the service, and see what waits there."
)

MOST = 1_000_000_000


@kafka.command()
def setup(
    partitions: Annotated[
        int, typer.Option(min=1, metavar="N", help="Of each topic that is made and can be busy.")
    ] = 6,
    replicas: Annotated[
        int | None, typer.Option(min=1, metavar="N", show_default="that of the brokers", help="Brokers that keep each.")
    ] = None,
) -> None:
    """Make the topics that are missing. May be repeated; topics that exist stay as they are."""
    from app.cli.kafka_administration import make_topics
    from app.cli.targets import settings

    make_topics(settings(), partitions, replicas)


@kafka.command()
def status(as_json: AsJson = False) -> None:
    """Show the topics, how many records wait, and how far events were published."""
    from app.cli.kafka_administration import show_state
    from app.cli.targets import settings

    show_state(settings(), as_json=as_json)


@kafka.command("replay-dlq")
def replay_dlq(
    code: Annotated[str | None, typer.Option(metavar="CODE", help="Only those; the others are passed over.")] = None,
    signals: Annotated[bool, typer.Option("--signals", help="Dead letters of signals, not of triggers.")] = False,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="At most this many.")] = MOST,
) -> None:
    """Send dead letters to their topic again, each once, when what was wrong has been corrected."""
    from app.cli.kafka_administration import replay
    from app.cli.targets import settings

    replay(settings(), code, limit, signals=signals)


@kafka.command()
def reset(
    position: Annotated[int, typer.Argument(min=0, metavar="POSITION", help="0 is before the oldest event.")],
) -> None:
    """Publish the events behind a position of the feed again, or pass over those before it."""
    from app.cli.kafka_administration import set_back
    from app.cli.targets import settings

    set_back(settings(), position)
