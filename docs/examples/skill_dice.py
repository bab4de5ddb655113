"""A skill of one's own: put this file into the folder `skills` of your configuration, and say "roll two dice"."""

import random
from dataclasses import dataclass

from assistant.skills import Reply, Services, skill


@dataclass(frozen=True)
class Dice:
    """count: how many."""

    count: int = 1


@skill("RollDice", sentences=["(roll|throw) [a|the|{count}] (die|dice)"], lists={"count": range(1, 7)})
async def roll(slots: Dice, services: Services) -> Reply:
    """Roll them."""
    rolled = [random.randint(1, 6) for _ in range(slots.count)]
    return Reply(f"You rolled {' and '.join(map(str, rolled))}.")
