"""The edges of the pipeline as Protocols: what it needs of a microphone, a loudspeaker, a camera and a mind, and no more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from assistant.events import AudioChunk, Samples


class Microphone(Protocol):
    """Where sound comes from: a device, a file, a test."""

    dropped_seconds: float
    """Sound lost so far because it was not read in time."""

    async def read(self) -> AudioChunk | None:
        """The next piece of sound, 16 kHz mono; None when there will be no more. Raises DeviceError."""
        ...


class Speaker(Protocol):
    """Where replies go."""

    async def play(self, samples: Samples, rate: int) -> None:
        """Queue sound; waits while more than about 0.3 s is queued. Raises DeviceError."""
        ...

    async def drain(self) -> None:
        """Wait until the last queued sample has been heard."""
        ...

    def flush(self) -> None:
        """Silence, now: throws away what is queued. Returns at once; called from the event loop."""
        ...


@dataclass(frozen=True, slots=True)
class Image:
    """One camera picture. pixels: uint8, (height, width, 3), RGB."""

    pixels: object
    width: int
    height: int


class Camera(Protocol):
    """Where pictures come from."""

    def latest(self) -> Image | None:
        """The newest frame; None when there is none (no camera, privacy switch on)."""
        ...


@dataclass(frozen=True, slots=True)
class Edges:
    """Where the pipeline meets the world.

    camera: None = no eyes; echo_free: the microphone does not hear the loudspeaker, so people can speak into a reply.
    """

    microphone: Microphone
    speaker: Speaker
    camera: Camera | None = None
    echo_free: bool = False
