"""Folders of the exporter: the assistant's own, from its settings."""

from __future__ import annotations

from pathlib import Path

from assistant.config import folders
from assistant.engines.whisper_weights import GRAPHS
from assistant.registry import Registry

__all__ = ["GRAPHS", "cache_folder", "registry"]


def cache_folder() -> Path:
    """The assistant's cache, which holds Whisper's prepared graphs."""
    found: Path = folders().cache
    found.mkdir(parents=True, exist_ok=True)
    return found


def registry() -> Registry:
    """The user's models."""
    return Registry(folders().data / "models")
