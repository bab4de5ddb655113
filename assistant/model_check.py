"""Is a file on the disk the one the registry names? Hashes, and the record that saves hashing again.

A model's folder holds a RECORD of its files, their SHA-256, and their time of change when they were hashed. A file whose size and
time of change are still those is good; so a start need not read 75 MB to know that nothing changed.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from assistant.download import SourceFailed, sha256_of, sync
from assistant.model_entry import ModelFile, is_inside

RECORD = ".verified.json"

UNPACK_LIMIT = 4 << 30
"""Bytes an archive may unpack to, so that a wrong one cannot fill the disk."""


@dataclass(frozen=True, slots=True)
class FileCheck:
    """The state of one file of a model. reason: "" or what is wrong; hashed: False when the record vouched for it."""

    name: str
    ok: bool
    reason: str = ""
    hashed: bool = True


@dataclass(frozen=True, slots=True)
class Record:
    """What RECORD holds. changed: file name -> mtime in ns at the last check."""

    files: tuple[ModelFile, ...] = ()
    changed: dict[str, int] = field(default_factory=dict)


def read_record(home: Path) -> Record:
    """The record of a model's folder; an empty one when it is missing or unreadable (everything is then hashed again)."""
    try:
        data = json.loads((home / RECORD).read_text("utf-8"))
        files = tuple(ModelFile(item["name"], item["size"], item["sha256"]) for item in data)
        return Record(files, {item["name"]: item["mtime_ns"] for item in data})
    except (OSError, ValueError, KeyError, TypeError):
        return Record()


def write_record(home: Path, files: tuple[ModelFile, ...]) -> None:
    """Note that the files were hashed and are right. In a folder that is read-only it does nothing: they are hashed each time."""
    data = [{**asdict(file), "mtime_ns": (home / file.name).stat().st_mtime_ns} for file in files]
    try:
        write_atomically(home / RECORD, json.dumps(data, indent=1))
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise


def write_atomically(path: Path, text: str) -> None:
    """Write a small text file so that a reader sees the old or the new contents, never half."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(text.encode())
            sync(file)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def check_file(home: Path, file: ModelFile, record: Record | None) -> FileCheck:
    """Compare a file on the disk with what it must be. record: an unchanged file passes without hashing; None = hash."""
    try:
        status = (home / file.name).stat()
        if status.st_size != file.size:
            return FileCheck(file.name, False, f"{status.st_size} bytes, expected {file.size}")
        if record is not None and file in record.files and record.changed[file.name] == status.st_mtime_ns:
            return FileCheck(file.name, True, hashed=False)
        got = sha256_of(home / file.name)
    except OSError as error:
        return FileCheck(file.name, False, "missing" if error.errno == errno.ENOENT else str(error.strerror))
    return FileCheck(file.name, got == file.sha256, "" if got == file.sha256 else f"SHA-256 is {got}, expected {file.sha256}")


def hash_all(folder: Path) -> tuple[ModelFile, ...]:
    """Every file below a folder as it is now: what an unpinned model is held to from its first download on."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return tuple(ModelFile(path.relative_to(folder).as_posix(), path.stat().st_size, sha256_of(path)) for path in paths)


def unpack(archive: Path, folder: str, files: tuple[ModelFile, ...], target: Path) -> None:
    """Take `files` (or, when there are none, everything) below `folder` out of a ZIP. Raises SourceFailed("wrong")."""
    try:
        with zipfile.ZipFile(archive) as box:
            prefix = f"{folder}/"
            found = {info.filename.removeprefix(prefix): info for info in box.infolist() if info.filename.startswith(prefix)}
            found = {name: info for name, info in found.items() if name and not info.is_dir()}
            wanted = {file.name: file.size for file in files} or {name: info.file_size for name, info in found.items()}
            if not wanted or sum(wanted.values()) > UNPACK_LIMIT or not all(map(is_inside, wanted)):
                raise SourceFailed(f"{archive.name} holds no usable folder {folder}", "wrong")
            for name in wanted:
                _unpack_one(box, found[name], target / name)
    except (zipfile.BadZipFile, KeyError, EOFError, NotImplementedError, RuntimeError) as error:
        raise SourceFailed(f"{archive.name} is not the expected archive ({error})", "wrong") from error


def _unpack_one(box: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with box.open(info) as source, target.open("wb") as sink:
        shutil.copyfileobj(source, sink, 1 << 20)
        sync(sink)
