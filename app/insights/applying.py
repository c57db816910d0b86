"""Applies a patch to the current revision of a workflow, through the service of definitions."""

from dataclasses import dataclass

import orjson

from app.domain.callers import Caller
from app.domain.errors import NotFound, RevisionMismatch
from app.domain.refs import Ref
from app.insights.patches import PatchFailed, applied, inverse
from app.insights.ports import Definitions, Parsing
from app.insights.suggestions import Patch

TRIES = 5


@dataclass(frozen=True, slots=True)
class Applied:
    """revision: the one that was made. inverse: the patch that takes it back."""

    revision: int
    inverse: Patch


class Applying:
    """definitions: the service; it checks and audits the change. parse: makes a draft of a document."""

    def __init__(self, definitions: Definitions, parse: Parsing) -> None:
        self._definitions = definitions
        self._parse = parse

    async def apply(self, caller: Caller, workflow_id: int, patch: Patch) -> Applied:
        """Make one revision. Someone else's change meanwhile is kept: the patch is applied to what it has made.

        Raise `PatchFailed` if the patch does not fit, `Invalid` if the workflow would break rules with it.
        """
        ref = Ref(tenant_id=caller.tenant_id, id=workflow_id)
        for left in range(TRIES - 1, -1, -1):
            try:
                return await self._once(caller, ref, patch)
            except RevisionMismatch:
                if not left:
                    raise
        raise AssertionError

    async def check(self, caller: Caller, workflow_id: int, patch: Patch) -> None:
        """Raise as `apply`, as far as that is known without storing anything."""
        document = await self._definitions.document(caller, Ref(tenant_id=caller.tenant_id, id=workflow_id))
        self._parse(applied(patch, orjson.loads(document.body)))

    async def _once(self, caller: Caller, ref: Ref, patch: Patch) -> Applied:
        try:
            stored = await self._definitions.document(caller, ref)
        except NotFound:
            raise PatchFailed("the workflow does not exist any more") from None
        before = orjson.loads(stored.body)
        draft = self._parse(applied(patch, before))
        made = await self._definitions.replace(caller, ref, draft, stored.revision)
        after = orjson.loads(made.body)
        return Applied(made.workflow.revision, inverse(patch, before, after))
