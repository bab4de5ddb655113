"""Files that are made once from what was fetched, and kept in the cache folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from assistant.errors import ModelError


@contextmanager
def keeping(what: str, folder: Path, size: int) -> Iterator[None]:
    """Around the work that writes such files: when that fails, the ModelError says what to do.

    what: is kept, "speech model"; size: bytes that it needs.
    """
    try:
        yield
    except OSError as error:
        raise ModelError(
            f"cannot keep the prepared {what} in {folder} ({error.strerror or error}): make that folder writable with "
            f"{-(-size // 10**6)} MB free, or name another cache folder in XDG_CACHE_HOME"
        ) from error


def write_once(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Writes a file so that a power cut leaves the old one or the new one, never a part."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        keep_names(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def keep_names(folder: Path) -> None:
    """Makes what was renamed in a folder outlast a power cut."""
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
