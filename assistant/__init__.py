"""What happens between a sound and a reply: ears, engines, skills and the pipeline that chains them. Never imports torch."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
"""From 1.29 on ONNX Runtime reports to its maker from Linux, too: once imported it writes an identifier to the disk and
looks for its maker's server. It reads this once, so it must be set before."""

__version__ = "0.1.0"
