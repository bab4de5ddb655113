"""Graphs that stand in for one graph: what devices want split is put together again here, behind the same inputs and outputs."""

from __future__ import annotations

import numpy as np

from assistant.engines.session import Array, Backend


class StaticMemory:
    """Whisper's decoder with a memory of fixed size, used as if its memory grew.

    The fixed form takes `position` and reads and writes all places of past_k and past_v, (layers, B, heads, places, 64); the
    growing form has as many places as tokens were said. A text must be shorter than the places.
    """

    def __init__(self, graph: Backend) -> None:
        self._graph = graph
        self.provider = graph.provider
        self.inputs = tuple(name for name in graph.inputs if name != "position")
        self.outputs = graph.outputs
        places = graph.input_shapes["past_k"][3]
        assert isinstance(places, int)
        self._places = places
        self.input_shapes = {name: graph.input_shapes[name] for name in self.inputs}
        for name in ("past_k", "past_v"):
            self.input_shapes[name] = [*graph.input_shapes[name][:3], "past", graph.input_shapes[name][4]]

    def run(self, feeds: dict[str, Array], outputs: list[str] | None = None) -> dict[str, Array]:
        """See Backend.run. Several tokens of a text are taken one after the other."""
        tokens, past = feeds["tokens"], feeds["past_k"].shape[3]
        count = tokens.shape[1]
        if past + count > self._places:
            raise ValueError(f"the decoder's memory holds {self._places} tokens")
        state = {name: self._filled(feeds[name]) for name in ("past_k", "past_v")}
        results: dict[str, Array] = {}
        for place in range(count):
            step = {"tokens": tokens[:, place : place + 1], "position": np.array([past + place], np.int32)}
            results = self._graph.run({**feeds, **state, **step})
            state = {"past_k": results["new_k"], "past_v": results["new_v"]}
        for name in ("new_k", "new_v"):
            results[name] = results[name][:, :, :, : past + count]
        return results if outputs is None else {name: results[name] for name in outputs}

    def _filled(self, memory: Array) -> Array:
        layers, batch, heads, past, size = memory.shape
        whole = np.zeros((layers, batch, heads, self._places, size), np.float32)
        whole[:, :, :, :past] = memory
        return whole


class TwoGraphVoice:
    """hibari's text and frames graphs, used as its one published graph: ids, speed -> lh, theta, ln, lr, phi, f0.

    Between them each phoneme's features are repeated for as many frames as it lasts: its duration, rounded, at least one.
    """

    def __init__(self, text: Backend, frames: Backend) -> None:
        self._text, self._frames = text, frames
        self.provider = frames.provider
        self.inputs, self.outputs = text.inputs, frames.outputs
        self.input_shapes = text.input_shapes

    def run(self, feeds: dict[str, Array], outputs: list[str] | None = None) -> dict[str, Array]:
        """See Backend.run."""
        heard = self._text.run(feeds)
        counts = np.maximum(np.round(heard.pop("durations")), 1).astype(np.int64)
        index = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
        return self._frames.run({**heard, "index": index}, outputs)
