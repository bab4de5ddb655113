"""The assistant without devices: a recording, a written question, a text to speak."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import anyio
import numpy as np

from assistant import app, events, factory
from assistant.audiofile import open_audio, write_wav
from assistant.config import Config, Folders
from assistant.engines import CAPTURE_RATE, Transcript
from assistant.errors import AssistantError
from assistant.events import Event, Samples
from assistant.home import load_home
from assistant.ports import Camera, Image
from assistant.replay import Replay
from assistant.turn import Turn, respond
from assistant.volume import SpeakingVolume


class StillCamera:
    """A camera that always sees the same picture."""

    def __init__(self, image: Image) -> None:
        self._image = image

    def latest(self) -> Image:
        """See Camera.latest."""
        return self._image


def still_camera(path: Path | None) -> Camera | None:
    """A camera that sees a picture file; None for no path. Raises DeviceError."""
    if path is None:
        return None
    from device.picture import read_picture

    pixels = read_picture(path)
    return StillCamera(Image(pixels=pixels, width=pixels.shape[1], height=pixels.shape[0]))


def recording(path: Path) -> Iterable[Samples]:
    """The sound of a file as pieces, 16 kHz mono. Raises AudioFileError, at once rather than in the middle of a turn."""
    return open_audio(path)


def listen(
    config: Config,
    folders: Folders,
    sound: Iterable[Samples],
    camera: Camera | None,
    observers: Sequence[app.Observer],
    *,
    realtime: bool = False,
) -> Replay:
    """Hear a recording to its end. Returns the replay, which holds what the loudspeaker played."""
    replay = Replay(sound, realtime=realtime)
    engines = app.load_engines(config, folders, sees=camera is not None)
    anyio.run(app.on_recording(engines, config, replay, camera, observers).replay)
    return replay


def write_replies(path: Path, replay: Replay) -> None:
    """What the loudspeaker played, aligned with the recording, as a WAV file."""
    write_wav(path, replay.replies(), CAPTURE_RATE)


async def ask(config: Config, folders: Folders, text: str, camera: Camera | None, publish: Callable[[Event], None] | None) -> str:
    """The reply to a written request."""
    tell = publish or (lambda event: None)
    home = load_home(app.home_file(config, folders))
    brain = app.make_brain(config, home, folders, SpeakingVolume(), sees=camera is not None)
    turn = Turn(1, 0.0)
    if (taken := turn.see(camera, 0.0)) is not None:
        tell(taken)
    reply = await respond(brain, text, turn, tell)
    tell(events.Replied(turn=1, at=0.0, text=reply.text, expects_answer=reply.expects_answer))
    return reply.text


def say(config: Config, folders: Folders, text: str, output: Path) -> None:
    """Speak a text into a WAV file. Raises AssistantError when the voice has no sound for it."""
    voice = factory.make_tts(config, factory.make_registry(folders))
    chunks = list(voice.synthesize(text))
    if not chunks:
        raise AssistantError(f"the voice {config.tts.engine} has no sounds for this text")
    write_wav(output, np.concatenate(chunks), voice.rate)


def transcribe(config: Config, folders: Folders, file: Path) -> Transcript:
    """What is said in a recording."""
    sound = open_audio(file)
    asr = factory.make_asr(config, factory.make_registry(folders), folders.cache)
    for piece in sound:
        asr.accept(piece)
    return asr.finish()
