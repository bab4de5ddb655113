"""A language model on the local network, by the interface of OpenAI's chat completions: llama.cpp, Ollama, TensorRT Edge-LLM.

Only addresses of this machine and of private networks are spoken to, so nothing that was said can leave the house.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import socket
import struct
import urllib.error
import urllib.request
import zlib
from email.message import Message
from typing import IO, Any
from urllib.parse import urlsplit

from assistant.engines import Pixels
from assistant.errors import ConfigError, SkillError

TASK = (
    "You are the voice of a home assistant. Answer in one or two short spoken sentences, without lists, markdown or emoji. "
    "If you do not know, say so."
)

MOST_WORDS = 80
"""Words of an answer that are spoken; about half a minute."""

MOST_TOKENS = 160
"""Tokens asked for at most."""

MOST_BYTES = 1 << 20
"""Of a reply that are read."""

PICTURE_SIDE = 640
"""Pixels of the longer side of a picture that is sent, at most."""


class OpenAiChat:
    """A Chat. url: up to and with "/v1"; model: its name for the server, "" = the server's only one; timeout_s: for an answer.

    Raises ConfigError when the url is none, or its host is not on this machine or a private network.
    """

    def __init__(self, url: str, model: str, *, sends_pictures: bool = False, timeout_s: float = 20.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f'chat.url = {url!r} is no address: write it as "http://127.0.0.1:8080/v1"')
        self._host, self._port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
        self._url = f"{url.rstrip('/')}/chat/completions"
        self._model = model
        self._timeout_s = timeout_s
        self.sends_pictures = sends_pictures
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())
        if _is_address(self._host):
            self._check_host()

    def answer(self, question: str, pixels: Pixels | None = None) -> str:
        """See Chat.answer."""
        content: Any = question
        if pixels is not None and self.sends_pictures:
            picture = base64.b64encode(png(_smaller(pixels))).decode("ascii")
            shown = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}}
            content = [{"type": "text", "text": question}, shown]
        asked = {
            "messages": [{"role": "system", "content": TASK}, {"role": "user", "content": content}],
            "max_tokens": MOST_TOKENS,
            "stream": False,
            **({"model": self._model} if self._model else {}),
        }
        return _spoken(self._post(json.dumps(asked).encode("utf-8")))

    def _post(self, body: bytes) -> Any:
        """The server's reply as JSON."""
        request = urllib.request.Request(self._url, data=body, headers={"Content-Type": "application/json"})
        try:
            self._check_host()
            with self._opener.open(request, timeout=self._timeout_s) as reply:
                return json.loads(reply.read(MOST_BYTES))
        except TimeoutError as error:
            raise SkillError("The language model took too long to answer.") from error
        except (urllib.error.URLError, OSError) as error:
            late = isinstance(getattr(error, "reason", None), TimeoutError)
            message = "took too long to answer" if late else "cannot be reached"
            raise SkillError(f"The language model {message}.") from error
        except ValueError as error:
            raise SkillError("The language model gave an answer that I cannot read.") from error

    def _check_host(self) -> None:
        """Refuse a host whose address is neither this machine's nor a private network's."""
        found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        for *_, address in found:
            ip = ipaddress.ip_address(str(address[0]).partition("%")[0])
            if not (ip.is_loopback or ip.is_private or ip.is_link_local):
                raise ConfigError(
                    f"chat.url: {self._host} is outside the local network, and nothing said here may go there: "
                    "use a server at home, or set chat.url to nothing"
                )


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A server that sends us elsewhere is not followed: elsewhere may be outside."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """Never."""
        return None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _spoken(reply: Any) -> str:
    """The answer in a reply, cut to what can be listened to."""
    try:
        text = str(reply["choices"][0]["message"]["content"] or "")
    except (KeyError, IndexError, TypeError) as error:
        raise SkillError("The language model gave an answer that I cannot read.") from error
    words = text.replace("*", "").replace("#", "").split()
    if not words:
        raise SkillError("The language model had no answer.")
    return " ".join(words) if len(words) <= MOST_WORDS else f"{' '.join(words[:MOST_WORDS])} and so on."


def _smaller(pixels: Pixels) -> Pixels:
    """Every n-th pixel, so that the longer side is at most PICTURE_SIDE."""
    step = -(-max(pixels.shape[:2]) // PICTURE_SIDE)
    return pixels[::step, ::step]


def png(pixels: Pixels) -> bytes:
    """A picture as a PNG file (https://www.w3.org/TR/png-3): 8 bits, RGB, no filter."""
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + pixels[row].tobytes() for row in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
