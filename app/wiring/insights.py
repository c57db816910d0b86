"""Joins suggestions to histories, and to the engine that computes them."""

from functools import partial

import structlog

from app.adapters.database.pool import Pool
from app.adapters.database.signals import PostgresSignals
from app.adapters.database.suggestion_runs import PostgresHistories, PostgresTurns
from app.adapters.database.suggestions import PostgresSuggestionStore
from app.domain.errors import Unavailable
from app.engine.running.engine import Engine
from app.insights.computing import Computing
from app.insights.loop import SuggestionLoop
from app.insights.news import CHANNEL, SuggestionNews
from app.insights.ports import REQUESTED

FULL = 0.9

log = structlog.get_logger(__name__)


def build_suggestion_loop(
    api_pool: Pool, engine_pool: Pool, signals: PostgresSignals, engine: Engine, name: str, most: int
) -> SuggestionLoop:
    """Return the loop. It subscribes to `signals`, so they must not be started yet.

    api_pool: with what is read and stored, in one tenant.
    engine_pool: with what a tenant is claimed.
    name, most: of the engine: its name, and how many executions it runs at most.
    """
    store, histories = PostgresSuggestionStore(api_pool), PostgresHistories(api_pool)
    computing = Computing(store, histories, is_polite=True)
    is_full, tell = partial(_is_full, engine, most), partial(tell_of_suggestion, signals)
    loop = SuggestionLoop(PostgresTurns(engine_pool), computing, name, is_full, tell)
    signals.subscribe(REQUESTED, lambda _: loop.wake())
    return loop


async def tell_of_suggestion(signals: PostgresSignals, news: SuggestionNews) -> None:
    """The suggestion is committed already, so a failure only delays who follows suggestions."""
    try:
        await signals.announce(CHANNEL, news.encode())
    except Unavailable as error:
        log.warning("suggestion_news_not_sent", reason=str(error))


def _is_full(engine: Engine, most: int) -> bool:
    return engine.running >= FULL * most
