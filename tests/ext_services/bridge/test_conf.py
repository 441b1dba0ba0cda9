"""Settings are read strictly: a wrong value is named, with what it must look like."""

import base64

import pytest

from integra_bridge import conf

SECRET = "whsec_" + base64.b64encode(b"x" * 24).decode()


def test_settings_of_the_lms_are_read(settings):
    read = conf.get_settings()

    assert (read.source, read.service_url, read.is_demo) == ("standin", "https://servicio.example.org", False)
    assert read.webhook_secret == b"standin-webhook-secret-0001"
    assert conf.list_problems() == []


def test_the_environment_serves_where_django_has_no_value(settings, monkeypatch):
    del settings.INTEGRA_SOURCE
    monkeypatch.setenv("INTEGRA_SOURCE", "aula")

    assert conf.get_settings().source == "aula"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("INTEGRA_SOURCE", "Quito"),
        ("INTEGRA_SOURCE", "-quito"),
        ("INTEGRA_SOURCE", "q" * 65),
        ("INTEGRA_SOURCE", "quito\n"),
        ("INTEGRA_SOURCE", 7),
        ("INTEGRA_SERVICE_URL", "http://servicio.example.org"),
        ("INTEGRA_SERVICE_URL", "ftp://servicio.example.org"),
        ("INTEGRA_SERVICE_URL", "https://user:pw@servicio.example.org"),
        ("INTEGRA_SERVICE_URL", "https://servicio.example.org/?a=1"),
        ("INTEGRA_SERVICE_URL", "https://servicio.example.org:0"),
        ("INTEGRA_SERVICE_URL", "https://servicio.example.org:x"),
        ("INTEGRA_SERVICE_URL", "https://[::1"),
        ("INTEGRA_SERVICE_URL", "servicio.example.org"),
        ("INTEGRA_WEBHOOK_SECRET", SECRET.removeprefix("whsec_")),
        ("INTEGRA_WEBHOOK_SECRET", "whsec_not base64!"),
        ("INTEGRA_WEBHOOK_SECRET", "whsec_" + base64.b64encode(b"x" * 23).decode()),
        ("INTEGRA_WEBHOOK_SECRET", "whsec_" + base64.b64encode(b"x" * 65).decode()),
        ("INTEGRA_HANDOVER_SECRET", "s" * 31),
        ("INTEGRA_PULL_SECRET", "s" * 31),
        ("INTEGRA_DEMO", "yes"),
    ],
)
def test_a_wrong_value_is_named(settings, name, value):
    setattr(settings, name, value)

    assert [problem.name for problem in conf.list_problems()] == [name]
    with pytest.raises(conf.BridgeSettingsError, match=name):
        conf.get_settings()


@pytest.mark.parametrize("name", conf.NAMES)
def test_a_missing_value_is_named(settings, name):
    delattr(settings, name)

    assert [str(problem) for problem in conf.list_problems()] == [f"{name} is not set."]


def test_plain_http_is_for_the_demonstration_only(settings):
    settings.INTEGRA_SERVICE_URL = "http://localhost:8001"
    settings.INTEGRA_DEMO = "1"

    assert conf.get_settings().service_url == "http://localhost:8001"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://A.example.org/x?y", "https://a.example.org"),
        ("https://a.example.org:443/", "https://a.example.org"),
        ("http://[::1]:8001/x", "http://[::1]:8001"),
    ],
)
def test_an_origin_is_scheme_host_and_port(url, origin):
    assert conf.origin_of(url) == origin


def test_production_settings_take_the_platforms_yaml_without_overruling_a_patch():
    from integra_bridge.settings.production import plugin_settings

    class Module:
        INTEGRA_SOURCE = "patch"
        ENV_TOKENS = {"INTEGRA_SOURCE": "yaml", "INTEGRA_SERVICE_URL": "https://x.example.org", "OTHER": 1}

    plugin_settings(Module)

    assert (Module.INTEGRA_SOURCE, Module.INTEGRA_SERVICE_URL) == ("patch", "https://x.example.org")
    assert not hasattr(Module, "OTHER")
