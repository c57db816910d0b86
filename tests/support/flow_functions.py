"""Functions for flows, as a user's module registers them."""

from app.tasks import Attempt, TaskError, task_function


@task_function("flow_flaky")
def flaky(attempt: Attempt) -> dict[str, int]:
    """Fails until its third visit."""
    if attempt.visit < 3:
        raise TaskError("not_yet", f"visit {attempt.visit} is too early", retryable=False)
    return {"visit": attempt.visit}


@task_function("flow_mend")
def mend(attempt: Attempt) -> dict[str, int]:
    return {"mended": attempt.visit}


@task_function("flow_with_arguments")
def with_arguments(needed: int) -> int:
    return needed
