"""The camera through OpenCV: USB (V4L2), Jetson's CSI connector (nvarguscamerasrc), any GStreamer pipeline, or a video file.

Only the newest frame is kept: a thread reads as fast as the camera delivers and throws older frames away, so what is looked at is
the present. The camera is opened when somebody wants to look (`prepare`, `latest`) and let go when nobody has for a while. While
the privacy switch says off it is not open, and nothing is returned; frames never leave memory.
"""

from __future__ import annotations

import importlib.util
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant.errors import DeviceError

log = logging.getLogger(__name__)

STALE_SECONDS = 1.0
"""An older frame is not the present any more: the camera is stuck or gone."""

RETRY_SECONDS = 0.5
"""Between two attempts to open a camera that is missing."""

CLOSE_SECONDS = 1.0
NO_OPENCV = "the camera needs OpenCV: pip install 'edge-assistant[camera]'"


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture. pixels: uint8, (height, width, 3), RGB, owned by the receiver; at: time.monotonic() seconds of its arrival."""

    pixels: npt.NDArray[np.uint8]
    at: float


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """Which camera, and how.

    Attributes:
        source: "0" or /dev/video0 (V4L2), "csi" or "csi:1" (Jetson), a GStreamer pipeline (has a "!"), or a video file, which is
            played in a loop at its own speed.
        width, height: what to ask the camera for, pixels; it may answer with another size.
        fps: what to ask the camera for.
        idle_seconds: let go of the camera when nobody has looked for this long.
    """

    source: str
    width: int = 1280
    height: int = 720
    fps: int = 30
    idle_seconds: float = 10.0


def gstreamer_pipeline(settings: CameraSettings) -> str:
    """The GStreamer pipeline of a source "csi", "csi:N" or "... ! ...": raw BGR frames into an appsink that keeps one.

    NVIDIA's accelerated-GStreamer guide: nvarguscamerasrc delivers NVMM memory, nvvidconv brings it to the CPU as BGRx.
    """
    if "!" in settings.source:
        return settings.source
    _, _, sensor = settings.source.partition(":")
    size = f"width={settings.width}, height={settings.height}"
    return (
        f"nvarguscamerasrc sensor-id={int(sensor or 0)} ! video/x-raw(memory:NVMM), {size}, framerate={settings.fps}/1 ! "
        f"nvvidconv ! video/x-raw, {size}, format=BGRx ! videoconvert ! video/x-raw, format=BGR ! "
        "appsink drop=true max-buffers=1 sync=false"
    )


def _opencv() -> ModuleType:
    try:
        import cv2
    except ModuleNotFoundError as error:
        raise DeviceError(NO_OPENCV) from error
    return cv2


def open_capture(settings: CameraSettings) -> Any:
    """An open cv2.VideoCapture. Blocks for as long as the camera takes. Raises DeviceError that says what to do."""
    cv2 = _opencv()
    source = settings.source
    if "!" in source or source.split(":")[0] == "csi":
        capture = cv2.VideoCapture(gstreamer_pipeline(settings), cv2.CAP_GSTREAMER)
        advice = "this OpenCV must be built with GStreamer (JetPack's is, PyPI's is not)"
    elif source.isdecimal() or source.startswith("/dev/video"):
        number = int(source) if source.isdecimal() else int(source.removeprefix("/dev/video"))
        capture = cv2.VideoCapture(number, cv2.CAP_V4L2)
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, settings.width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, settings.height)
        capture.set(cv2.CAP_PROP_FPS, settings.fps)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        advice = "is it plugged in, free, and are you in the group `video`?"
    elif Path(source).expanduser().is_file():
        capture = cv2.VideoCapture(str(Path(source).expanduser()))
        advice = "OpenCV cannot read this file"
    else:
        raise DeviceError(f"no camera {source!r}: camera.source takes 0, /dev/video0, csi, a GStreamer pipeline or a video file")
    if not capture.isOpened():
        capture.release()
        raise DeviceError(f"cannot open the camera {source!r}: {advice}")
    return capture


class LatestCamera:
    """A camera that returns its newest frame at once.

    Args:
        settings: which camera.
        off: is the privacy switch off? Asked before every frame.
        opened: told True when the camera has been opened and False when it has been let go, from the camera's thread.

    Raises:
        DeviceError: OpenCV is not installed.
    """

    def __init__(self, settings: CameraSettings, off: Callable[[], bool], opened: Callable[[bool], None]) -> None:
        if importlib.util.find_spec("cv2") is None:
            raise DeviceError(NO_OPENCV)
        self._settings, self._off, self._opened = settings, off, opened
        self._lock = threading.Lock()
        self._frame: tuple[npt.NDArray[np.uint8], float] | None = None  # BGR, monotonic seconds
        self._wanted_until = 0.0
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self.trouble = ""
        """Why there is no picture, in one line; "" while the camera works or rests."""
        self.is_open = False

    def prepare(self) -> None:
        """Somebody will look soon: open the camera. Returns at once."""
        if self._off() or self._closing.is_set():
            return
        with self._lock:
            self._wanted_until = time.monotonic() + self._settings.idle_seconds
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="camera", daemon=True)
                self._thread.start()

    def latest(self) -> Frame | None:
        """The newest frame, if there is one that is the present; opens the camera for the next time. Returns at once."""
        self.prepare()
        with self._lock:
            kept = self._frame
        if kept is None or self._off() or time.monotonic() - kept[1] > STALE_SECONDS:
            return None
        return Frame(np.ascontiguousarray(kept[0][:, :, ::-1]), kept[1])  # BGR -> RGB

    def close(self) -> None:
        """Let go of the camera."""
        self._closing.set()
        thread = self._thread
        if thread is not None:
            thread.join(CLOSE_SECONDS)

    def _needed(self) -> bool:
        """Go on reading? Ends the thread's turn under the lock, so that `prepare` never trusts a thread that is leaving."""
        with self._lock:
            needed = not self._closing.is_set() and not self._off() and time.monotonic() < self._wanted_until
            if not needed:
                self._thread, self._frame = None, None
            return needed

    def _work(self) -> None:
        while self._needed():
            try:
                capture = open_capture(self._settings)
            except DeviceError as error:
                if str(error) != self.trouble:
                    log.warning("%s", error)
                self.trouble = str(error)
                self._closing.wait(RETRY_SECONDS)
                continue
            self.is_open, self.trouble = True, ""
            self._opened(True)
            try:
                needed = self._read(capture)
            finally:
                capture.release()
                self.is_open = False
                self._opened(False)
            if not needed:
                return

    def _read(self, capture: Any) -> bool:
        """Keep the newest frame until nobody looks (False) or the camera fails (True: open it anew)."""
        pause = _file_pause(self._settings, capture)
        while self._needed():
            good, pixels = capture.read()
            if not good and pause and capture.set(0, 0):  # a file's end: property 0 is the position; from the start again
                good, pixels = capture.read()
            if not good:
                self.trouble = f"the camera {self._settings.source!r} delivers no picture: was it unplugged?"
                with self._lock:
                    self._frame = None
                self._closing.wait(RETRY_SECONDS)
                return True
            with self._lock:
                self._frame = (pixels, time.monotonic())
            if pause:
                self._closing.wait(pause)
        return False


def _file_pause(settings: CameraSettings, capture: Any) -> float:
    """Seconds between two frames of a file; 0 for a real camera, which sets the pace itself."""
    if not Path(settings.source).expanduser().is_file():
        return 0.0
    rate = capture.get(5)  # CAP_PROP_FPS
    return 1 / rate if rate and rate > 0 else 1 / settings.fps
