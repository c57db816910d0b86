"""A setting that cannot be used is named with what it accepts, in words of this program."""

import re
from pathlib import Path
from typing import get_args, get_origin

import pytest

from app.config import Settings, SettingsError, load_settings
from app.domain.accepted import choice_form, number_form

LIBRARY_WORDS = re.compile(r"Input should|[Vv]alid|pars|pydantic|Value error")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def refusal(monkeypatch: pytest.MonkeyPatch, **values: str) -> str:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("FASTAPI_PORT", "abc", "a whole number from 0 to 65535"),
        ("GRPC_PORT", "65536", "a whole number from 0 to 65535"),
        ("MAX_BODY_BYTES", "1.5", "a whole number, 1024 or more"),
        ("CACHE_TTL_SECONDS", "61", "a number above 0, at most 60"),
        ("RETENTION_DAYS", "inf", "a number, 0 or more"),
        ("ENGINE_POLL_SECONDS", "0", "a number above 0"),
        ("GRPC_SHARE_PORT", "maybe", "true or false"),
        ("RATE_LIMIT_KEYS", "-1", "a whole number from 0 to 1000000, or off"),
        ("RATE_LIMIT_ANONYMOUS", "many", "a whole number from 0 to 1000000, or off"),
        ("AUTH", "none", "off, on or off-on-every-address"),
        ("AUTH", "of", "off, on or off-on-every-address"),
        ("LOG_LEVEL", "loud", "debug, info, warning or error"),
    ],
)
def test_a_wrong_value(monkeypatch: pytest.MonkeyPatch, name: str, value: str, accepted: str):
    assert refusal(monkeypatch, **{name: value}) == f"{name} {value!r}: give {accepted}"


def test_every_number_and_choice_has_a_sentence(monkeypatch: pytest.MonkeyPatch):
    kinds = {name: field.annotation for name, field in Settings.model_fields.items()}
    checked = [name.upper() for name, kind in kinds.items() if kind in (int, float, bool) or get_origin(kind)]
    names = [name for name in checked if type(None) not in get_args(kinds[name.lower()])]
    assert len(names) > 25
    said = refusal(monkeypatch, **dict.fromkeys(names, "nonsense")).split("; ")
    assert [sentence.split()[0] for sentence in said] == names
    assert all(re.fullmatch(r"[A-Z_]+ 'nonsense': give .+", sentence) for sentence in said)
    assert not any(LIBRARY_WORDS.search(sentence) for sentence in said)


def test_no_limit_is_zero_or_off(monkeypatch: pytest.MonkeyPatch):
    for value in ("0", "off", "OFF"):
        monkeypatch.setenv("RATE_LIMIT_KEYS", value)
        assert load_settings().rate_limit_keys == 0


def test_proxies_are_addresses_and_networks(monkeypatch: pytest.MonkeyPatch):
    said = refusal(monkeypatch, TRUSTED_PROXIES="10.0.0.1, proxy.internal")
    assert said == (
        "TRUSTED_PROXIES 'proxy.internal': give addresses or networks, such as 10.0.0.0/8, separated by commas"
    )
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8, ::1")
    assert [str(network) for network in load_settings().proxy_networks] == ["10.0.0.0/8", "::1/128"]


def test_relations_are_sentences_too(monkeypatch: pytest.MonkeyPatch):
    assert refusal(monkeypatch, ENGINE_RENEW_SECONDS="9") == (
        "ENGINE_RENEW_SECONDS (9) must be at most a third of ENGINE_LEASE_SECONDS (10)"
    )


def test_a_long_value_is_cut(monkeypatch: pytest.MonkeyPatch):
    assert len(refusal(monkeypatch, GRPC_PORT="9" * 10_000)) < 200


@pytest.mark.parametrize(
    ("given", "form"),
    [
        ((int,), "a whole number"),
        ((float, 0), "a number, 0 or more"),
        ((int, None, 9), "a whole number, at most 9"),
        ((int, 1, 1_048_576), "a whole number from 1 to 1048576"),
        ((float, None, 60, 0), "a number above 0, at most 60"),
    ],
)
def test_forms_of_numbers(given: tuple, form: str):
    assert number_form(*given) == form


def test_forms_of_choices():
    assert [choice_form(choices) for choices in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a or b", "a, b or c"]


@pytest.mark.parametrize(
    "values",
    [
        {"JWT_ISSUER": "https://id.example"},
        {"JWT_ISSUER": "https://id.example", "JWT_AUDIENCE": "workflow"},
        {"JWT_ISSUER": "https://id.example", "JWT_SECRET": "x" * 32},
        {"JWT_AUDIENCE": "workflow", "JWT_SECRET": "x" * 32},
        {"JWT_ISSUER": "i", "JWT_AUDIENCE": "a", "JWT_SECRET": "x" * 32, "JWT_PUBLIC_KEY": "key.pem"},
    ],
)
def test_tokens_need_an_issuer_an_audience_and_one_kind_of_key(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]):
    assert refusal(monkeypatch, **values) == (
        "to accept tokens, set JWT_ISSUER, JWT_AUDIENCE and one of JWT_JWKS_URL, JWT_PUBLIC_KEY and JWT_SECRET"
    )


def test_a_secret_is_not_in_the_text_of_the_settings(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("JWT_ISSUER", "i")
    monkeypatch.setenv("JWT_AUDIENCE", "a")
    monkeypatch.setenv("JWT_SECRET", "hidden" * 6)
    assert "hidden" not in repr(load_settings())


@pytest.mark.parametrize("origins", ["*", "https://ui.example.com, *"])
def test_not_every_page_can_be_let_in(monkeypatch: pytest.MonkeyPatch, origins: str):
    assert refusal(monkeypatch, CORS_ORIGINS=origins) == (
        "CORS_ORIGINS '*': callers send credentials, so the pages of every site cannot be let in; name the origins of "
        "those that may"
    )


def test_no_page_of_another_site_is_let_in_unless_it_is_named():
    assert Settings(_env_file=None).shared_origins == frozenset()
