"""All errors this project raises on purpose, each saying what to do next.

    AssistantError             caught once, in cli.py: one line, exit code
    ├── ConfigError            assistant.toml, home.toml or a command file is wrong        exit 78 (EX_CONFIG: do not restart)
    ├── ModelError             a model file is missing, damaged or cannot be fetched       exit 69 (EX_UNAVAILABLE)
    ├── DeviceError            microphone, loudspeaker, camera                             exit 74 (EX_IOERR)
    ├── AudioFileError         a sound file cannot be read                                 exit 66 (EX_NOINPUT)
    ├── EngineError            an engine failed in a turn (stage, code, recoverable)       exit 70 (EX_SOFTWARE)
    └── SkillError             a skill could not do it; its text is spoken to the user     exit 70

Messages never hold anything that was said or seen.
"""

from __future__ import annotations


class AssistantError(Exception):
    """Base of the tree. str(error) is one line for a person: what happened and what to do next."""

    exit_code = 70


class ConfigError(AssistantError):
    """A configuration file is wrong; the message names file, place and fix."""

    exit_code = 78


class ModelError(AssistantError):
    """A model is missing, damaged or cannot be fetched."""

    exit_code = 69


class DeviceError(AssistantError):
    """A microphone, loudspeaker or camera is missing or failed."""

    exit_code = 74


class AudioFileError(AssistantError):
    """A sound file cannot be read."""

    exit_code = 66


class EngineError(AssistantError):
    """An engine failed during a turn.

    stage: "wake", "vad", "asr", "intent", "tts" or "vision". code: a short stable name for programs.
    recoverable: True when the next turn may work.
    """

    def __init__(self, message: str, *, stage: str, code: str, recoverable: bool = True) -> None:
        super().__init__(message)
        self.stage = stage
        self.code = code
        self.recoverable = recoverable


class SkillError(AssistantError):
    """A skill could not do what was asked; str(error) is a sentence that is spoken to the user."""
