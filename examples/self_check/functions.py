"""The last step of the self-check: a summary of the responses."""

from typing import Any

from app.tasks import Attempt, task_function

CALLS = ("ready", "healthy", "API description", "workflows", "executions", "unknown workflow")


@task_function("self_check.summary")
def summary(attempt: Attempt) -> dict[str, Any]:
    """Every call returned its expected status, or this task would not run."""
    answers = {name: attempt.upstream[name] for name in CALLS}
    description, workflows = answers["API description"]["body"], answers["workflows"]["body"]
    return {
        "calls": {name: answer["status"] for name, answer in answers.items()},
        "api": f"{description['info']['title']} {description['info']['version']}",
        "paths": len(description["paths"]),
        "workflows": workflows["total"],
        "newest_executions": [execution["status"] for execution in answers["executions"]["body"]["items"]],
        "refusal": answers["unknown workflow"]["body"]["code"],
    }
