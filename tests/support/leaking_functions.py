"""Task functions that give away what they are given, in every form that a service or a function makes of a text."""

import base64
import json
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus

import structlog

from app.tasks import Attempt, task_function

MARK = "not-hidden-"
"""Every leak carries this and its own name, so a test can tell that the leak has reached where it looks."""


def forms(secret: str) -> Iterator[str]:
    yield secret
    yield from (repr(secret), ascii(secret), json.dumps(secret), json.dumps(secret, ensure_ascii=False))
    yield json.dumps(json.dumps({"in": secret}))
    yield from (quote(secret), quote(secret, safe=""), quote_plus(secret), quote(quote(secret)))
    for before in ("", "u", "us", "user:"):
        data = (before + secret).encode()
        yield from (base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode())
        yield quote(base64.b64encode(data + b" and more").decode(), safe="")


def all_forms(secrets: dict[str, str]) -> list[str]:
    return [form for secret in secrets.values() for form in forms(secret)]


@task_function("leak_output")
def output(secrets: dict[str, str]) -> dict[str, Any]:
    return {"mark": MARK + "output", "forms": all_forms(secrets), **dict.fromkeys(all_forms(secrets), 1)}


@task_function("leak_error")
def error(secrets: dict[str, str]) -> None:
    raise ValueError(MARK + "error", all_forms(secrets))


@task_function("leak_progress")
def progress(attempt: Attempt, secrets: dict[str, str]) -> None:
    for secret in secrets.values():
        attempt.report(50, f"{MARK}progress {secret}")
        attempt.report(60, " ".join(forms(secret)))


@task_function("leak_log")
def log(secrets: dict[str, str]) -> None:
    for form in all_forms(secrets):
        logging.getLogger("leaks").warning("%slogged %s %r", MARK, form, form)
        structlog.get_logger("leaks").warning(MARK + "fields", form=form, inside={"list": [form, {form: (form,)}]})
    logging.getLogger("leaks").warning("%sarguments %d", MARK, next(iter(secrets.values())))


@task_function("leak_item")
def item(value: str) -> list[str]:
    return [MARK + "item", value, *forms(value)]
