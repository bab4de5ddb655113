"""Where `mqtt` commands go: a small plug-in point, so that the assistant runs without any broker or MQTT library."""

from __future__ import annotations

from typing import Protocol

from assistant.errors import ConfigError, SkillError


class Publisher(Protocol):
    """Sends one message. Blocking: commands call it in a worker thread."""

    def publish(self, topic: str, payload: str) -> None:
        """Raises SkillError with a sentence to speak when the message cannot be sent."""
        ...


class NoPublisher:
    """The default: nothing is sent anywhere. The message is still reported as an Action of the reply."""

    def publish(self, topic: str, payload: str) -> None:
        """Do nothing."""


class MqttPublisher:
    """Sends to an MQTT broker. Needs the package paho-mqtt. host, port: the broker's; each message has its own connection."""

    def __init__(self, host: str, port: int = 1883) -> None:
        try:
            import paho.mqtt.publish as paho_publish  # type: ignore[import-not-found, import-untyped, unused-ignore]
        except ModuleNotFoundError as error:
            raise ConfigError("MQTT commands need the Python package 'paho-mqtt': pip install 'edge-assistant[mqtt]'") from error
        self._single = paho_publish.single
        self._host = host
        self._port = port

    def publish(self, topic: str, payload: str) -> None:
        """Send with QoS 1 and wait until the broker has it."""
        try:
            self._single(topic, payload, qos=1, hostname=self._host, port=self._port)
        except OSError as error:
            raise SkillError("I cannot reach the message broker.") from error
