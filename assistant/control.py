"""The control socket of the running assistant: local programs of the same user ask it to say, answer, mute, show and reload.

A unix socket of mode 600 in a folder of mode 700; the kernel names the caller (SO_PEERCRED), and only the assistant's own user
and root are served. One JSON object a line in each direction (control_request.py). Everything is bounded: the clients, the length
of a line, the time a client may take, and what a slow watcher may leave unread.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import stat
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from assistant.control_request import MAX_LINE, ControlError, Request, parse
from assistant.errors import AssistantError, ConfigError, DeviceError

log = logging.getLogger(__name__)

MAX_CLIENTS = 8
REQUEST_SECONDS = 10.0
"""How long a client may take to send its request, and to read each line of the answer."""

LINGER_SECONDS = 1.0
WATCH_LINES = 256
"""Lines a watcher may leave unread; then the oldest are dropped."""

MAX_PATH = 107
"""Bytes of a unix socket's address on Linux, unix(7)."""

Answer = dict[str, Any]
Handler = Callable[[Request], Awaitable[Answer]]


class Watchers:
    """Those who look on: each has a bounded queue of lines; who is too slow misses the oldest."""

    def __init__(self) -> None:
        self._queues: list[_Queue] = []

    def __len__(self) -> int:
        return len(self._queues)

    def tell(self, answer: Answer) -> None:
        """Pass a line on to every watcher. Returns at once."""
        for queue in self._queues:
            queue.put(answer)

    @asynccontextmanager
    async def joined(self) -> AsyncIterator[_Queue]:
        """Look on for as long as the context lasts."""
        queue = _Queue()
        self._queues.append(queue)
        try:
            yield queue
        finally:
            self._queues.remove(queue)


class _Queue:
    def __init__(self) -> None:
        self._send, self._receive = anyio.create_memory_object_stream[Answer](WATCH_LINES)

    def put(self, answer: Answer) -> None:
        if self._send.statistics().current_buffer_used >= WATCH_LINES:
            self._receive.receive_nowait()
        self._send.send_nowait(answer)

    async def get(self) -> Answer:
        return await self._receive.receive()


class ControlServer:
    """Serves the control socket.

    Args:
        path: the socket's address; its folder is made with mode 700 when missing.
        handle: answers one request; an AssistantError becomes a refusal.
        watchers: fed to those who ask to watch.
        allowed: user ids that are served besides root's.
    """

    def __init__(self, path: Path, handle: Handler, watchers: Watchers, allowed: frozenset[int] | None = None) -> None:
        self._path, self._handle, self._watchers = path, handle, watchers
        self._allowed = frozenset({0, os.geteuid()}) if allowed is None else allowed
        self._clients = 0

    async def serve(self, *, task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; the socket's file is removed at the end. Raises ConfigError, DeviceError."""
        _prepare(self._path)
        before = os.umask(0o177)  # so that the socket never has another mode, not even for a moment
        try:
            listener = await anyio.create_unix_listener(self._path, mode=0o600)
        except OSError as error:
            raise DeviceError(f"cannot listen on {self._path}: {error.strerror}") from error
        finally:
            os.umask(before)
        try:
            async with listener:
                task_status.started()
                await listener.serve(self._client)
        finally:
            self._path.unlink(missing_ok=True)

    async def _client(self, stream: SocketStream) -> None:
        self._clients += 1
        try:
            async with stream:
                await self._talk(stream)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, TimeoutError):
            return  # the client went away or dawdled
        finally:
            self._clients -= 1

    async def _talk(self, stream: SocketStream) -> None:
        if _peer(stream.extra(SocketAttribute.raw_socket)) not in self._allowed:
            log.warning("another user's program was refused at the control socket")
            await _refuse(stream, "this assistant belongs to another user")
            return
        if self._clients > MAX_CLIENTS:
            await _refuse(stream, "too many clients")
            return
        reader = BufferedByteReceiveStream(stream)
        while True:
            with anyio.fail_after(REQUEST_SECONDS):
                request = await _next_request(reader)
            if request is None:
                return
            if isinstance(request, ControlError):
                await _refuse(stream, str(request))
                return
            await _send(stream, await self._answer(request))
            if request.do == "watch":
                async with self._watchers.joined() as queue:
                    while True:
                        await _send(stream, await queue.get())

    async def _answer(self, request: Request) -> Answer:
        try:
            return {"ok": True, **await self._handle(request)}
        except AssistantError as error:
            return {"ok": False, "error": str(error)}


async def _next_request(reader: BufferedByteReceiveStream) -> Request | ControlError | None:
    """The next request; a ControlError for a bad one, after which there is no going on; None at the end."""
    try:
        return parse(await reader.receive_until(b"\n", MAX_LINE))
    except ControlError as error:
        return error
    except anyio.DelimiterNotFound:
        return ControlError(f"a request has at most {MAX_LINE} bytes")
    except anyio.IncompleteRead:
        return None


async def _send(stream: SocketStream, answer: Answer) -> None:
    with anyio.fail_after(REQUEST_SECONDS):
        await stream.send(json.dumps(answer, ensure_ascii=False).encode() + b"\n")


async def _refuse(stream: SocketStream, reason: str) -> None:
    """Say no, then take what the client still sends for a moment: hanging up on unread bytes would take the answer back."""
    await _send(stream, {"ok": False, "error": reason})
    await stream.send_eof()
    with anyio.move_on_after(LINGER_SECONDS):
        for _ in range(MAX_CLIENTS):
            await stream.receive()


def _peer(raw: socket.socket) -> int:
    """The user id of the process at the other end, as the kernel knows it: struct ucred {pid, uid, gid}, unix(7)."""
    _pid, uid, _gid = struct.unpack("3i", raw.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return int(uid)


def _prepare(path: Path) -> None:
    """Make the folder; make sure that nobody listens there. Raises ConfigError, DeviceError."""
    if len(os.fsencode(path)) > MAX_PATH:
        raise ConfigError(f"the control socket's path is longer than {MAX_PATH} bytes: set XDG_RUNTIME_DIR to a shorter folder")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            return
        if not stat.S_ISSOCK(path.stat().st_mode):
            raise DeviceError(f"{path} is in the way: move that file")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.connect(str(path))
    except ConnectionRefusedError:
        path.unlink(missing_ok=True)  # left behind by one that was killed
        return
    except OSError as error:
        raise DeviceError(f"cannot use {path}: {error.strerror}") from error
    raise DeviceError("an assistant is running already: `assistant ctl status` shows it")
