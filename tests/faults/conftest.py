"""A prepared pair of classroom and service for each test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from faults.world import ROOT, World, demo, free_port


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> demo.Places:
    """Course, accounts and both databases, made once; the service's address is part of what is in them."""
    places = demo.Places(home=tmp_path_factory.mktemp("prepared"), port=free_port(), service_port=free_port())
    keys = demo.read_secrets(places)
    demo.prepare(places, keys, demo.make_environment(places, keys))
    return places


@pytest.fixture
def world(prepared: demo.Places, tmp_path: Path) -> Iterator[World]:
    places = replace(prepared, home=tmp_path / "home")
    shutil.copytree(prepared.home, places.home)
    keys = demo.read_secrets(places)
    environment = demo.make_environment(places, keys)
    # Before whatever the caller's path is, so that the processes run the code the caller tests.
    paths = [str(ROOT / "tests" / "faults"), os.environ.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    world = World(places, keys, environment)
    yield world
    for name in list(world.running):
        world.stop(name)
