"""A user's command files: reading, explaining mistakes, and doing what they say."""
# ruff: noqa: E501  a table of mistakes is read by columns

from __future__ import annotations

import http.server
import json
import re
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from assistant.brain import Brain
from assistant.commands import MqttPublisher, check_file, load_folder
from assistant.errors import ConfigError
from assistant.home import load_home
from assistant.timers import Timers
from tests.unit.clocks import HandClock

DOCUMENT = Path(__file__).parents[2] / "docs" / "commands.md"


class Sent:
    def __init__(self) -> None:
        self.messages: list[tuple[str, str]] = []

    def publish(self, topic: str, payload: str) -> None:
        self.messages.append((topic, payload))


def make_brain(folder: Path, text: str, sent: Sent | None = None) -> Brain:
    (folder / "commands").mkdir(exist_ok=True)
    (folder / "commands" / "own.yaml").write_text(text)
    clock = HandClock()
    timers = Timers(folder / "timers.sqlite", clock)
    return Brain(home=load_home(), timers=timers, clock=clock, publisher=sent, commands_folder=folder / "commands")


def say(brain: Brain, text: str) -> str:
    return anyio.run(brain.act, brain.understand(text)).reply.text


MQTT = """
commands:
  MakeCoffee:
    sentences: ["make [me] [a|an] {size} coffee"]
    mqtt: {topic: "home/{size}/coffee", payload: "size={size}"}
    reply: "One {size} coffee."
lists:
  size: {small: S, "extra large": XL}
"""


def test_mqtt(tmp_path: Path) -> None:
    sent = Sent()
    brain = make_brain(tmp_path, MQTT, sent)
    assert brain.problems == ()
    assert say(brain, "Could you make me an extra large coffee?") == "One XL coffee."
    assert sent.messages == [("home/XL/coffee", "size=XL")]


def test_without_a_publisher_the_message_is_an_action(tmp_path: Path) -> None:
    brain = make_brain(tmp_path, MQTT)
    outcome = anyio.run(brain.act, brain.understand("make a small coffee"))
    (action,) = outcome.acted[0].actions
    assert (action.target, action.attribute, action.value) == ("home/S/coffee", "payload", "size=S")


def test_a_command_together_with_a_built_in_one(tmp_path: Path) -> None:
    brain = make_brain(tmp_path, MQTT)
    assert say(brain, "make a small coffee and turn on the tv") == "One S coffee. The TV is on."


WRITE_ARGUMENTS = "import json,sys; json.dump(sys.argv[2:], open(sys.argv[1], 'w'))"


def shell(path: Path, timeout_s: float = 10, code: str = WRITE_ARGUMENTS) -> str:
    return f"""
commands:
  Announce:
    sentences: ["announce {{message}}"]
    shell:
      command: [{json.dumps(sys.executable)}, "-c", {json.dumps(code)}, {json.dumps(str(path))}, "{{message}}", "--text={{message}}"]
      timeout_s: {timeout_s}
lists: {{message: text}}
"""


@pytest.mark.parametrize("message", ["dinner is ready", "$(reboot)", "a ; rm -rf x", "a' b", "a && b | c > d"])
def test_shell_arguments_are_passed_whole(tmp_path: Path, message: str) -> None:
    from assistant.commands.running import _run

    out = tmp_path / "out.json"
    arguments = (sys.executable, "-c", WRITE_ARGUMENTS, str(out), "{message}", "--text={message}")
    anyio.run(_run, arguments, {"message": message}, 10.0)
    assert json.loads(out.read_text()) == [message, f"--text={message}"]


def test_a_value_cannot_become_an_option(tmp_path: Path) -> None:
    from assistant.commands.running import _run
    from assistant.errors import SkillError

    with pytest.raises(SkillError, match="cannot pass that on"):
        anyio.run(_run, ("/bin/true", "{message}"), {"message": "--delete"}, 10.0)


def test_shell_by_voice(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert say(make_brain(tmp_path, shell(out)), "Announce: dinner is ready!") == "Done."
    assert json.loads(out.read_text()) == ["dinner is ready", "--text=dinner is ready"]


def test_shell_is_stopped_in_time_and_does_not_block(tmp_path: Path) -> None:
    brain = make_brain(tmp_path, shell(tmp_path / "out", 0.3, "import time; time.sleep(30)"))
    intents = brain.understand("announce something")
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await anyio.sleep(0.01)
            ticks += 1

    async def main() -> str:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tick)
            outcome = await brain.act(intents)
            tasks.cancel_scope.cancel()
        return outcome.reply.text

    started = time.monotonic()
    assert anyio.run(main) == "The program took too long; I stopped it."
    assert time.monotonic() - started < 5
    assert ticks > 5


@pytest.mark.parametrize(
    ("code", "reply"), [("raise SystemExit(3)", "The program of that command reported an error."), ("pass", "Done.")]
)
def test_shell_exit_codes(tmp_path: Path, code: str, reply: str) -> None:
    assert say(make_brain(tmp_path, shell(tmp_path / "out", 10, code)), "announce something") == reply


@pytest.fixture
def server() -> Iterator[tuple[int, list[tuple[str, str, bytes]]]]:
    requests: list[tuple[str, str, bytes]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            requests.append((self.command, self.path, body))
            self.send_response(500 if self.path == "/fail" else 302 if self.path == "/away" else 200)
            self.send_header("Location", "http://example.org/")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    service = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield service.server_port, requests
    service.shutdown()
    service.server_close()


def web(port: int, path: str) -> str:
    return f"""
commands:
  Night:
    sentences: ["night mode for {{hours}} hours in the {{area}}"]
    http: {{url: "http://127.0.0.1:{port}{path}", json: {{hours: "{{hours}}", rooms: ["{{area}}"]}}, timeout_s: 2}}
    reply: "Good night."
lists:
  hours: {{from: 1, to: 12}}
"""


def test_http(tmp_path: Path, server: tuple[int, list[tuple[str, str, bytes]]]) -> None:
    port, requests = server
    brain = make_brain(tmp_path, web(port, "/night?room={area}"))
    assert brain.problems == ()
    assert say(brain, "Night mode for eight hours in the living room.") == "Good night."
    ((method, path, body),) = requests
    assert (method, path) == ("POST", "/night?room=living%20room")
    assert json.loads(body) == {"hours": "8", "rooms": ["living room"]}


@pytest.mark.parametrize("path", ["/fail", "/away"])
def test_http_errors_and_redirects_are_failures(
    tmp_path: Path, server: tuple[int, list[tuple[str, str, bytes]]], path: str
) -> None:
    port, requests = server
    said = say(make_brain(tmp_path, web(port, path)), "night mode for 2 hours in the kitchen")
    assert said == "The service of that command did not answer as it should."
    assert len(requests) == 1


def command(body: str, lists: str = "") -> str:
    return f"commands:\n  Own:\n{body}{lists}"


GOOD = '    sentences: ["fly to {place}"]\n    reply: "ok {place}"\n'
PLACES = "lists:\n  place: [mars, venus]\n"

MISTAKES = [
    ("commands:\n  Own:\n    sentences: [\"a\n", 4, "not valid YAML", ""),
    ("commands:\n\tOwn: 1\n", 2, "not valid YAML", ""),
    ("", 1, "no commands", "begin it with commands:"),
    ("list: {}\n", 1, 'unknown key "list"', "did you mean \"lists\"?"),
    (command('    sentence: ["fly"]\n    reply: ok\n'), 3, 'unknown key "sentence"', 'did you mean "sentences"?'),
    (command("    reply: ok\n"), 2, "the command Own has no sentences", ""),
    (command('    sentences: ["fly"]\n'), 2, "the command Own does nothing", ""),
    (command('    sentences: "fly"\n    reply: ok\n'), 3, '"sentences" must be a list', ""),
    (command('    sentences:\n      - "fly (to|towards mars"\n    reply: ok\n'), 4, "( is never closed", "add )"),
    (command('    sentences:\n      - "fly"\n      - "go] now"\n    reply: ok\n'), 5, "] without [ before it", ""),
    (command('    sentences: ["fly <there>"]\n    reply: ok\n'), 3, "rules in <angle brackets>", ""),
    (command(GOOD), 3, "no list for the slot {place}", "add lists: place"),
    (command(GOOD, "lists:\n  places: [mars]\n"), 3, "no list for the slot {place}", "did you mean {places}?"),
    (command('    sentences: ["fly to {place}", "fly"]\n    reply: "ok {place}"\n', PLACES), 4, "{place} is not in every sentence", ""),
    (command('    sentences: ["fly [to {place}]"]\n    reply: "ok {place}"\n', PLACES), 4, "{place} is not in every sentence", ""),
    (command('    sentences: ["fly to {place}"]\n    reply: "ok {plac}"\n', PLACES), 4, "{plac} is in no sentence", "did you mean {place}?"),
    (command('    sentences: ["fly"]\n    shell: {command: ["{x}"]}\n'), 4, "the program itself must not be a slot", ""),
    (command('    sentences: ["fly"]\n    shell: {command: ["rm -rf /"]}\n'), 4, "the program's name has a space", "no shell"),
    (command('    sentences: ["fly"]\n    shell: {timeout_s: 3}\n'), 4, "shell has no command", ""),
    (command('    sentences: ["fly"]\n    mqtt: {payload: x}\n'), 4, "mqtt has no topic", ""),
    (command('    sentences: ["fly"]\n    http: {url: "http://example.org/x"}\n'), 4, "example.org is not this machine", "allow_host"),
    (command('    sentences: ["fly to {place}"]\n    http: {url: "http://{place}/x"}\n', PLACES), 4, "a slot must not choose the host", ""),
    (command('    sentences: ["fly"]\n    http: {url: "ftp://localhost/x"}\n'), 4, "http needs an address", ""),
    (command('    sentences: ["fly"]\n    http: {url: "http://localhost/x", method: SEND}\n'), 4, "method SEND is unknown", ""),
    (command('    sentences: ["fly"]\n    reply: a\n    mqtt: {topic: a}\n    http: {url: "http://localhost"}\n'), 2, "mqtt and http", "keep one"),
    (command(GOOD, "lists:\n  place: 5\n"), 6, "the list place is not a list of words", ""),
    (command('    sentences: ["fly"]\n    reply: ok\n  Two:\n    sentences: ["fly"]\n    reply: ok\n'), 6, '"fly" is said for Own in', ""),
    (command('    sentences: ["fly"]\n    reply: ok\n  Own:\n    sentences: ["run"]\n    reply: ok\n'), 5, '"Own" is there twice', ""),
    (command('    sentences: ["turn on the kitchen light"]\n    reply: ok\n'), 3, "is understood already, as HassTurnOn", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "message", "fix"), MISTAKES, ids=[mistake[2] + str(mistake[1]) for mistake in MISTAKES])
def test_mistakes_are_explained_with_their_line(tmp_path: Path, text: str, line: int, message: str, fix: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text)
    problems = check_file(path)
    found = [problem for problem in problems if message in problem.message]
    assert found, [str(problem) for problem in problems]
    assert found[0].line == line, str(found[0])
    assert found[0].column >= 1
    assert fix in found[0].fix


def test_one_mistake_is_one_problem(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(command('    sentences: ["fly to {place}"]\n    replay: "ok"\n    reply: "ok"\n', PLACES))
    assert [str(problem) for problem in check_file(path)] == ['4:5: unknown key "replay" (did you mean "reply"?)']


def test_a_clash_with_another_file_is_found(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(command(GOOD, PLACES).replace("Own", f"Own{name[0]}"))
    files, lines = load_folder(tmp_path)
    assert [file.path.name for file in files] == ["a.yaml"]
    assert lines == (f'{tmp_path}/b.yaml:3:17: "fly to mars" is said for Owna in a.yaml too (change one of the two sentences)',)


def test_a_wrong_file_is_left_out_and_the_rest_works(tmp_path: Path) -> None:
    brain_folder = tmp_path
    (brain_folder / "commands").mkdir()
    (brain_folder / "commands" / "bad.yaml").write_text("commands: [")
    brain = make_brain(brain_folder, MQTT)
    assert len(brain.problems) == 1
    assert "bad.yaml:" in brain.problems[0]
    assert say(brain, "make a small coffee") == "One S coffee."
    assert say(brain, "turn on the tv") == "The TV is on."


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    assert "cannot be read" in check_file(tmp_path / "none.yaml")[0].message


def test_the_examples_of_the_documentation(tmp_path: Path) -> None:
    text = DOCUMENT.read_text()
    (example,) = re.findall(r"<!-- example: .*? -->\n```yaml\n(.*?)```", text, re.DOTALL)
    path = tmp_path / "coffee.yaml"
    path.write_text(example)
    assert check_file(path) == []
    brain = make_brain(tmp_path, example)
    assert say(brain, "brew a large coffee") == "One large coffee is coming."
    assert say(brain, "What tea do we have?") == "Green tea and mint."
    assert [intent.name for intent in brain.understand("night mode for eight hours")] == ["NightMode"]
    assert dict(brain.understand("announce that dinner is ready")[0].slots) == {"message": "that dinner is ready"}
    (file,) = re.findall(r"<!-- file: (.*?) -->\n```python\n", text)
    (code,) = re.findall(r"<!-- file: .*? -->\n```python\n(.*?)```", text, re.DOTALL)
    assert (DOCUMENT.parent / file).read_text() == code


def test_paho_is_named_when_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "paho", None)
    monkeypatch.setitem(sys.modules, "paho.mqtt", None)
    monkeypatch.setitem(sys.modules, "paho.mqtt.publish", None)
    with pytest.raises(ConfigError, match=r"edge-assistant\[mqtt\]"):
        MqttPublisher("localhost")
