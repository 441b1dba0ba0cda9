"""The stand-in loads our apps the way the platform does."""

from django.apps import apps
from django.core import checks
from django.db import connection
from edx_django_utils.plugins import get_plugin_apps, get_plugin_url_patterns


def test_our_apps_are_found_through_their_entry_points():
    assert {"integra_gradebook", "integra_bridge", "completion"} <= {c.label for c in apps.get_app_configs()}


def test_no_system_check_complains(db):
    assert checks.run_checks(databases=["default"]) == []


def test_server_databases_run_read_committed_as_the_platform_does(db):
    if connection.vendor == "mysql":
        with connection.cursor() as cursor:
            variable = "tx_isolation" if connection.mysql_is_mariadb else "transaction_isolation"
            cursor.execute(f"SELECT @@{variable}")
            assert cursor.fetchone() == ("READ-COMMITTED",)
    elif connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SHOW transaction_isolation")
            assert cursor.fetchone() == ("read committed",)
    else:
        assert connection.vendor == "sqlite"


def test_studio_finds_the_models_but_no_addresses_of_ours():
    assert {"integra_gradebook.apps.GradebookConfig", "integra_bridge.apps.BridgeConfig"} <= set(
        get_plugin_apps("cms.djangoapp")
    )
    assert get_plugin_url_patterns("cms.djangoapp") == []
