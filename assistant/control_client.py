"""The other end of the control socket: `assistant ctl` and `assistant watch` speak to the running assistant with this."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import platformdirs

from assistant.errors import DeviceError

APP = "edge-assistant"
SOCKET_NAME = "control.sock"
SYSTEM_SOCKET = Path("/run") / APP / SOCKET_NAME
"""Where the system service listens (its RuntimeDirectory)."""

ANSWER_SECONDS = 60.0
"""A reload or a long sentence may take this long."""


def own_socket() -> Path:
    """Where an assistant started here listens: below the service's, EDGE_ASSISTANT_HOME's or the user's runtime folder."""
    if runtime := os.environ.get("RUNTIME_DIRECTORY"):
        return Path(runtime.split(":")[0]) / SOCKET_NAME
    if home := os.environ.get("EDGE_ASSISTANT_HOME"):
        return Path(home).expanduser() / "run" / SOCKET_NAME
    session = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}")
    return (session / APP if session.is_dir() else platformdirs.user_state_path(APP) / "run") / SOCKET_NAME


def find_socket(given: Path | None = None) -> Path:
    """The socket of the running assistant: the one given, this user's, or else the system service's."""
    if given is not None:
        return given
    own = own_socket()
    return own if own.exists() or not SYSTEM_SOCKET.exists() else SYSTEM_SOCKET


def connect(path: Path) -> socket.socket:
    """A connection to the running assistant. Raises DeviceError that says how to start one."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(ANSWER_SECONDS)
    try:
        connection.connect(str(path))
    except PermissionError as error:
        connection.close()
        raise DeviceError(f"{path} belongs to another user: try it with sudo") from error
    except OSError as error:
        connection.close()
        raise DeviceError(
            f"no assistant answers at {path}: start one with `assistant run` or `assistant service install`"
        ) from error
    return connection


def lines(path: Path, request: dict[str, Any], *, patient: bool = False) -> Iterator[dict[str, Any]]:
    """Send a request; the answers, one after the other, until the assistant hangs up. Raises DeviceError.

    patient: wait for the next answer for as long as it takes.
    """
    with connect(path) as connection:
        if patient:
            connection.settimeout(None)
        try:
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as answers:
                for line in answers:
                    yield json.loads(line)
        except (OSError, ValueError) as error:
            raise DeviceError(f"the assistant at {path} stopped answering: see `assistant service logs`") from error


def ask(path: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Send a request; its one answer. Raises DeviceError when there is none or when it is a refusal."""
    answer = next(lines(path, request), None)
    if answer is None:
        raise DeviceError(f"the assistant at {path} hung up: see `assistant service logs`")
    if not answer.get("ok"):
        raise DeviceError(str(answer.get("error", "refused")))
    return answer
