"""What the Celery worker runs. The broker is also the result backend; its address comes from BENCH_CELERY_URL."""

import os

from celery import Celery

URL = os.environ.get("BENCH_CELERY_URL", "redis://127.0.0.1:6379/0")
app = Celery("bench", broker=URL, backend=URL)
app.conf.update(result_expires=600, task_default_queue="workflow-bench")


def _nothing(*_: object) -> None:
    """A task of no work; what came before is passed to it and not looked at."""


nothing = app.task(name="nothing")(_nothing)
