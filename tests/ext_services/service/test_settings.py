"""A missing or wrong setting stops the start; names at rest open only in their place."""

import base64
import json
import os
import subprocess
import sys

import pytest

from integra_service.lib import encryption
from integra_service.lib.strictjson import JsonError, parse_json

KEY = base64.b64encode(bytes(range(32))).decode()
GOOD = {
    "INTEGRA_HOME": "/nonexistent",
    "INTEGRA_ISSUER_URL": "https://certificados.example.org",
    "INTEGRA_ISSUER_NAME": "Municipio de Prueba",
    "INTEGRA_SECRET_KEY": "x" * 50,
    "INTEGRA_NAME_KEY": KEY,
    "INTEGRA_DATA_CONTROLLER": "Municipio de Prueba, datos@municipio.example",
}


def start(
    *,
    code="import integra_service.settings as s; print(s.SESSION_COOKIE_SECURE, s.SESSION_COOKIE_NAME)",
    **changes,
):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("INTEGRA_")}
    environment |= {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_production_starts_with_its_values_and_secure_cookies():
    result = start()
    assert (result.returncode, result.stdout) == (0, "True __Host-integra_session\n"), result.stderr


@pytest.mark.parametrize(
    ("value", "networks"),
    [
        (None, "()"),
        ("10.0.0.1, 10.1.0.0/16,2001:db8::/32", "('10.0.0.1/32', '10.1.0.0/16', '2001:db8::/32')"),
    ],
)
def test_trusted_proxies_are_addresses_and_networks(value, networks):
    code = "import integra_service.settings as s; print(tuple(map(str, s.INTEGRA_TRUSTED_PROXIES)))"
    assert start(code=code, INTEGRA_TRUSTED_PROXIES=value).stdout == f"{networks}\n"


@pytest.mark.parametrize(
    "value", ["proxy.example", "10.0.0.1/8", "0.0.0.0/0", "::/0", "*", "1", "10.0.0.1 10.0.0.2"]
)
def test_trusted_proxies_that_are_none_or_everybody_stop_the_start(value):
    result = start(INTEGRA_TRUSTED_PROXIES=value)
    assert result.returncode != 0
    assert "INTEGRA_TRUSTED_PROXIES" in result.stderr


OIDC = {
    "INTEGRA_OIDC_ISSUER": "https://id.example.org/realms/integra",
    "INTEGRA_OIDC_CLIENT_ID": "consola",
    "INTEGRA_OIDC_CLIENT_SECRET": "secret",
}
LMS = {
    **OIDC,
    "INTEGRA_OIDC_KIND": "openedx",
    "INTEGRA_OIDC_AUDIENCE": "openedx",
    "INTEGRA_OIDC_KEYS": "KEYS",
}
PUBLIC_KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}


def keys_file(folder, *keys, text=None):
    path = folder / "keys.json"
    path.write_text(json.dumps({"keys": keys}) if text is None else text)
    return str(path)


def test_a_provider_of_identities_is_read_and_absent_without_its_settings(tmp_path):
    code = "import integra_service.settings as s; p = s.INTEGRA_OIDC; print(p and (p.kind.value, p.audience, p.name))"
    lms = {**LMS, "INTEGRA_OIDC_KEYS": keys_file(tmp_path, PUBLIC_KEY), "INTEGRA_OIDC_NAME": "Aula"}
    for changes, said in (
        ({}, "None"),
        (OIDC, "('oidc', 'consola', 'id.example.org')"),
        (lms, "('openedx', 'openedx', 'Aula')"),
    ):
        result = start(code=code, **changes)
        assert (result.returncode, result.stdout.strip()) == (0, said), result.stderr


@pytest.mark.parametrize(
    "changes",
    [
        {"INTEGRA_OIDC_ISSUER": None},
        {"INTEGRA_OIDC_ISSUER": "http://id.example.org"},
        {"INTEGRA_OIDC_ISSUER": "https://user:password@id.example.org"},
        {"INTEGRA_OIDC_ISSUER": "https://id.example.org?realm=1"},
        {"INTEGRA_OIDC_ISSUER": "id.example.org"},
        {"INTEGRA_OIDC_KIND": "saml"},
        {"INTEGRA_OIDC_CLIENT_ID": None},
        {"INTEGRA_OIDC_CLIENT_SECRET": None},
        {"INTEGRA_OIDC_AUDIENCE": None},
        {"INTEGRA_OIDC_KEYS": None},
        {"INTEGRA_OIDC_KEYS": "/there/is/no/such/file"},
    ],
)
def test_half_a_provider_stops_the_start(tmp_path, changes):
    good = {**LMS, "INTEGRA_OIDC_KEYS": keys_file(tmp_path, PUBLIC_KEY)}
    assert start(**good).returncode == 0
    result = start(**{**good, **changes})
    assert result.returncode != 0
    assert "INTEGRA_OIDC_" in result.stderr


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [{"kty": "oct", "k": "c2VjcmV0"}],
        [{**PUBLIC_KEY, "d": "private"}],
        [PUBLIC_KEY, {"kty": "oct", "k": "c2VjcmV0"}],
        ["text"],
        [{"x": "no kind"}],
    ],
)
def test_keys_of_a_provider_are_public_or_stop_the_start(tmp_path, keys):
    result = start(**{**LMS, "INTEGRA_OIDC_KEYS": keys_file(tmp_path, *keys)})
    assert result.returncode != 0
    assert "INTEGRA_OIDC_KEYS" in result.stderr


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"keys": 1}', "keys"])
def test_a_file_that_is_no_key_set_stops_the_start(tmp_path, text):
    result = start(**{**LMS, "INTEGRA_OIDC_KEYS": keys_file(tmp_path, text=text)})
    assert result.returncode != 0
    assert "INTEGRA_OIDC_KEYS" in result.stderr


@pytest.mark.parametrize(
    "changes",
    [
        {"INTEGRA_SECRET_KEY": None},
        {"INTEGRA_SECRET_KEY": "short"},
        {"INTEGRA_ACHIEVEMENTS": "/there/is/no/such/folder"},
        {"INTEGRA_NAME_KEY": None},
        {"INTEGRA_NAME_KEY": "c2hvcnQ="},
        {"INTEGRA_NAME_KEY": "no base64 at all"},
        {"INTEGRA_ISSUER_URL": None},
        {"INTEGRA_ISSUER_URL": "http://certificados.example.org"},
        {"INTEGRA_ISSUER_URL": "https://192.0.2.1"},
        {"INTEGRA_ISSUER_URL": "https://example.org/issuer"},
        {"INTEGRA_ISSUER_URL": "https://Example.org"},
        {"INTEGRA_ISSUER_NAME": None},
        {"INTEGRA_HOME": None},
        {"INTEGRA_DATA_CONTROLLER": None},
        {"INTEGRA_DEMO": "yes"},
        {"INTEGRA_DATABASE_URL": "oracle://x"},
    ],
)
def test_a_wrong_value_stops_the_start(changes):
    result = start(**changes)
    assert result.returncode != 0
    assert "ImproperlyConfigured" in result.stderr
    assert next(iter(changes)) in result.stderr


def test_the_demonstration_may_speak_http_to_localhost():
    result = start(
        INTEGRA_DEMO="1",
        INTEGRA_ISSUER_URL="http://localhost:8001",
        INTEGRA_ISSUER_NAME=None,
        INTEGRA_DATA_CONTROLLER=None,
    )
    assert (result.returncode, result.stdout) == (0, "False integra_session\n"), result.stderr


def test_what_is_encrypted_opens_only_in_its_place(settings):
    token = encryption.encrypt_text("Ana Ñáñez", context="a")
    assert "Ana" not in token
    assert encryption.decrypt_text(token, context="a") == "Ana Ñáñez"
    assert encryption.encrypt_text("Ana Ñáñez", context="a") != token
    flipped = token[:-10] + ("A" if token[-10] != "A" else "B") + token[-9:]
    for wrong, context in ((token, "b"), (flipped, "a"), ("", "a"), ("1.x.y", "a"), ("2" + token[1:], "a")):
        with pytest.raises(encryption.DecryptionError):
            encryption.decrypt_text(wrong, context=context)


def test_keys_change_by_overlap(settings):
    old, new = bytes(32), bytes([1] * 32)
    settings.INTEGRA_NAME_KEYS = (old,)
    token, index = encryption.encrypt_text("Ana", context="a"), encryption.blind_index("ana", context="a")
    settings.INTEGRA_NAME_KEYS = (new, old)
    assert encryption.decrypt_text(token, context="a") == "Ana"
    assert index in encryption.blind_indexes("ana", context="a")
    assert encryption.blind_index("ana", context="a") != index
    settings.INTEGRA_NAME_KEYS = (new,)
    with pytest.raises(encryption.DecryptionError):
        encryption.decrypt_text(token, context="a")


def test_brackets_inside_a_string_are_no_depth():
    assert parse_json(b'{"a": "' + b"[" * 1000 + b'"}') == {"a": "[" * 1000}
    assert parse_json(b'{"a": "\\"' + b"[" * 1000 + b'"}') == {"a": '"' + "[" * 1000}
    with pytest.raises(JsonError):
        parse_json(b"[" * 33 + b"]" * 33)
    assert parse_json(b"[" * 32 + b"]" * 32)


def test_brackets_inside_texts_are_no_nesting():
    body = b'{"a":"' + b"[" * 100 + rb"\"" + b"{" * 100 + b'"}'
    assert parse_json(body) == {"a": "[" * 100 + '"' + "{" * 100}


@pytest.mark.parametrize("body", [b'"' + rb"\"" * 500_000, b'"' * 500_001, b'["' + b"\\" * 500_000])
def test_an_unfinished_text_costs_one_reading(body):
    """Not one per quote in it: that would be hours."""
    with pytest.raises(JsonError) as refused:
        parse_json(body)
    assert refused.value.code == "not_json"


@pytest.mark.parametrize("name", ["INTEGRA_INBOX_MAX_WAITING", "INTEGRA_SOURCE_EVENTS_PER_MINUTE"])
@pytest.mark.parametrize("text", ["0", "-1", "1e9", "many", "99999999999"])
def test_a_bound_is_a_whole_number(name, text):
    assert start(**{name: text}).returncode != 0
