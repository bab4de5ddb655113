"""Writes the ONNX graph of MiniLM's frozen lower layers and the recipe of their weights file.

    python -m models.intent.build_trunk                      # rewrites assistant/engines/graphs/minilm-l6.*
    python -m models.intent.build_trunk --precision fp32 --out DIR

The graph holds no weights: `assistant/engines/minilm_weights.py` fills them in from the published model.safetensors.
Architecture: BERT (Devlin et al. 2018), six layers of width 384, of which the lower `FROZEN` are used as they were published.
"""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from models.intent.minilm import FROZEN, HEADS, NAMES, WIDTH
from models.whisper.network import Network, Precision, Sizes
from models.whisper.recipe import with_recipe, write_files

SOURCE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""model.safetensors of sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), 90,868,376 bytes."""

WEIGHTS_SHA256: dict[Precision, str] = {
    "int8": "a56d0a4142455032d9ed34e4ed8517f2aeb214024ed45b32b1c3d421d928c9a0",
    "fp32": "df67f38710ff13e6089e982d3ab27c91fb0a4e7ad89be93722f45b661023d7d8",
}
"""What the assembled weights file must hash to; printed by the test of the weights when a change here moves it."""

VOCABULARY, PLACES = 30522, 512


class TrunkGraph(Network):
    """The lower layers as a graph for one sentence."""

    def __init__(self, precision: Precision) -> None:
        super().__init__("minilm-l6", precision, Sizes(width=WIDTH, heads=HEADS, layers=FROZEN))

    def files(self) -> dict[str, bytes]:
        """File name -> content of the graph and the recipe."""
        return with_recipe(self, {"trunk": self.trunk()}, SOURCE_SHA256, WEIGHTS_SHA256[self.precision])

    def trunk(self) -> bytes:
        """ids int64 (1, T) -> hidden float32 (1, T, 384)."""
        g = self._start("trunk")
        length = g.op("Slice", g.op("Shape", "ids"), g.constant([1]), g.constant([2]))
        table = g.weight("embeddings.position_embeddings.weight", "float32", (PLACES, WIDTH))
        places = g.op("Slice", table, g.constant([0]), length, g.constant([0]))
        kinds = g.weight("embeddings.token_type_embeddings.weight", "float32", (2, WIDTH))
        kind = g.op("Gather", kinds, g.constant(0), axis=0)
        x = g.op("Add", g.op("Add", self._pieces(), places), kind)
        x = self._published_norm(x, "embeddings.LayerNorm")
        for number in range(FROZEN):
            x = self._layer(x, f"encoder.layer.{number}")
        return g.serialize([("ids", TensorProto.INT64, [1, "pieces"])], [("hidden", x, [1, "pieces", WIDTH])])

    def _pieces(self) -> str:
        """ids (1, T) -> (1, T, 384). In int8 every row of the table has a scale of its own."""
        g, source, shape = self._graph, "embeddings.word_embeddings.weight", (VOCABULARY, WIDTH)
        if self.precision == "fp32":
            columns = g.op("Gather", g.weight(source, "transposed", shape), "ids", axis=1)
            return str(g.op("Transpose", columns, perm=[1, 2, 0]))
        columns = g.op("Gather", g.weight(source, "int8_columns", shape), "ids", axis=1)  # (384, 1, T)
        rows = g.op("Cast", g.op("Transpose", columns, perm=[1, 2, 0]), to=TensorProto.FLOAT)
        scale = g.op("Gather", g.weight(source, "int8_scales", shape), "ids", axis=0)  # (1, T)
        return str(g.op("Mul", rows, g.op("Unsqueeze", scale, g.constant([-1]))))

    def _layer(self, x: str, name: str) -> str:
        """One BERT layer, normalised after each half."""
        g, square, tall = self._graph, (WIDTH, WIDTH), (4 * WIDTH, WIDTH)
        q, k, v = (self._heads(self._dense(x, f"{name}.{NAMES[part]}", square)) for part in ("query", "key", "value"))
        mixed = self._dense(self._attention(q, k, v), f"{name}.{NAMES['join']}", square)
        x = self._published_norm(g.op("Add", x, mixed), f"{name}.{NAMES['norm_1']}")
        wide = self._gelu(self._dense(x, f"{name}.{NAMES['grow']}", tall))
        narrow = self._dense(wide, f"{name}.{NAMES['shrink']}", tall[::-1])
        return self._published_norm(g.op("Add", x, narrow), f"{name}.{NAMES['norm_2']}")

    def _dense(self, x: str, name: str, shape: tuple[int, int]) -> str:
        bias = self._graph.weight(f"{name}.bias", "float32", shape[:1])
        return str(self._graph.op("Add", self._product(x, f"{name}.weight", shape), bias))

    def _published_norm(self, x: str, name: str) -> str:
        g = self._graph
        scale, shift = (g.weight(f"{name}.{part}", "float32", (WIDTH,)) for part in ("weight", "bias"))
        return str(g.op("LayerNormalization", x, scale, shift, axis=-1, epsilon=float(np.float32(1e-12))))


def main() -> None:
    """Command line; see the top of this file."""
    write_files(__doc__, lambda precision: TrunkGraph(precision).files())


if __name__ == "__main__":
    main()
