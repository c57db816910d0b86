"""Names of workflows, for the ids that the service returns."""

from app.client.errors import ClientError
from app.client.rest_client import RestClient

PATIENCE_SECONDS = 2.0


class WorkflowNames:
    """Reads each workflow's key, or its name if it has no key, once, until the service does not respond."""

    def __init__(self, service: RestClient | None) -> None:
        """Without a service, the ids stand for themselves."""
        self._service = service
        self._known: dict[str, str] = {}

    def of(self, workflow_id: int | str) -> str:
        """The key or name; the id itself if the workflow is deleted or cannot be read."""
        ref = str(workflow_id)
        if ref not in self._known:
            self._known[ref] = self._read(ref) or ref
        return self._known[ref]

    def _read(self, ref: str) -> str | None:
        try:
            found = self._service.find_workflow(ref) if self._service is not None else None
        except ClientError:
            self._service = None
            return None
        return None if found is None else found["key"] or found["name"]
