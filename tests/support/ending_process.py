"""A python task that ends the process that runs it, each time."""

import os
from typing import NoReturn

from app.tasks import Attempt, task_function


@task_function("test.end_process")
def end_process(attempt: Attempt) -> NoReturn:
    os._exit(3)
