"""Whisper in PyTorch (models/whisper/torch_model.py) behind the inputs and outputs of the graphs: what they are compared with.

It computes in float64: where the graph's own float32 sums are judged, the judge's must not be as inexact.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from assistant.engines.whisper_decoder import BABBLE, MODEL
from assistant.engines.whisper_weights import GRAPHS, Recipe
from export.spec import Array, Feeds, Run


def whisper_part(part: str) -> Callable[[Path], Run | None]:
    """(folder of the model) -> what computes that part; None without torch."""

    def make(folder: Path) -> Run | None:
        if find_spec("torch") is None:
            return None
        whisper = Oracle(folder / "model.bin", BABBLE if part == "encoder_babble" else MODEL)
        run: Run = {
            "encoder": whisper.encode,
            "encoder_babble": whisper.encode,
            "decoder": whisper.decode,
            "decoder_static": whisper.decode_static,
            "head": whisper.head,
        }[part]
        return run

    return make


class Oracle:
    """The parts as functions of named arrays, with the inputs and outputs of the graphs in models/whisper/build_graphs.py.

    name: MODEL, or BABBLE for the second encoder.
    """

    def __init__(self, model_bin: Path, name: str) -> None:
        import torch

        from models.whisper.torch_model import Sound, TorchWhisper

        recipe = Recipe.load(GRAPHS / f"{name}.weights.json")
        self._torch, self._sound, self._whisper = torch, Sound, TorchWhisper(recipe.variables(model_bin))

    def _tensor(self, array: Array) -> Any:
        wide = array.astype(np.float64) if array.dtype == np.float32 else array
        return self._torch.from_numpy(np.ascontiguousarray(wide))

    @staticmethod
    def _array(tensor: Any) -> Array:
        return np.asarray(tensor.float().numpy())

    def encode(self, feeds: Feeds) -> Feeds:
        """mel (1, 80, T) -> xk, xv."""
        pairs = self._whisper.pairs(self._whisper.listen(self._tensor(feeds["mel"])))
        return {name: self._array(self._torch.cat([pair[i] for pair in pairs])) for i, name in enumerate(("xk", "xv"))}

    def decode(self, feeds: Feeds) -> Feeds:
        """One token with a growing memory."""
        new, hidden = self._step(feeds, None)
        return {"hidden": hidden, **new}

    def decode_static(self, feeds: Feeds) -> Feeds:
        """One token with a memory of fixed size: the growing one, cut before the place and put back."""
        place = int(feeds["position"][0])
        new, hidden = self._step(feeds, place)
        whole = {}
        for name, old in (("new_k", "past_k"), ("new_v", "past_v")):
            memory = feeds[old].copy()
            memory[:, :, :, place] = new[name][:, :, :, place]
            whole[name] = memory
        return {"hidden": hidden, **whole}

    def _step(self, feeds: Feeds, cut: int | None) -> tuple[Feeds, Array]:
        keys, values = (self._tensor(feeds[name]) for name in ("xk", "xv"))
        past = [self._tensor(feeds[name][:, :, :, :cut]) for name in ("past_k", "past_v")]
        sound = self._sound([*zip(keys, values, strict=True)], self._tensor(feeds["bias"]))
        tokens = self._tensor(feeds["tokens"].astype(np.int64))
        hidden, memory = self._whisper.decode(tokens, sound, [*zip(*past, strict=True)])
        new = {name: self._array(self._torch.stack([pair[i] for pair in memory])) for i, name in enumerate(("new_k", "new_v"))}
        return new, self._array(hidden[:, -1])

    def head(self, feeds: Feeds) -> Feeds:
        """hidden (N, width) -> logits."""
        return {"logits": self._array(self._whisper.logits(self._tensor(feeds["hidden"])))}
