"""Stand-in of the edx-platform module of the same name."""
