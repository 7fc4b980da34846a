"""Launcher of a checkout: servers, environment and processes for development and tests.

Run as `.venv/bin/python -m svoykrug.dev --help`. It never imports Django, so that it starts fast
and can tell what is wrong even when the project itself cannot be imported.
"""
