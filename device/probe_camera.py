"""What the doctor sees of the camera: does it open, how fast is it, is there light?"""

from __future__ import annotations

import time

import numpy as np

from assistant.errors import DeviceError
from device.camera import CameraSettings, open_capture
from device.probes import Finding

FRAMES = 10
DARK = 12.0
"""Mean brightness, 0..255, below which there is a lens cap or no light."""


def look(settings: CameraSettings) -> Finding:
    """Open the camera, take FRAMES pictures, let it go. Nothing is kept."""
    again = f"v4l2-ctl --device {settings.source} --all" if settings.source.startswith("/dev/") else "assistant config check"
    try:
        capture = open_capture(settings)
    except DeviceError as error:
        return Finding("camera", "fault", str(error), again)
    try:
        began = time.monotonic()
        pictures = [pixels for good, pixels in (capture.read() for _ in range(FRAMES)) if good]
        seconds = time.monotonic() - began
    finally:
        capture.release()
    if not pictures:
        return Finding("camera", "fault", f"{settings.source} opens but delivers no picture", again)
    height, width = pictures[-1].shape[:2]
    brightness = float(np.mean(pictures[-1]))
    detail = f"{width} x {height}, {len(pictures) / max(seconds, 1e-3):.0f} pictures a second, brightness {brightness:.0f} of 255"
    if brightness < DARK:
        return Finding("camera", "warning", f"{detail}: is the lens covered?", "assistant doctor")
    return Finding("camera", "ok", detail)
