"""Plugin settings; the bridge itself reads them in ``integra_bridge.conf`` alone."""
