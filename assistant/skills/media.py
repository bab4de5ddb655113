"""TVs and music players: play, pause, skip, and their volume. The assistant's own loudspeaker is in volume.py."""

from __future__ import annotations

from dataclasses import dataclass

from assistant import spoken
from assistant.devices import Entity
from assistant.events import Action
from assistant.home import Home
from assistant.skills import Reply, Services, skill
from assistant.skills.devices import Target, find, set_all, step_all


@dataclass(frozen=True, slots=True)
class VolumeTarget(Target):
    """volume_level: percent. volume_step: "up", "down", or percent to add."""

    volume_level: int = 0
    volume_step: str = "up"


@skill("HassMediaPause")
async def pause(slots: Target, services: Services) -> Reply:
    """Pause what plays."""
    return await set_all(_players(slots, services.home), "state", "paused", "paused", services.home)


@skill("HassMediaUnpause")
async def play(slots: Target, services: Services) -> Reply:
    """Play on."""
    return await set_all(_players(slots, services.home), "state", "playing", "playing", services.home)


@skill("HassMediaNext")
async def next_track(slots: Target, services: Services) -> Reply:
    """The next song or channel."""
    return await _skip(slots, services.home, 1)


@skill("HassMediaPrevious")
async def previous_track(slots: Target, services: Services) -> Reply:
    """The one before."""
    return await _skip(slots, services.home, -1)


@skill("HassMediaPlayerMute")
async def mute(slots: Target, services: Services) -> Reply:
    """Silence a player."""
    return await set_all(_players(slots, services.home), "muted", "yes", "muted", services.home)


@skill("HassMediaPlayerUnmute")
async def unmute(slots: Target, services: Services) -> Reply:
    """Let it be heard again."""
    return await set_all(_players(slots, services.home), "muted", "no", "not muted any more", services.home)


@skill("HassSetVolume")
async def set_volume(slots: VolumeTarget, services: Services) -> Reply:
    """A player's volume."""
    said = f"at {spoken.percent(slots.volume_level)} volume"
    return await set_all(_players(slots, services.home), "volume", slots.volume_level, said, services.home)


@skill("HassSetVolumeRelative")
async def change_volume(slots: VolumeTarget, services: Services) -> Reply:
    """A player louder or quieter."""
    step = {"up": 10.0, "down": -10.0}.get(slots.volume_step)
    return await step_all(_players(slots, services.home), step if step is not None else float(slots.volume_step), services.home)


async def _skip(slots: Target, home: Home, by: int) -> Reply:
    players = _players(slots, home)
    actions = tuple(Action(player.id, "track", int(home.state(player.id)["track"]) + by) for player in players)
    for action in actions:
        await home.apply(action)
    return Reply("Next one." if by > 0 else "Going back.", actions=actions, devices=tuple(player.id for player in players))


def _players(slots: Target, home: Home) -> tuple[Entity, ...]:
    """The players that are meant; without a name those that are not off."""
    found = find(slots, home, "media_player")
    running = tuple(player for player in found if home.state(player.id)["state"] != "off")
    return found if slots.name or not running else running
