"""Addresses as people write them, and keys that stay secret."""

from __future__ import annotations

import sys
import types

import pytest

from rpchat.engine.remote.keys import Secret, find_key
from rpchat.engine.remote.settings import address_of
from rpchat.errors import EngineError, ModelError


@pytest.mark.parametrize(
    ("written", "root"),
    [
        ("localhost:8080", "http://localhost:8080"),
        (" http://127.0.0.1:8080/ ", "http://127.0.0.1:8080"),
        ("https://host.example/v1", "https://host.example"),
        ("https://host.example/v1/completions", "https://host.example"),
        ("http://host/completion", "http://host"),
        ("https://host.example/api/v1/", "https://host.example/api"),
        ("http://[::1]:9000", "http://[::1]:9000"),
    ],
)
def test_an_address_is_read_as_people_write_it(written: str, root: str) -> None:
    assert address_of(written).root == root


@pytest.mark.parametrize("written", ["", "http://", "ftp://host", "file:///etc/passwd", "http://ho st", "http://h:x"])
def test_what_is_no_address_is_told(written: str) -> None:
    with pytest.raises(ModelError, match="no address"):
        address_of(written)


def test_an_address_with_a_password_is_refused_without_repeating_it() -> None:
    with pytest.raises(ModelError) as caught:
        address_of("https://me:hunter2@host/v1")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("written", "local", "private"),
    [
        ("http://127.0.0.9:1", True, True),
        ("http://localhost", True, True),
        ("http://[::1]", True, True),
        ("http://10.0.0.1", False, False),
        ("https://host.example", False, True),
        ("http://127.0.0.1.example", False, False),
    ],
)
def test_it_is_known_who_can_read_on_the_way(written: str, local: bool, private: bool) -> None:
    address = address_of(written)
    assert (address.is_local, address.is_private) == (local, private)


def test_a_secret_shows_itself_only_when_asked() -> None:
    secret = Secret("sk-hidden")
    shown = f"{secret} {secret!r} {[secret]}"
    assert "hidden" not in shown
    assert secret.reveal() == "sk-hidden"
    assert secret.hidden_in("you sent sk-hidden") == "you sent …"
    assert (bool(secret), bool(Secret(""))) == (True, False)


def test_the_key_comes_from_the_variable_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", " sk-mine\n")
    monkeypatch.setenv("RPCHAT_API_KEY", "sk-other")
    assert find_key("MY_KEY", address_of("http://host")).reveal() == "sk-mine"


def test_a_key_that_no_header_can_carry_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-日本")
    with pytest.raises(EngineError, match="MY_KEY") as caught:
        find_key("MY_KEY", address_of("http://host"))
    assert "sk-" not in str(caught.value)


def test_a_keyring_is_asked_for_the_host_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RPCHAT_API_KEY", raising=False)
    keyring, errors = types.ModuleType("keyring"), types.ModuleType("keyring.errors")
    kept = {("rpchat", "host:8080"): "sk-ring"}
    vars(keyring).update(get_password=lambda service, name: kept.get((service, name)), __spec__=object())
    vars(errors).update(KeyringError=OSError)
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)
    assert find_key("RPCHAT_API_KEY", address_of("http://host:8080")).reveal() == "sk-ring"
    assert not find_key("RPCHAT_API_KEY", address_of("http://host:9090"))
