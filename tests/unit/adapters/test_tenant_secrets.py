"""Each tenant has its own secrets: no key and no name leads to those of another one."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.secret_places import place_of
from app.adapters.secrets import SecretFiles
from app.domain.refs import KEY_PATTERN

KEYS = st.from_regex(KEY_PATTERN, fullmatch=True).filter(lambda key: not key.isdigit()) | st.sampled_from(
    ["default", "Default", "a-b", "a.b", "a_b", "a__b", "a_2Db", "a_5Fb", "SECRET_x", "x..y"]
)
NO_KEYS = [".", "..", "../secrets", "../secrets/sales", "sales/", "sales/../ops", "default/../sales", "..data", ".a"]
NO_KEYS += ["", "/", "7", "sales\n", "sales\x00", "-sales", "x" * 101]
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of `default` and of two tenants with the same names."""
    folder = tmp_path / "secrets"
    for tenant in ("sales", "ops"):
        (folder / tenant).mkdir(parents=True)
        (folder / tenant / "TOKEN").write_text(f"token-of-{tenant}")
    (folder / "TOKEN").write_text("token-of-default")
    (tmp_path / "outside").write_text("not yours")
    return folder


def test_the_same_name_has_another_value_in_each_tenant(folder: Path) -> None:
    secrets = SecretFiles(folder, {})
    tenants = ("default", "sales", "ops")
    assert [secrets.get(tenant, "TOKEN") for tenant in tenants] == [f"token-of-{tenant}" for tenant in tenants]
    assert [secrets.values(tenant, "TOKEN") for tenant in tenants] == [(f"token-of-{tenant}",) for tenant in tenants]


def test_a_tenant_without_secrets_has_none_of_the_others(folder: Path) -> None:
    secrets = SecretFiles(folder, {"WORKFLOW_SECRET_TOKEN": "in the environment"})
    assert secrets.get("legal", "TOKEN") is None
    assert secrets.values("legal", "TOKEN") == ()


@pytest.mark.parametrize("tenant", NO_KEYS)
@pytest.mark.parametrize("name", ["TOKEN", "outside", "sales"])
def test_a_key_that_no_tenant_can_have_leads_nowhere(folder: Path, tenant: str, name: str) -> None:
    assert place_of(tenant, name) is None
    assert SecretFiles(folder, {}).get(tenant, name) is None


@pytest.mark.parametrize("name", ["../TOKEN", "../../outside", "/etc/hostname", "", ".", "..", "TOKEN\n", "a/b"])
def test_a_name_that_no_secret_can_have_leads_nowhere(folder: Path, name: str) -> None:
    assert SecretFiles(folder, {}).get("sales", name) is None


def test_a_folder_is_no_secret_of_default_and_a_file_is_no_tenant(folder: Path) -> None:
    (folder / "legal").write_text("a secret of default")
    secrets = SecretFiles(folder, {})
    assert (secrets.get("default", "sales"), secrets.get("default", "legal")) == (None, "a secret of default")
    assert secrets.get("legal", "TOKEN") is None


def test_a_folder_whose_name_differs_in_case_is_not_that_of_the_tenant(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that ignores case: the path leads to the folder, which has another name."""
    monkeypatch.setattr(os, "listdir", lambda path: ["Sales", "ops", "TOKEN"])
    secrets = SecretFiles(folder, {})
    assert (secrets.get("sales", "TOKEN"), secrets.get("ops", "TOKEN")) == (None, "token-of-ops")


ENVIRONMENT = {
    "WORKFLOW_SECRET_TOKEN": "in default",
    "WORKFLOW_SECRET_SALES_TOKEN": "another of default",
    "WORKFLOW_SECRET_sales__TOKEN": "a third of default",
    "WORKFLOW_TENANT_SECRET_sales__TOKEN": "in sales",
    "WORKFLOW_TENANT_SECRET_a_2Db__TOKEN": "in a-b",
    "WORKFLOW_TENANT_SECRET_a_2Eb__TOKEN": "in a.b",
    "WORKFLOW_TENANT_SECRET_a_5Fb__TOKEN": "in a_b",
    "WORKFLOW_TENANT_SECRET_sales___X": "begins with an underscore",
}


@pytest.mark.parametrize("tenant", ["default", "sales", "a-b", "a.b", "a_b"])
def test_every_tenant_has_variables_of_its_own(tenant: str) -> None:
    assert SecretFiles(None, ENVIRONMENT).get(tenant, "TOKEN") == f"in {tenant}"


def test_variables_that_look_alike_are_not_mixed_up() -> None:
    secrets = SecretFiles(None, ENVIRONMENT)
    assert (secrets.get("SALES", "TOKEN"), secrets.get("sales", "_X")) == (None, "begins with an underscore")
    assert secrets.get("default", "SALES_TOKEN") == "another of default"
    assert secrets.get("default", "TENANT_SECRET_sales__TOKEN") is None


@given(one=st.tuples(KEYS, NAMES), other=st.tuples(KEYS, NAMES))
def test_no_two_secrets_have_the_same_place(one: tuple[str, str], other: tuple[str, str]) -> None:
    first, second = place_of(*one), place_of(*other)
    assert first is not None
    assert second is not None
    same = one == other
    assert (first.variable == second.variable) is same
    assert (first.file == second.file) is same


@given(tenant=KEYS, name=NAMES)
def test_what_is_in_a_variable_is_found_and_hidden(tenant: str, name: str) -> None:
    place = place_of(tenant, name)
    assert place is not None
    secrets = SecretFiles(None, {place.variable: "hidden-value"})
    assert secrets.read_all() == []
    assert secrets.mask().text("a hidden-value") == "a ***"
    assert secrets.get(tenant, name) == "hidden-value"


def test_the_log_hides_the_secrets_of_all_tenants_from_the_start(folder: Path) -> None:
    secrets = SecretFiles(folder, {"WORKFLOW_TENANT_SECRET_a_2Eb__KEY": "key-of-a.b"})
    assert secrets.read_all() == []
    text = "token-of-default token-of-sales token-of-ops key-of-a.b"
    assert secrets.mask().text(text) == "*** *** *** ***"


def test_what_is_refused_or_at_no_place_is_told_with_what_to_do(folder: Path) -> None:
    (folder / "default").mkdir()
    (folder / "ops" / "PIN").write_text("42")
    variables = {"WORKFLOW_TENANT_SECRET_team-a__TOKEN": "lost", "WORKFLOW_TENANT_SECRET_default__KEY": "lost too"}
    secrets = SecretFiles(folder, {**variables, "WORKFLOW_TENANT_SECRET_sales__PIN": "43"})
    assert secrets.read_all() == [
        "the variable WORKFLOW_TENANT_SECRET_default__KEY is not read; the tenant 'default' has WORKFLOW_SECRET_KEY",
        "the variable WORKFLOW_TENANT_SECRET_team-a__TOKEN belongs to no secret; write _2D for -, _2E for . and _5F "
        "for _ in the tenant's key, then two underscores and the secret's name",
        "the folder default in SECRETS_FOLDER is not read; the files of the tenant 'default' are in SECRETS_FOLDER "
        "itself",
        "secret 'PIN' has fewer than 4 characters, so it cannot be hidden in histories and logs; use another value, or "
        "remove the file ops/PIN in SECRETS_FOLDER",
        "secret 'PIN' has fewer than 4 characters, so it cannot be hidden in histories and logs; use another value, or "
        "remove the variable WORKFLOW_TENANT_SECRET_sales__PIN",
    ]


def test_links_of_a_mounted_volume_are_followed_and_its_own_folders_are_no_tenants(tmp_path: Path) -> None:
    """As Kubernetes mounts a secret whose items have paths."""
    data = tmp_path / "..2026_11_29" / "sales"
    data.mkdir(parents=True)
    (data / "TOKEN").write_text("token-of-sales")
    (tmp_path / "..data").symlink_to("..2026_11_29")
    (tmp_path / "sales").symlink_to("..data/sales")
    secrets = SecretFiles(tmp_path, {})
    assert secrets.read_all() == []
    assert secrets.get("sales", "TOKEN") == "token-of-sales"
    assert secrets.get("..data", "TOKEN") is None
