"""Takes the bridge's settings out of the platform's YAML, where a Tutor patch has not set them already."""

from __future__ import annotations

from typing import Any

from integra_bridge.conf import NAMES


def plugin_settings(settings: Any) -> None:
    """Called by the platform with its settings module, after the YAML was read."""
    tokens = getattr(settings, "ENV_TOKENS", {})
    for name in NAMES:
        if not hasattr(settings, name) and name in tokens:
            setattr(settings, name, tokens[name])
