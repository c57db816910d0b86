"""Joins the service of suggestions to histories and to definitions. Engines do without: it knows the bodies of REST."""

from functools import partial

from app.adapters.database.pool import Pool
from app.adapters.database.signals import PostgresSignals
from app.adapters.database.suggestion_runs import PostgresHistories
from app.adapters.database.suggestions import PostgresSuggestionStore
from app.api.rest.suggestion_bodies import draft_of_document
from app.audit.entry import Entries
from app.definitions.service import DefinitionService
from app.engine.notifying import notify_engines
from app.insights.applying import Applying
from app.insights.computing import Computing
from app.insights.ports import REQUESTED
from app.insights.service import SuggestionService
from app.wiring.insights import tell_of_suggestion


def suggestion_service(
    pool: Pool, signals: PostgresSignals, definitions: DefinitionService, entries: Entries
) -> SuggestionService:
    """pool: the connections with which callers are served."""
    store, histories = PostgresSuggestionStore(pool, entries), PostgresHistories(pool)
    return SuggestionService(
        store=store,
        computing=Computing(store, histories),
        applying=Applying(definitions, draft_of_document),
        definitions=definitions,
        requests=histories,
        announce=partial(notify_engines, signals, REQUESTED),
        tell=partial(tell_of_suggestion, signals),
    )
