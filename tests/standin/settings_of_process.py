"""The stand-in as a process of its own, whose service a test names in its environment."""

import os

from standin.settings import *  # noqa: F403 - the same settings but two

INTEGRA_DEMO = True
INTEGRA_SERVICE_URL = os.environ["STANDIN_SERVICE_URL"]
