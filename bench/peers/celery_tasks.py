"""The tasks of the Celery worker. The broker is also the result backend; BENCH_CELERY_URL has its address."""

import os

from celery import Celery

URL = os.environ.get("BENCH_CELERY_URL", "redis://127.0.0.1:6379/0")
app = Celery("bench", broker=URL, backend=URL)
app.conf.update(result_expires=600, task_default_queue="workflow-bench")


def _nothing(*_: object) -> None:
    """A task without work; it ignores the results of earlier tasks."""


nothing = app.task(name="nothing")(_nothing)
