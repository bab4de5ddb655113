"""Graphs of ours whose weights are places inside a published file (ONNX external data): both must lie side by side."""

from __future__ import annotations

import hashlib
from pathlib import Path

from assistant.engines.prepared import keeping, write_once


def assembled(graph: Path, name: str, weights: bytes, cache: Path) -> Path:
    """The graph with its weights beside it, in a folder of the cache that is made once.

    graph: without weights; name: of the file with the weights, as the graph calls it. Raises ModelError when the cache cannot be
    written.
    """
    data = graph.read_bytes()
    home = cache / f"{graph.stem}-{hashlib.sha256(data + weights).hexdigest()[:16]}"
    with keeping("network", home, len(weights) + len(data)):
        for file, content in ((home / name, weights), (home / graph.name, data)):
            if not file.is_file() or file.stat().st_size != len(content):
                home.mkdir(parents=True, exist_ok=True)
                write_once(file, lambda sink, content=content: sink.write(content))  # type: ignore[misc]
    return home / graph.name
