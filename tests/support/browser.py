"""A real browser, and a server of the pages in `examples/live`."""

import os
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from playwright.async_api import Browser, async_playwright

from tests.support.server_process import REPOSITORY

CHROMIUM = shutil.which("chromium")
PAGES = REPOSITORY / "examples" / "live"
MILLISECONDS = 120_000.0
"""How long the browser may take for anything."""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None: ...


@contextmanager
def served_pages() -> Iterator[str]:
    """The origin of a server that has the pages."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(PAGES))) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.05,))
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            serving.join()


@asynccontextmanager
async def running_browser() -> AsyncIterator[Browser]:
    # Chromium's sandbox refuses to run as root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments, timeout=MILLISECONDS)
        try:
            yield browser
        finally:
            await browser.close()
