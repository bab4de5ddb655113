"""The language model on the local network, against a small server of the test's own."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest

from assistant.brain import Brain
from assistant.config import Config
from assistant.engines.chat_openai import OpenAiChat, png
from assistant.errors import ConfigError, SkillError
from assistant.home import load_home
from assistant.ports import Image
from assistant.sight import Eyes, LearnedNames
from assistant.skills.questions import is_question
from assistant.timers import Timers
from tests.unit.clocks import HandClock
from tests.unit.test_sight import FakeVision

PIXELS = np.random.default_rng(1).integers(0, 255, (30, 40, 3), np.uint8)


class Server:
    """Answers like llama.cpp's server; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.reply: bytes = json.dumps({"choices": [{"message": {"content": "It is **Paris**."}}]}).encode()
        self.status, self.delay, self.location = 200, 0.0, ""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.asked.append({"path": self.path, **json.loads(body)})
                time.sleep(outer.delay)
                self.send_response(outer.status)
                if outer.location:
                    self.send_header("Location", outer.location)
                self.end_headers()
                self.wfile.write(outer.reply)

            def log_message(self, *arguments: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/v1"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.http.shutdown()
    running.http.server_close()


def brain(folder: Path, chat: OpenAiChat | None) -> Brain:
    clock, vision = HandClock(), FakeVision()
    eyes = Eyes(lambda: vision, LearnedNames(None))
    return Brain(home=load_home(), timers=Timers(folder / "t.sqlite", clock), clock=clock, eyes=eyes, chat=chat)


def reply(mind: Brain, text: str) -> str:
    return anyio.run(mind.act, mind.understand(text, Image(PIXELS, 40, 30))).reply.text


def test_an_open_question_is_answered(server: Server, tmp_path: Path) -> None:
    mind = brain(tmp_path, OpenAiChat(server.url + "/", "tiny"))
    assert reply(mind, "What is the capital of France?") == "It is Paris."
    (asked,) = server.asked
    assert asked["path"] == "/v1/chat/completions" and asked["model"] == "tiny" and asked["stream"] is False
    assert asked["messages"][-1] == {"role": "user", "content": "What is the capital of France?"}


def test_what_a_skill_can_do_is_not_asked(server: Server, tmp_path: Path) -> None:
    mind = brain(tmp_path, OpenAiChat(server.url, ""))
    for text in ("turn on the kitchen light", "what time is it", "is anyone there", "blah blah blah", "don't turn on the tv"):
        reply(mind, text)
    assert server.asked == []


@pytest.mark.parametrize("sends", [True, False])
def test_a_picture_is_sent_only_when_that_is_allowed_and_asked_about(server: Server, tmp_path: Path, sends: bool) -> None:
    cv2 = pytest.importorskip("cv2")
    mind = brain(tmp_path, OpenAiChat(server.url, "", sends_pictures=sends))
    reply(mind, "what colour is this jumper")
    reply(mind, "who wrote faust")
    assert isinstance(server.asked[1]["messages"][-1]["content"], str)
    content = server.asked[0]["messages"][-1]["content"]
    if not sends:
        assert isinstance(content, str)
        return
    data = base64.b64decode(content[1]["image_url"]["url"].removeprefix("data:image/png;base64,"))
    assert (cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1] == PIXELS).all()


def test_without_one_it_says_that_it_cannot(tmp_path: Path) -> None:
    assert reply(brain(tmp_path, None), "why is the sky blue").startswith("I cannot answer that offline.")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"delay": 0.5}, "took too long"),
        ({"status": 500}, "cannot be reached"),
        ({"reply": b"<html>"}, "cannot read"),
        ({"reply": b'{"choices": []}'}, "cannot read"),
        ({"reply": b'{"choices": [{"message": {"content": ""}}]}'}, "had no answer"),
        ({"status": 307, "location": "http://example.com/"}, "cannot be reached"),
    ],
)
def test_what_goes_wrong_is_said(server: Server, change: dict[str, Any], said: str) -> None:
    for name, value in change.items():
        setattr(server, name, value)
    with pytest.raises(SkillError, match=said):
        OpenAiChat(server.url, "", timeout_s=0.2).answer("why is the sky blue")


def test_nobody_there_is_said(server: Server) -> None:
    server.http.shutdown()
    server.http.server_close()
    with pytest.raises(SkillError, match="cannot be reached"):
        OpenAiChat(server.url, "", timeout_s=0.2).answer("why is the sky blue")


@pytest.mark.parametrize("url", ["http://8.8.8.8/v1", "https://[2001:4860:4860::8888]/v1", "ftp://127.0.0.1/", "127.0.0.1:8080"])
def test_an_address_outside_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"chat\.url"):
        OpenAiChat(url, "")


def test_it_is_off_by_default() -> None:
    assert Config().chat.url == "" and Config().chat.send_pictures is False


def test_a_long_answer_is_cut(server: Server) -> None:
    server.reply = json.dumps({"choices": [{"message": {"content": "word " * 500}}]}).encode()
    assert len(OpenAiChat(server.url, "").answer("tell me a story about why").split()) < 90


@pytest.mark.parametrize("text", ["What is the capital of France?", "please tell me how rain is made", "why is the sky blue"])
def test_questions(text: str) -> None:
    assert is_question(text)


@pytest.mark.parametrize("text", ["blah blah blah", "turn on the thing", "what", "don't turn on the tv"])
def test_no_questions(text: str) -> None:
    assert not is_question(text)


def test_a_png_is_one() -> None:
    assert png(PIXELS).startswith(b"\x89PNG") and len(png(np.zeros((100, 100, 3), np.uint8))) < 400
