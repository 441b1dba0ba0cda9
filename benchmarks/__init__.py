"""Our figures, printed: ``python -m benchmarks`` (``make bench``)."""
