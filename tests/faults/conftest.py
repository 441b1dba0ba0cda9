"""A prepared pair of classroom and service for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults.world import ROOT, World, demo, free_port


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    places = demo.Places(home=tmp_path, port=free_port(), service_port=free_port())
    keys = demo.read_secrets(places)
    environment = demo.make_environment(places, keys)
    # Before whatever the caller's path is, so that the processes run the code the caller tests.
    paths = [str(ROOT / "tests" / "faults"), os.environ.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    demo.prepare(places, keys, environment)
    world = World(places, keys, environment)
    yield world
    for name in list(world.running):
        world.stop(name)
