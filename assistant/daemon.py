"""The life of the running assistant: start, signs of life, signals, settings read anew, end.

Between the start and the end it owns what outlives a reload: the line to the service manager, the control socket, the privacy
switches, the camera's and the state's indicator, those who watch. A reload (SIGHUP or `ctl reload`) reads the settings and loads
what they name while the old assistant still listens; only when everything is right does the new one take its place. Timers are on
the disk and ring on.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import anyio
from anyio import to_thread

from assistant import app, events
from assistant.config import Config, Folders
from assistant.control import ControlServer, Watchers
from assistant.control_client import own_socket
from assistant.daemon_parts import camera_state, check, make_recorder, privacy_switches
from assistant.errors import AssistantError, DeviceError
from assistant.events import Event
from assistant.ports import Edges, Speaker
from assistant.remote import Mute, Remote, Running
from assistant.state import StateKeeper
from assistant.switches import DeviceCamera, OpenMicrophone, SwitchedMicrophone
from device.camera import CameraSettings, LatestCamera
from device.indicator import IndicatorThread, State, make_indicator
from device.notify import Notifier

log = logging.getLogger(__name__)

END_SECONDS = 1.8
"""After SIGTERM the process is gone within this, whatever a driver or a model is doing."""

METER_SECONDS = 0.1
SWITCH_CHECK_SECONDS = 0.25
RELOAD_PATIENCE_SECONDS = 20.0
"""How long a reload waits for a turn to finish before it cuts it off."""


class OpenSpeaker(Speaker, Protocol):
    """A loudspeaker that can be let go of."""

    def close(self) -> None:
        """Let go of the device."""
        ...


@dataclass(frozen=True, slots=True)
class Sound:
    """The sound devices: the loudspeaker, open, and how to open the microphone (again)."""

    speaker: OpenSpeaker
    open_microphone: Callable[[], OpenMicrophone]
    echo_free: bool = False


OpenSound = Callable[[Config, app.Engines], Sound]


@dataclass(frozen=True, slots=True)
class Home:
    """Where the assistant lives: the user's folders, and how to read the settings anew."""

    folders: Folders
    read_config: Callable[[], Config]


class Daemon:
    """Runs the assistant until SIGINT or SIGTERM.

    Args:
        home: see there.
        open_sound: opens the sound devices of the settings inside the event loop.
        observer: told of every event.
        began: called with the wake phrase when it listens, at the start and after a reload.
    """

    def __init__(self, home: Home, open_sound: OpenSound, observer: app.Observer, began: Callable[[str], None]) -> None:
        self._home, self._open_sound, self._observer, self._began = home, open_sound, observer, began
        self._notifier = Notifier()
        self._watchers = Watchers()
        self._mute = Mute()
        self._state = StateKeeper(self._state_changed, self._microphone_off)
        self._reloading = anyio.Lock()
        self._next: tuple[Config, app.Engines] | None = None
        self._previous: tuple[Config, app.Engines] | None = None
        self._refused: DeviceError | None = None
        self._current = anyio.CancelScope()

    async def run(self, config: Config) -> None:
        """Live. Raises DeviceError, ModelError, ConfigError when it cannot begin or the sound devices stay away."""
        self._switches = privacy_switches(config, self._home.folders)
        self._indicator = IndicatorThread(make_indicator(config.indicator.name, config.indicator.argument))
        self._remote = Remote(self._state, self._mute, self._switches, self._home.folders.state, self.reload)
        control = ControlServer(own_socket(), self._remote.handle, self._watchers)
        self._state.refresh()
        try:
            async with anyio.create_task_group() as tasks:
                self._scope = tasks.cancel_scope
                await tasks.start(self._obey_signals)
                tasks.start_soon(self._feed_watchdog)
                await tasks.start(control.serve)
                tasks.start_soon(self._show_meter)
                await self._live(config)
                tasks.cancel_scope.cancel()
        finally:
            self._notifier.stopping()
            self._state.set("stopped")
            self._indicator.close()
            self._notifier.close()

    async def reload(self) -> None:
        """Read the settings and load what they name; the old assistant listens until the new one is ready.

        Raises:
            ConfigError, ModelError, DeviceError: something is wrong; the old assistant lives on.
        """
        async with self._reloading:
            while self._remote.running is None:  # the first one is still loading
                await anyio.sleep(0.05)
            self._notifier.reloading()
            try:
                config = self._home.read_config()
                check(config, self._home.folders)
                engines = await self._load(config)
                await self._take_over(config, engines)
            finally:
                self._notifier.ready("listening")

    async def _take_over(self, config: Config, engines: app.Engines) -> None:
        running = self._remote.running
        with anyio.move_on_after(RELOAD_PATIENCE_SECONDS):
            while running is not None and not running.assistant.pipeline.resting:
                await anyio.sleep(0.05)
        self._next = (config, engines)
        self._current.cancel()
        while self._next is not None or self._remote.running is None:
            await anyio.sleep(0.02)
        if self._refused is not None:
            raise self._refused
        log.info("the settings were read anew")

    async def _live(self, config: Config) -> None:
        """One assistant after another, each until the settings are read anew."""
        engines = await self._load(config)
        while True:
            try:
                with anyio.CancelScope() as self._current:
                    await self._live_once(config, engines)
            except DeviceError as error:
                if self._previous is None:
                    raise
                engines.brain.timers.close()  # the new settings name a device that is not there: back to the old ones
                (config, engines), self._previous, self._refused = self._previous, None, error
                continue
            if self._next is None:
                return
            self._previous, self._refused = (config, engines), None
            (config, engines), self._next = self._next, None

    async def _load(self, config: Config) -> app.Engines:
        """Load the engines in a thread that is left behind when the assistant ends meanwhile."""
        load = partial(app.load_engines, config, self._home.folders, sees=bool(config.camera.source))
        return await to_thread.run_sync(load, abandon_on_cancel=True)

    async def _live_once(self, config: Config, engines: app.Engines) -> None:
        observers: list[app.Observer] = [self._observer, self._state, self._log, self._watch]
        with ExitStack() as stack:
            recorder = make_recorder(config, self._home.folders)
            if recorder is not None:
                stack.callback(recorder.close)
                observers.append(recorder)
            camera = self._open_camera(config)
            if camera is not None:
                stack.callback(camera.close)
                observers.append(lambda event: camera.prepare() if isinstance(event, events.WakeDetected) else None)
            sound = self._open_sound(config, engines)
            stack.callback(sound.speaker.close)
            stack.callback(sound.speaker.flush)
            heard = recorder.hear if recorder is not None else None
            microphone = SwitchedMicrophone(sound.open_microphone, self._microphone_off, heard)
            stack.callback(microphone.close)
            eyes = DeviceCamera(camera) if camera is not None else None
            assistant = app.Assistant(engines, config, Edges(microphone, sound.speaker, eyes, sound.echo_free), observers)
            microphone.resting = lambda: assistant.pipeline.resting
            self._remote.running = Running(assistant, engines, microphone, eyes, lambda: camera_state(camera))
            if self._previous is not None:
                self._previous[1].brain.timers.close()
                self._previous = None
            self._state.set("asleep")
            self._notifier.ready("listening")
            log.info("listening")
            self._began(engines.wake.phrase)
            stack.callback(setattr, self._remote, "running", None)
            await assistant.run()

    def _open_camera(self, config: Config) -> LatestCamera | None:
        if not config.camera.source:
            return None
        settings = CameraSettings(**config.camera.model_dump(exclude={"area"}))
        return LatestCamera(settings, lambda: self._switches["camera"].off, self._camera_opened)

    def _camera_opened(self, is_open: bool) -> None:
        """Called from the camera's thread: the indicator shows that it looks, those who watch see it."""
        self._indicator.show("looking" if is_open else self._state.state)

    def _microphone_off(self) -> bool:
        return self._mute.on or self._switches["microphone"].off

    def _state_changed(self, state: State) -> None:
        self._indicator.show(state)
        self._watchers.tell({"state": state})

    def _watch(self, event: Event) -> None:
        if len(self._watchers):
            self._watchers.tell(json.loads(events.to_json(event)))

    def _log(self, event: Event) -> None:
        match event:
            case events.StageFailed():
                log.warning("turn %d: stage %s failed: %s", event.turn, event.stage, event.code)
            case events.AudioDropped():
                log.warning("%.2f s of sound were lost: the machine was too slow", event.seconds)
            case events.TurnMeasured(total_ms=float()):
                log.info("turn %d answered in %.0f ms", event.turn, event.total_ms)

    async def _feed_watchdog(self) -> None:
        """A sign of life from the event loop: when the loop is blocked there is none, and the service manager starts us anew."""
        while self._notifier.watchdog_seconds:
            self._notifier.alive()
            await anyio.sleep(self._notifier.interval_seconds)

    async def _show_meter(self) -> None:
        """Level and switches for those who watch; a switch that was moved is noticed here."""
        while True:
            await anyio.sleep(METER_SECONDS if len(self._watchers) else SWITCH_CHECK_SECONDS)
            self._state.refresh()
            running = self._remote.running
            if len(self._watchers) and running is not None:
                self._watchers.tell({"level_db": round(running.microphone.level, 1), "state": self._state.state})

    async def _obey_signals(self, *, task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
            task_status.started()
            async with anyio.create_task_group() as reloads:
                async for number in signals:
                    if number == signal.SIGHUP:
                        reloads.start_soon(self._reload_or_log)
                        continue
                    log.info("stopping")
                    _end_at_latest(END_SECONDS)
                    self._notifier.stopping()
                    self._scope.cancel()
                    return

    async def _reload_or_log(self) -> None:
        try:
            await self.reload()
        except AssistantError as error:
            log.error("the settings were not taken over: %s", error)


def _end_at_latest(seconds: float) -> None:
    """End the process even when a driver or a model holds a thread: nothing unsaved is lost, timers are on the disk."""
    deadline = threading.Timer(seconds, os._exit, (0,))
    deadline.daemon = True
    deadline.start()
