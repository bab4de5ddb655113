"""Picture files as what a camera would see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from assistant.errors import DeviceError


def read_picture(path: Path) -> npt.NDArray[np.uint8]:
    """The pixels of a picture file: uint8, (height, width, 3), RGB. Raises DeviceError: no OpenCV, or not a picture."""
    try:
        import cv2
    except ModuleNotFoundError as error:
        raise DeviceError("pictures need OpenCV: pip install 'edge-assistant[camera]'") from error
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise DeviceError(f"{path} is not a picture that OpenCV can read (JPEG, PNG, WebP, BMP)")
    return np.ascontiguousarray(pixels[:, :, ::-1])
