"""Environment of the service's settings for this folder's own pytest run:
``pytest tests/ext_services/service``. ``INTEGRA_DATABASE_URL`` picks a server database; absent: SQLite."""

import base64
import os
import tempfile

HOME = tempfile.mkdtemp(prefix="integra-service-test-")
os.environ["INTEGRA_DEMO"] = "1"
os.environ["INTEGRA_HOME"] = HOME
os.environ["INTEGRA_ISSUER_URL"] = "http://localhost:8001"
os.environ["INTEGRA_SECRET_KEY"] = "only-for-tests-" * 3
os.environ["INTEGRA_NAME_KEY"] = base64.urlsafe_b64encode(b"name-key-for-tests-only-32-bytes").decode()
os.environ["INTEGRA_ALLOWED_HOSTS"] = "localhost,testserver"
os.environ["DJANGO_SETTINGS_MODULE"] = "integra_service.settings"
