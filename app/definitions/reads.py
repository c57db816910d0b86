"""Reads current definitions from the cache, otherwise from the store; concurrent readers share one load."""

from dataclasses import dataclass

from app.definitions.ports import Absence, Content, DefinitionCache, DefinitionStore, StoredDocument, Vacancy
from app.definitions.single_flight import Flights
from app.domain.errors import NotFound
from app.domain.refs import Ref


@dataclass(slots=True)
class CacheStatistics:
    """Counts since the start of the process.

    bypasses: reads that could not use or fill the cache, because it is unreachable or the definition is being changed.
    loads: reads of the store.
    """

    hits: int = 0
    misses: int = 0
    bypasses: int = 0
    loads: int = 0


@dataclass(frozen=True, slots=True)
class _Loaded:
    content: Content
    is_bypass: bool


class CachedReads:
    def __init__(self, store: DefinitionStore, cache: DefinitionCache) -> None:
        self._store = store
        self._cache = cache
        self._flights = Flights[_Loaded]()
        self.statistics = CacheStatistics()

    async def has_cache(self) -> bool:
        return await self._cache.is_reachable()

    async def document(self, ref: Ref) -> StoredDocument:
        """The current document. `ref` is a result of `parse_ref`. Raise `NotFound`."""
        content = await self._cache.get(ref)
        if content is None:
            content = await self._join(ref)
        else:
            self.statistics.hits += 1
        if isinstance(content, Absence):
            raise NotFound("workflow", ref)
        return content

    async def _join(self, ref: Ref) -> Content:
        loaded = await self._flights.join(ref, lambda: self._load(ref))
        if loaded.is_bypass:
            self.statistics.bypasses += 1
        else:
            self.statistics.misses += 1
        return loaded.content

    async def _load(self, ref: Ref) -> _Loaded:
        vacancy = await self._cache.reserve(ref)
        if not isinstance(vacancy, Vacancy):
            return _Loaded(vacancy, is_bypass=False)
        self.statistics.loads += 1
        content = await self._store.document(ref) or Absence(ref)
        await self._cache.put(vacancy, content)
        return _Loaded(content, is_bypass=vacancy.token is None)
