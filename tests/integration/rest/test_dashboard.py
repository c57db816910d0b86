"""How the files of the dashboard are served."""

import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from app.api.dashboard.assets import FOLDER
from app.config import Settings
from tests.support.rest_service import serving

PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
FILE = re.compile(r'(?:href|src)="([^"]+)"')
IMPORT = re.compile(r'(?:\bfrom|\bimport\()\s*"(\.[^"]+)"')
FIRST_LOAD_BYTES = 120_000


def files_of(page: httpx.Response) -> list[str]:
    """The files that a page names, by their paths on the server."""
    found = [urljoin(page.url.raw_path.decode(), name) for name in FILE.findall(page.text)]
    return [path for path in found if re.search(r"/ui/a/[0-9a-f]{12}/", path)]


async def loaded(rest: httpx.AsyncClient, path: str) -> dict[str, httpx.Response]:
    """What a browser loads to show a page: its files, and all that these import at once."""
    waiting, found = files_of(await rest.get(path, headers=PAGE)), dict[str, httpx.Response]()
    while waiting:
        if (name := waiting.pop()) not in found:
            found[name] = await rest.get(name, headers={"Accept-Encoding": "gzip"})
            if name.endswith(".js") and "/vendor/swagger" not in name:
                waiting += [urljoin(name, other) for other in IMPORT.findall(found[name].text) if "pages/" not in other]
    return found


@pytest.mark.parametrize(
    "path", ["/ui/", "/ui/executions", "/ui/executions/01a22b96", "/ui/a%2Fb/c", "/docs", "/docs/"]
)
async def test_every_page_finds_its_files(rest: httpx.AsyncClient, path: str) -> None:
    found = await loaded(rest, path)
    assert len(found) >= 4
    for name, answer in found.items():
        assert answer.status_code == 200, name
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_first_load_is_small(rest: httpx.AsyncClient) -> None:
    found = await loaded(rest, "/ui/")
    page = next(name for name in found if name.endswith("/app.js")).replace("app.js", "pages/executions.js")
    found[page] = await rest.get(page, headers={"Accept-Encoding": "gzip"})
    sent = sum(int(answer.headers["content-length"]) for answer in found.values())
    assert 10_000 < sent <= FIRST_LOAD_BYTES


async def test_pages_have_a_policy_that_allows_own_files_alone(rest: httpx.AsyncClient) -> None:
    page = await rest.get("/ui/", headers=PAGE)
    (policy,) = page.headers.get_list("content-security-policy")
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in (await rest.get("/docs")).headers["content-security-policy"]
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon[a-z]+=", page.text)
    assert page.headers["cache-control"] == "no-cache"
    again = await rest.get("/ui/executions", headers=PAGE | {"If-None-Match": page.headers["etag"]})
    assert again.status_code == 304


async def test_the_root_leads_browsers_to_the_pages_and_others_to_the_api(rest: httpx.AsyncClient) -> None:
    moved = await rest.get("/", headers=PAGE)
    assert (moved.status_code, urljoin("/", moved.headers["location"])) == (307, "/ui/")
    for headers in ({}, {"Accept": "*/*"}, {"Accept": "application/json"}):
        answer = await rest.get("/", headers=headers)
        assert answer.json()["documentation"] == "/docs"
        assert "Accept" in answer.headers["vary"]
    assert urljoin("/flows/ui", (await rest.get("/ui")).headers["location"]) == "/flows/ui/"


async def test_a_file_of_another_version_is_not_kept(rest: httpx.AsyncClient) -> None:
    name = files_of(await rest.get("/ui/", headers=PAGE))[0]
    digest = name.split("/")[3]
    for wrong in (name.replace(digest, "0" * len(digest)), f"/ui/a/{digest}/nothing.js", f"/ui/a/{digest}/../app.py"):
        answer = await rest.get(wrong)
        assert (answer.status_code, answer.headers["cache-control"]) == (404, "no-store")


@pytest.mark.parametrize("name", ["%2e%2e/serving.py", "vendor/vendor.lock", "index.html"])
async def test_nothing_but_files_of_pages_is_served(rest: httpx.AsyncClient, name: str) -> None:
    digest = files_of(await rest.get("/ui/", headers=PAGE))[0].split("/")[3]
    assert (await rest.get(f"/ui/a/{digest}/{name}")).status_code == 404


async def test_a_client_without_gzip_gets_the_same_file(rest: httpx.AsyncClient) -> None:
    name = next(name for name in files_of(await rest.get("/ui/", headers=PAGE)) if name.endswith("app.js"))
    plain = await rest.get(name, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == Path(FOLDER / "app.js").read_bytes()
    async with rest.stream("GET", name, headers={"Accept-Encoding": "gzip"}) as packed:
        assert gzip.decompress(b"".join([part async for part in packed.aiter_raw()])) == plain.content
    head = await rest.head(name, headers={"Accept-Encoding": "identity"})
    assert (head.content, head.headers["content-length"]) == (b"", str(len(plain.content)))


@pytest.mark.parametrize(
    ("accepted", "is_packed"),
    [
        ("gzip;q=0", False),
        ("GZIP ; Q=0.000", False),
        ("*;q=0", False),
        ("*, gzip;q=0", False),
        ("gzip;q=0, *;q=1", False),
        ("br, identity", False),
        ("", False),
        ("gzip;q=0.001", True),
        ("deflate;q=0, gzip ;q=1.0", True),
        ("*;q=0, gzip", True),
        ("*", True),
    ],
)
async def test_a_file_is_packed_for_those_who_accept_it(
    rest: httpx.AsyncClient, accepted: str, is_packed: bool
) -> None:
    name = next(name for name in files_of(await rest.get("/ui/", headers=PAGE)) if name.endswith("app.js"))
    answer = await rest.get(name, headers={"Accept-Encoding": accepted})
    assert ("content-encoding" in answer.headers) == is_packed
    assert answer.content == Path(FOLDER / "app.js").read_bytes()


async def test_only_reading_is_answered(rest: httpx.AsyncClient) -> None:
    assert (await rest.post("/ui/executions")).status_code == 404


@pytest.fixture
async def behind_proxy(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(settings.model_copy(update={"trusted_proxies": "127.0.0.1"})) as client:
        yield client


async def test_a_trusted_proxy_says_under_which_path_the_service_lies(behind_proxy: httpx.AsyncClient) -> None:
    for prefix, location in (("/flows", "/flows/ui/"), ("/a/b/", "/a/b/ui/"), ("//evil.example", "ui/"), ("x", "ui/")):
        moved = await behind_proxy.get("/", headers=PAGE | {"X-Forwarded-Prefix": prefix})
        assert moved.headers["location"] == location


async def test_others_cannot_say_so(rest: httpx.AsyncClient) -> None:
    moved = await rest.get("/", headers=PAGE | {"X-Forwarded-Prefix": "/elsewhere"})
    assert moved.headers["location"] == "ui/"


@pytest.fixture
async def without_pages(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(settings.model_copy(update={"dashboard": "off"})) as client:
        yield client


async def test_without_pages_the_documentation_still_works(without_pages: httpx.AsyncClient) -> None:
    assert (await without_pages.get("/ui/", headers=PAGE)).status_code == 404
    assert (await without_pages.post("/ui/session")).status_code == 404
    assert (await without_pages.get("/", headers=PAGE)).json()["documentation"] == "/docs"
    assert all(answer.status_code == 200 for answer in (await loaded(without_pages, "/docs")).values())
