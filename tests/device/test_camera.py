"""The camera on a real video file, made by OpenCV: newest frame, privacy switch, idle, loss and return."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import DeviceError
from assistant.switches import DeviceCamera
from device.camera import CameraSettings, LatestCamera, gstreamer_pipeline, open_capture

cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed (extra: camera)")
FPS, FRAMES, WIDTH, HEIGHT = 25, 50, 160, 120


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds in which the brightness of red rises from 0 to 245: a frame tells its time."""
    path = tmp_path_factory.mktemp("video") / "red.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), FPS, (WIDTH, HEIGHT))
    for number in range(FRAMES):
        picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        picture[:, :, 2] = number * 5  # BGR: red is last
        writer.write(picture)
    writer.release()
    return path


def until(true: Callable[[], object], seconds: float = 5.0) -> float:
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, "it did not happen"
        time.sleep(0.01)
    return time.monotonic() - began


class Switch:
    off = False
    opened: list[bool]

    def __init__(self) -> None:
        self.opened = []

    def camera(self, source: Path | str, idle_seconds: float = 30.0) -> LatestCamera:
        return LatestCamera(CameraSettings(str(source), idle_seconds=idle_seconds), lambda: self.off, self.opened.append)


def test_it_opens_when_needed_and_gives_the_newest_frame_in_rgb(video: Path) -> None:
    switch = Switch()
    camera = switch.camera(video)
    assert not camera.is_open and switch.opened == [], "nobody has looked yet"
    eyes = DeviceCamera(camera)
    assert eyes.latest() is None, "the first look opens it and does not wait"
    until(lambda: eyes.latest() is not None)
    first = eyes.latest()
    time.sleep(0.6)
    later = eyes.latest()
    assert first is not None and later is not None
    pixels = np.asarray(later.pixels)
    assert pixels.shape == (HEIGHT, WIDTH, 3) and pixels.dtype == np.uint8 and (later.width, later.height) == (WIDTH, HEIGHT)
    assert pixels[:, :, 0].mean() > pixels[:, :, 2].mean() + 20, "red must be first"
    moved = (pixels[:, :, 0].mean() - np.asarray(first.pixels)[:, :, 0].mean()) / 5 / FPS
    assert 0.3 < moved % 2 < 1.2, f"the frame is {moved:.2f} s later than the one of 0.6 s ago"
    camera.close()
    assert switch.opened == [True, False]


def test_the_privacy_switch_closes_it_at_once_and_nothing_is_seen(video: Path) -> None:
    switch = Switch()
    camera = switch.camera(video)
    until(camera.latest)
    switch.off = True
    assert camera.latest() is None
    until(lambda: not camera.is_open, 0.5)
    for _ in range(5):
        assert camera.latest() is None
        time.sleep(0.02)
    assert switch.opened == [True, False], "it was opened behind the switch"
    switch.off = False
    until(camera.latest)
    camera.close()


def test_it_is_let_go_when_nobody_looks(video: Path) -> None:
    switch = Switch()
    camera = switch.camera(video, idle_seconds=0.3)
    until(camera.latest)
    until(lambda: not camera.is_open, 2.0)
    assert camera._frame is None, "an old picture was kept"
    until(camera.latest)
    camera.close()


def test_a_camera_that_comes_later_is_found(video: Path, tmp_path: Path) -> None:
    source = tmp_path / "camera.avi"
    switch = Switch()
    camera = switch.camera(source)
    assert camera.latest() is None
    until(lambda: camera.trouble)
    assert "no camera" in camera.trouble
    source.write_bytes(video.read_bytes())
    until(camera.latest)
    assert camera.trouble == ""
    camera.close()


def test_a_missing_or_unreadable_camera_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="video"):
        open_capture(CameraSettings("/dev/video77"))
    text = tmp_path / "text.avi"
    text.write_text("no film")
    with pytest.raises(DeviceError, match="cannot open"):
        open_capture(CameraSettings(str(text)))
    with pytest.raises(DeviceError, match="source takes"):
        open_capture(CameraSettings("webcam"))


def test_the_csi_camera_of_a_jetson() -> None:
    pipeline = gstreamer_pipeline(CameraSettings("csi:1", width=1920, height=1080, fps=15))
    assert pipeline.startswith("nvarguscamerasrc sensor-id=1 ! video/x-raw(memory:NVMM), width=1920, height=1080, framerate=15/1")
    assert pipeline.endswith("appsink drop=true max-buffers=1 sync=false")
    assert gstreamer_pipeline(CameraSettings("videotestsrc ! appsink")) == "videotestsrc ! appsink"
