"""`assistant export` hands over to the package `export` in a process of its own: what that needs (onnx) never loads here."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import typer

from assistant.errors import ConfigError

PASS_ON = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}


def export(context: typer.Context) -> None:
    """Turn every neural network into verified ONNX packages and TensorRT engines (assistant export --help)."""
    for package in ("export", "onnx", "onnxslim"):
        if importlib.util.find_spec(package) is None:
            raise ConfigError(f"`assistant export` needs the Python package {package!r}: pip install 'edge-assistant[export]'")
    code = subprocess.run([sys.executable, "-m", "export", *(context.args or ["--help"])], check=False).returncode
    if code:
        raise typer.Exit(code)
