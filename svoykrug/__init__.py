"""Wiring of the project: settings, routes, who hears what. No domain code."""

from svoykrug.celery import app as celery_app

__all__ = ["celery_app"]
