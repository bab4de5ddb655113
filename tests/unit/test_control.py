"""The control socket's server with real sockets: bounds, refusals, slow and rude clients. (A real assistant: tests/device.)"""

from __future__ import annotations

import json
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from assistant import control
from assistant.control import ControlServer, Watchers
from assistant.control_request import ControlError, Request, parse
from assistant.errors import ConfigError, DeviceError


async def handle(request: Request) -> dict[str, Any]:
    if request.do == "say":
        raise DeviceError("the loudspeaker is gone")
    return {"did": request.do}


def serve(path: Path, talk: Callable[[Watchers], Awaitable[None]], **more: Any) -> None:
    async def main() -> None:
        watchers = Watchers()
        async with anyio.create_task_group() as tasks:
            await tasks.start(ControlServer(path, handle, watchers, **more).serve)
            with anyio.fail_after(20):
                await talk(watchers)
            tasks.cancel_scope.cancel()

    anyio.run(main)


async def exchange(path: Path, data: bytes) -> list[dict[str, Any]]:
    async with await anyio.connect_unix(path) as client:
        await client.send(data)
        await client.send_eof()
        answer = b"".join([piece async for piece in client])
    return [json.loads(line) for line in answer.splitlines()]


def test_several_requests_on_one_connection_and_refusals(tmp_path: Path) -> None:
    path = tmp_path / "run" / "s"

    async def talk(watchers: Watchers) -> None:
        assert await exchange(path, b'{"do": "status"}\n{"do": "mute"}\n') == [
            {"ok": True, "did": "status"},
            {"ok": True, "did": "mute"},
        ]
        assert await exchange(path, b'{"do": "say", "text": "x"}\n') == [{"ok": False, "error": "the loudspeaker is gone"}]
        for bad in (b"x\n", b"{}\n", b'{"do": "say"}\n', b'{"do": "status", "now": 1}\n', b"\xff\n", b"x" * 100_000 + b"\n"):
            (answer,) = await exchange(path, bad)
            assert answer["ok"] is False and answer["error"], bad[:20]
        assert await exchange(path, b'{"do": "status"}') == [], "half a line is no request"

    serve(path, talk)
    assert not path.exists()


def test_a_crowd_is_turned_away_and_served_when_there_is_room(tmp_path: Path) -> None:
    path = tmp_path / "s"

    async def talk(watchers: Watchers) -> None:
        crowd = [await anyio.connect_unix(path) for _ in range(control.MAX_CLIENTS)]
        await anyio.sleep(0.05)
        assert await exchange(path, b'{"do": "status"}\n') == [{"ok": False, "error": "too many clients"}]
        for client in crowd:
            await client.aclose()
        await anyio.sleep(0.05)
        assert (await exchange(path, b'{"do": "status"}\n'))[0]["ok"]

    serve(path, talk)


def test_a_client_that_dawdles_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "REQUEST_SECONDS", 0.2)
    path = tmp_path / "s"

    async def talk(watchers: Watchers) -> None:
        async with await anyio.connect_unix(path) as client:
            await client.send(b'{"do": ')
            with pytest.raises(anyio.EndOfStream):
                await client.receive()

    serve(path, talk)


def test_a_watcher_that_does_not_read_costs_no_memory_and_delays_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "REQUEST_SECONDS", 0.3)
    path = tmp_path / "s"

    async def talk(watchers: Watchers) -> None:
        lazy, keen = await anyio.connect_unix(path), await anyio.connect_unix(path)
        for client in (lazy, keen):
            await client.send(b'{"do": "watch"}\n')
        while len(watchers) < 2:
            await anyio.sleep(0.01)
        received = b""
        for number in range(3000):
            watchers.tell({"number": number, "filler": "x" * 1000})
            if number % 50 == 0:
                received += await keen.receive(1 << 20)
        while b'"number": 2999' not in received:
            received += await keen.receive(1 << 20)
        with anyio.fail_after(3):
            while len(watchers) > 1:  # the lazy one was dropped
                await anyio.sleep(0.02)
        await lazy.aclose()
        await keen.aclose()

    serve(path, talk)


def test_another_user_is_refused_by_the_kernels_word(tmp_path: Path) -> None:
    path = tmp_path / "s"

    async def talk(watchers: Watchers) -> None:
        assert await exchange(path, b'{"do": "status"}\n') == [{"ok": False, "error": "this assistant belongs to another user"}]

    serve(path, talk, allowed=frozenset({4711}))


def test_a_socket_left_behind_is_taken_over_and_a_living_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    async def talk(watchers: Watchers) -> None:
        with pytest.raises(DeviceError, match="running already"):
            await ControlServer(path, handle, Watchers()).serve()
        assert (await exchange(path, b'{"do": "status"}\n'))[0]["ok"], "the first one must still answer"

    serve(path, talk)


def test_places_where_no_socket_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DeviceError, match="in the way"):
        anyio.run(ControlServer(tmp_path / "file", handle, Watchers()).serve)
    with pytest.raises(DeviceError, match="cannot use"):
        anyio.run(ControlServer(tmp_path / "file" / "s", handle, Watchers()).serve)
    with pytest.raises(ConfigError, match="107"):
        anyio.run(ControlServer(tmp_path / ("x" * 120), handle, Watchers()).serve)


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        (b'{"do": "status"}', Request("status")),
        (b' {"text": " hello ", "do": "say"} \n', Request("say", text="hello")),
        (b'{"do": "privacy", "sense": "camera", "on": false}', Request("privacy", sense="camera", on=False)),
    ],
)
def test_requests(line: bytes, request_: Request) -> None:
    assert parse(line) == request_


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"null",
        b'{"do": ["say"]}',
        b'{"do": "say", "text": ""}',
        b'{"do": "say", "text": 1}',
        b'{"do": "say", "text": "a\\u0000b"}',
        b'{"do": "say", "text": "\\ud800"}',
        b'{"do": "privacy", "sense": "nose", "on": true}',
        b'{"do": "privacy", "sense": "camera", "on": 1}',
        b'{"do": "privacy", "sense": "camera"}',
        b"[" * 8000,
        b'{"do": "say", "text": "' + b"x" * 2001 + b'"}',
    ],
)
def test_what_is_no_request(line: bytes) -> None:
    with pytest.raises(ControlError):
        parse(line)
