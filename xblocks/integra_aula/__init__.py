"""The embedded classroom: xblock-sdk's workbench runtime inside a small Django project. It only renders."""
