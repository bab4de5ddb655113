"""A user's own commands: YAML files with sentences and what to do when one is said. docs/commands.md describes them."""

from __future__ import annotations

from assistant.commands.publish import MqttPublisher, NoPublisher, Publisher
from assistant.commands.reading import Command, CommandFile, Problem, check_file, load_file, load_folder

__all__ = [
    "Command",
    "CommandFile",
    "MqttPublisher",
    "NoPublisher",
    "Problem",
    "Publisher",
    "check_file",
    "load_file",
    "load_folder",
]
