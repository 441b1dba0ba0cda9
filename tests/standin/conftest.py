"""A small course with a block that looks at everything the runtime gives it."""

from importlib.metadata import EntryPoint

import pytest
from django.contrib.auth import get_user_model
from xblock.core import XBlock

from standin.world import Standin

OLX = """
<course org="INTEGRA" course="CAP40" url_name="2026" graded="true">
  <chapter url_name="m06">
    <sequential url_name="s1" format="Cierre">
      <vertical url_name="v1">
        <html url_name="h1"><p/></html>
        <probe url_name="p1" display_name="Uno" limit="3"/>
        <scored url_name="e1"/>
      </vertical>
    </sequential>
    <sequential url_name="oculta" visible_to_staff_only="true">
      <vertical url_name="v2"><probe url_name="p2"/></vertical>
    </sequential>
  </chapter>
</course>
"""


PROBES = {
    "probe": "ProbeBlock",
    "scored": "ScoredBlock",
    "plainscored": "PlainScoredBlock",
    "needslearner": "NeedsLearnerBlock",
}


@pytest.fixture(autouse=True)
def probes(monkeypatch):
    points = [(name, EntryPoint(name, f"standin.probe:{cls}", "xblock.v1")) for name, cls in PROBES.items()]
    monkeypatch.setattr(XBlock, "extra_entry_points", points)


@pytest.fixture
def world(db):
    return Standin(OLX)


@pytest.fixture
def people(db):
    make = get_user_model().objects.create_user
    return {name: make(name, f"{name}@example.org") for name in ("ana", "beto", "staff", "autora")}
