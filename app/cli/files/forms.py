"""The two forms of a definition file: with tasks, or with steps."""

from collections.abc import Mapping
from typing import Any

from app.api.rest.dialects.new_workflow import has_steps

_OF_ANSWERS = frozenset({"key", "tasks"})
"""What an answer of the service has beside `steps`, and a file with steps has not."""


def is_of_steps(document: Mapping[str, Any]) -> bool:
    """Whether the document has steps in place of tasks.

    An answer of the service that was saved as a file has both. It is one with tasks, and what only the service sets is
    reported as such.
    """
    return has_steps(document) and not document.keys() >= _OF_ANSWERS
