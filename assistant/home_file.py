"""Reading a home from a TOML file, and saying exactly what is wrong with it. The default home is assistant/home.toml."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from assistant.devices import ATTRIBUTES, RANGES, STATES, Entity, State
from assistant.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEFAULT_HOME = Path(__file__).parent / "home.toml"

ENTITY_KEYS = ("name", "domain", "area", "aliases", "kind", "state", "id")
FILE_KEYS = ("here", "entity")


@dataclass(frozen=True, slots=True)
class HomeFile:
    """What a file declares. here: the assistant's room, "" = not known; states: entity id -> the declared attributes."""

    entities: tuple[Entity, ...]
    here: str
    states: Mapping[str, State]


def read_home(path: Path | None = None) -> HomeFile:
    """The home of a TOML file; None = the default home. Raises ConfigError with file, place and fix."""
    source = path or DEFAULT_HOME
    try:
        data = tomllib.loads(source.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{source}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{source}: not valid TOML: {error}") from error
    except RecursionError as error:
        raise ConfigError(f"{source}: not valid TOML: it is nested too deeply; check brackets") from error
    _known_keys(data, FILE_KEYS, str(source))
    tables = data.get("entity", [])
    if not isinstance(tables, list):
        raise ConfigError(f"{source}: write [[entity]] with two brackets for each device")
    entities: list[Entity] = []
    states: dict[str, dict[str, Any]] = {}
    for number, table in enumerate(tables, start=1):
        where = f"{source}: entity {number} ({table.get('name', 'no name')!r})"
        entity = _entity(table, where)
        entities.append(entity)
        states[entity.id] = _state(table.get("state", {}), entity, where)
    _unique(entities, source)
    here = data.get("here", "")
    areas = {entity.area for entity in entities}
    if here and here not in areas:
        raise ConfigError(f"{source}: here = {here!r} is not the area of any device{_meant(here, areas)}")
    return HomeFile(tuple(entities), here, states)


def _entity(table: Mapping[str, Any], where: str) -> Entity:
    _known_keys(table, ENTITY_KEYS, where)
    for key in ("name", "domain"):
        if not isinstance(table.get(key), str) or not table[key].strip():
            raise ConfigError(f'{where}: key "{key}" is missing; add {key} = "..."')
    domain = table["domain"]
    if domain not in ATTRIBUTES:
        raise ConfigError(
            f"{where}: domain = {domain!r} is unknown{_meant(domain, ATTRIBUTES)}; choose one of {', '.join(ATTRIBUTES)}"
        )
    for key in ("area", "kind", "id"):
        if not isinstance(table.get(key, ""), str):
            raise ConfigError(f'{where}: key "{key}" must be a text in quotes')
    aliases = table.get("aliases", [])
    if not isinstance(aliases, list) or not all(isinstance(alias, str) and alias.strip() for alias in aliases):
        raise ConfigError(f'{where}: aliases must be a list of names: aliases = ["floor lamp"]')
    name = " ".join(table["name"].split())
    identity = table.get("id") or f"{domain}.{name.lower().replace(' ', '_')}"
    return Entity(identity, name, domain, table.get("area", ""), tuple(aliases), table.get("kind", ""))


def _state(given: Any, entity: Entity, where: str) -> dict[str, Any]:
    """The declared state, checked against what the domain has."""
    if not isinstance(given, dict):
        raise ConfigError(f'{where}: state must be a table: state = {{ state = "on" }}')
    allowed = ATTRIBUTES[entity.domain]
    for key, value in given.items():
        if key not in allowed:
            raise ConfigError(f"{where}: a {entity.domain} has no {key!r}{_meant(key, allowed)}; it has {', '.join(allowed)}")
        if key == "state" and entity.domain in STATES and value not in STATES[entity.domain]:
            raise ConfigError(f"{where}: state = {value!r} must be one of {', '.join(STATES[entity.domain])}")
        if key in RANGES and not (isinstance(value, (int, float)) and RANGES[key][0] <= value <= RANGES[key][1]):
            raise ConfigError(f"{where}: {key} = {value!r} must be from {RANGES[key][0]:g} to {RANGES[key][1]:g}")
    return dict(given)


def _unique(entities: list[Entity], source: Path) -> None:
    """Refuse two devices of one name, alias or id: a command could not tell them apart."""
    owner: dict[str, str] = {}
    for entity in entities:
        for name in entity.names:
            key = " ".join(name.lower().split())
            if key in owner:
                raise ConfigError(
                    f"{source}: the name {name!r} belongs to both {owner[key]} and {entity.id}; rename one or remove the alias"
                )
            owner[key] = entity.id
    ids = [entity.id for entity in entities]
    doubled = next((identity for identity in ids if ids.count(identity) > 1), None)
    if doubled is not None:
        raise ConfigError(f'{source}: the id {doubled!r} is used twice; give one of them its own: id = "..."')


def _known_keys(table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in known:
            raise ConfigError(f'{where}: key "{key}" is unknown{_meant(key, known)}; known keys: {", ".join(known)}')


def _meant(word: str, known: Any) -> str:
    close = get_close_matches(str(word), list(known), n=1)
    return f'; did you mean "{close[0]}"?' if close else ""
