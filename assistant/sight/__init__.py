"""Eyes: what is in view while somebody speaks, which devices that is, and the names it was given.

    eyes = Eyes(load_engine, LearnedNames(folder / NAMES_FILE))
    eyes.show(image)                 # the frame of the moment the user began to speak; nothing is looked at yet
    eyes.look().objects[0].label     # only now, and once for each frame: "tv"

The way of "turn that off": pointing.py finds the words that point, linking.py says which of the home's devices is in view, and
the sentence is understood with that device in place of "that". Questions about the view are sentences of their own
(questions.py), answered by `assistant.skills.sight`. A picture is in memory until the next one and is never written, logged or
sent by this room.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from assistant.engines import Pixels, Sight, TextReader, VisionEngine
from assistant.errors import SkillError
from assistant.ports import Image
from assistant.sight.learned import LearnedNames

__all__ = ["Eyes", "LearnedNames"]

NO_PICTURE = "I cannot see anything at the moment. Please check the camera."

REMEMBERED = 3
"""Frames of earlier requests that are kept as what was seen in them, so that a thing missed in one is known from another."""


def no_reader() -> TextReader:
    """For eyes that cannot read. Raises SkillError."""
    raise SkillError("I cannot read text here.")


class Eyes:
    """The sight of one assistant; used by one turn at a time.

    engine: loads the vision engine, called at the first look; may raise ModelError. names: what has been taught.
    area: the room the camera looks at, "" = not known. reader: loads the engine that reads text; may raise ConfigError.
    """

    def __init__(
        self,
        engine: Callable[[], VisionEngine],
        names: LearnedNames,
        area: str = "",
        reader: Callable[[], TextReader] = no_reader,
    ) -> None:
        self._load, self._load_reader = engine, reader
        self._engine: VisionEngine | None = None
        self._reader: TextReader | None = None
        self._image: Image | None = None
        self._sights: tuple[Sight, ...] = ()
        self._looked = False
        self.names = names
        self.area = area

    def show(self, image: Image | None) -> None:
        """The frame of the present turn, None = there is none. The one before is forgotten."""
        self._image, self._looked = image, False

    @property
    def open(self) -> bool:
        """Whether there is a frame to look at."""
        return self._image is not None

    @property
    def looked(self) -> bool:
        """Whether the present frame has been looked at."""
        return self._looked

    @property
    def pixels(self) -> Pixels:
        """The present frame. Raises SkillError when there is none."""
        if self._image is None:
            raise SkillError(NO_PICTURE)
        return cast(Pixels, self._image.pixels)

    def read(self) -> list[str]:
        """The lines of text in the present frame, from the top; blocking, seconds. Raises SkillError, ConfigError."""
        pixels = self.pixels
        if self._reader is None:
            self._reader = self._load_reader()
        return self._reader.read(pixels)

    def look(self) -> Sight:
        """What is in the present frame; blocking, tens of milliseconds once for each frame. Raises SkillError, ModelError."""
        if not self._looked:
            pixels = self.pixels
            if self._engine is None:
                self._engine = self._load()
            self._sights = (*self._sights, self._engine.look(pixels))[-REMEMBERED:]
            self._looked = True
        return self._sights[-1]

    @property
    def sights(self) -> tuple[Sight, ...]:
        """What was seen in the last frames that were looked at, oldest first."""
        return self._sights

    def forget(self) -> None:
        """Forget what was seen, as when the conversation has ended."""
        self._image, self._sights, self._looked = None, (), False
