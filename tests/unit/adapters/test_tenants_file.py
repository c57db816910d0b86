"""The file that says what the tasks of tenants may reach and call."""

from pathlib import Path

import pytest

from app.adapters.tenants_file import TenantsFileError, read_tenants_file
from app.tasks.rights import HttpRights, TenantRights

WHOLE = """
[sales]
http_task_allowed_hosts = ["CRM.internal", "10.0.0.5:8080", "[::1]:80", "::1", "[::1]"]
http_task_allow_private = true
http_task_own_api_workflows = ["nightly", "*"]
python_functions = ["shop.total", "shout"]

["team.a"]
python_functions = ["*"]

[empty]
"""


def read(tmp_path: Path, text: str):
    path = tmp_path / "tenants.toml"
    path.write_text(text)
    return read_tenants_file(path)


def test_without_a_file_no_other_tenant_has_rights() -> None:
    assert read_tenants_file(None) == {}


def test_every_table_is_the_rights_of_one_tenant(tmp_path: Path) -> None:
    hosts = frozenset({"crm.internal", "10.0.0.5:8080", "[::1]:80", "::1", "[::1]"})
    assert read(tmp_path, WHOLE) == {
        "sales": TenantRights(HttpRights(True, hosts, frozenset({"nightly", "*"})), frozenset({"shop.total", "shout"})),
        "team.a": TenantRights(functions=frozenset({"*"})),
        "empty": TenantRights(),
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[sales", "is not TOML: "),
        ("sales = 1", "sales: must be a table, such as [sales] on a line of its own"),
        (
            "[default]",
            "[default]: its rights are the settings HTTP_TASK_ALLOWED_HOSTS and so on, and all functions; remove",
        ),
        ('["-x"]', "'-x' is no tenant's key: it must be 1 to 100 of a-z A-Z 0-9 . _ - and start and end with a letter"),
        ("[7]", "'7' is no tenant's key: it must not be all digits"),
        (
            "[sales]\nhosts = []",
            "[sales] hosts: is not known here; known: http_task_allow_private, http_task_allowed_hosts",
        ),
        ("[team.a]", '[team] a: is a table within a table; write ["team.a"] for a tenant whose key has a dot'),
        ("[s]\nhttp_task_allow_private = 1", "[s] http_task_allow_private: must be true or false"),
        ("[s]\nhttp_task_allow_private = 'yes'", "[s] http_task_allow_private: must be true or false"),
        ("[s]\npython_functions = 'shout'", "[s] python_functions: must be a list of texts"),
        ("[s]\npython_functions = [1]", "[s] python_functions.0: must be a text"),
        ("[s]\nhttp_task_allowed_hosts = ['10.0.0.0/8']", "'10.0.0.0/8' must be host or host:port"),
        ("[s]\nhttp_task_allowed_hosts = ['http://crm']", "'http://crm' must be host or host:port"),
        ("[s]\nhttp_task_allowed_hosts = ['a,b']", "'a,b' must be host or host:port"),
        ("[s]\nhttp_task_allowed_hosts = ['*']", "'*' must be host or host:port"),
        ("[s]\nhttp_task_allowed_hosts = ['crm:http']", "'crm:http' must be host or host:port"),
        ("[s]\nhttp_task_allowed_hosts = ['']", "'' must be host or host:port"),
        ("[s]\nhttp_task_own_api_workflows = ['a b']", "'a b' must be the key of a workflow, or *"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(TenantsFileError) as raised:
        read(tmp_path, text)
    assert str(raised.value).startswith(f"TENANTS_FILE {tmp_path}/tenants.toml: ")
    assert problem in str(raised.value)


def test_a_file_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(TenantsFileError, match="cannot be read: No such file or directory"):
        read_tenants_file(tmp_path / "none.toml")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(TenantsFileError, match="is not TOML"):
        read_tenants_file(tmp_path / "t.toml")


def test_the_example_of_the_page_can_be_used(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "identity.md").read_text()
    text = page.partition("```toml\n")[2].partition("```")[0]
    rights = read(tmp_path, text)
    assert rights["sales"].http.allowed_hosts == {"10.0.0.5:8080", "crm.internal"}
    assert rights["sales"].functions == {"shop.total", "shop.tax"}
    assert rights["team.a"] == TenantRights(HttpRights(own_api_workflows=frozenset({"nightly"})), frozenset({"*"}))
