"""The house rules, checked: who may import whom, no torch at run time, no room that outgrows itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LEAVES = {"assistant.events", "assistant.errors"}
HEAVY = {"torch", "torchaudio", "tensorflow", "onnx", "tensorrt", "tensorrt_rtx"}
TOP = {"assistant.app", "assistant.cli", "assistant.offline", "assistant.live", "assistant.demo"}
TOP |= {"assistant.daemon", "assistant.remote", "assistant.doctor", "assistant.factory"}
"""The composition root and the commands above it; nothing else may import them."""


def modules() -> dict[str, Path]:
    found = {}
    for package in ("assistant", "device", "export", "models"):
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports(path: Path) -> set[str]:
    """Everything a file imports, as dotted names; `from a import b` counts as a.b where that is a module, else as a."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module
            found |= {
                f"{node.module}.{alias.name}" if f"{node.module}.{alias.name}" in MODULES else node.module for alias in node.names
            }
    return found


def belongs(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def is_top(module: str) -> bool:
    return module in TOP or module.startswith(("assistant.cli_", "assistant.bench_"))


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports(name: str) -> None:
    used = imports(MODULES[name])
    ours = {module for module in used if module in MODULES}
    heavy = {module for module in used if module.split(".")[0] in HEAVY}
    if belongs(name, "assistant") or belongs(name, "device"):
        assert not heavy, f"{name} is part of the running assistant and imports {heavy}"
        assert not {module for module in ours if belongs(module, "models") or belongs(module, "export")}
    if belongs(name, "device"):
        assert {module for module in ours if belongs(module, "assistant")} <= LEAVES, "device knows only the leaves of assistant"
    if name in LEAVES:
        assert not ours, f"{name} is a leaf"
    if not is_top(name) and not belongs(name, "models") and not belongs(name, "export"):
        assert not {module for module in ours if is_top(module)}, f"only commands may import {TOP}"
    if belongs(name, "assistant.engines") and name != "assistant.engines":
        others = {
            module for module in ours if belongs(module, "assistant.engines") and module.split(".")[-1].split("_")[0] in KINDS
        }
        assert others <= {name}, f"an engine must not know another engine: {others}"
        allowed = ("assistant.engines", "assistant.events", "assistant.errors")
        assert all(any(belongs(module, room) for room in allowed) for module in ours), f"{name} imports {ours}"
    if belongs(name, "models"):
        assert not {module for module in ours if belongs(module, "export")}


KINDS = ("wake", "vad", "asr", "tts", "intent", "vision")


def test_the_sound_library_is_named_in_one_place() -> None:
    assert [name for name in MODULES if "pyaudio" in imports(MODULES[name])] == ["device.portaudio"]


def test_the_running_assistant_never_loads_torch() -> None:
    code = "import sys, assistant.app, assistant.cli; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout.split()
    assert not HEAVY & set(loaded)


def test_the_data_path_is_one_short_file() -> None:
    assert len((ROOT / "assistant/pipeline.py").read_text("utf-8").splitlines()) < 200


def test_no_catch_all_but_at_the_turn_boundary() -> None:
    allowed = {
        "assistant.pipeline",
        "assistant.engines.session",
        "assistant.skills.registry",
    }  # a turn, onnxruntime, a user's skill
    for name, path in MODULES.items():
        if not belongs(name, "assistant") and not belongs(name, "device"):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                broad = node.type is None or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"})
                assert not broad or name in allowed, f"{name}:{node.lineno} catches everything"


LOGGING = {"info", "warning", "error", "exception", "critical"}
SAID = {"text", "transcript", "reply", "intent", "utterance", "sentence", "partial", "slots"}


def test_nobody_logs_what_was_said() -> None:
    """No log call at INFO or above is handed a transcript, a reply or an intent (an intent's name alone is fine)."""
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LOGGING:
                children = [child for argument in node.args for child in ast.walk(argument)]
                harmless = {child.value for child in children if isinstance(child, ast.Attribute) and child.attr == "name"}
                used = {child.id for child in children if isinstance(child, ast.Name) and child not in harmless}
                used |= {child.attr for child in children if isinstance(child, ast.Attribute)}
                assert not used & SAID, f"{name}:{node.lineno} logs {used & SAID}"
