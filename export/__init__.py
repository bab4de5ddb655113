"""From a trained network to a file that a device runs. The only packages that may import torch are this one and models."""

import assistant  # noqa: F401  (switches off what ONNX Runtime reports to its maker)
