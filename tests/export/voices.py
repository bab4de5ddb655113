"""A Piper voice's package, made once per test run."""

from __future__ import annotations

from pathlib import Path


def voice_package(voice: Path, out: Path) -> Path:
    """Exports the voice in fp32 without measuring it; a few seconds."""
    from export import catalog, package
    from export.produce import Producer

    spec = catalog.voice_spec(voice)
    result = Producer(spec, voice.parent, "cpu", lambda text: None, measure=False).run("fp32")
    return package.write(result, {"name": voice.name}, out, catalog.extra_of(spec, voice.parent))
