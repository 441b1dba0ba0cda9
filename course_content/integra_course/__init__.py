"""Compiler and validator of the course: YAML and Markdown sources in, OLX and manifest out."""
