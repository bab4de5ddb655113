"""What is learned: graph definitions, data recipes, training and evaluation. Never imported by the running assistant."""

import assistant  # noqa: F401  (switches off what ONNX Runtime reports to its maker)
