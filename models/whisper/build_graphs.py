"""Writes the ONNX graphs of Whisper tiny.en and the recipe of their weights file.

    python -m models.whisper.build_graphs                       # rewrites assistant/engines/graphs/whisper-tiny.en.*
    python -m models.whisper.build_graphs --precision fp32 --out DIR

Three graphs: the encoder runs once for an utterance, the decoder once for a token, the head turns the decoder's output into
scores for every token (kept apart, so that a search over a small grammar can multiply by its own few columns instead).
A second encoder is for where many talk: our change is added to its weights.
Architecture: Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision", and the reference code
openai/whisper model.py. The output depends on this file alone: the same bytes every time, checked by a test.
"""

from __future__ import annotations

from onnx import TensorProto

from models.whisper.network import Network, Precision
from models.whisper.recipe import GRAPHS, with_recipe, write_files

SOURCE_SHA256 = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
"""model.bin of Systran/faster-whisper-tiny.en (CTranslate2 format, MIT licence), 75,537,502 bytes."""

WEIGHTS_SHA256: dict[Precision, str] = {
    "int8": "e71479339c75a1f0b7280da4cfbcdc0effde35f8caf982b2125c8f07cdb4f510",
    "fp32": "beed4343ae93eb573900b7190042e5e8694a03cb047521ddcf68706194e921c4",
}
"""What the assembled weights file must hash to; printed by tests/unit/test_whisper_weights.py when a change here moves it."""

CHANGE = "whisper-tiny.en.babble.change.npz"
"""What models/whisper/train_encoder.py learned; written by models/whisper/save_change.py."""

BABBLE_SHA256: dict[Precision, str] = {
    "int8": "35b3cd3082484143aefa43641456a484b36c0ab13d5cbd726b021813309d4674",
    "fp32": "e664535ecb58589b0253e428c43027f2620f94c721133be15dab67d9dc45cc34",
}
"""The same of the second encoder's weights."""


class WhisperGraphs(Network):
    """Builds the graphs of one model in one precision; the three share one weights file."""

    def files(self) -> dict[str, bytes]:
        """File name -> content of the three graphs and the recipe."""
        graphs = {"encoder": self.encoder(), "decoder": self.decoder(), "head": self.head()}
        return with_recipe(self, graphs, SOURCE_SHA256, WEIGHTS_SHA256[self.precision])

    def encoder(self) -> bytes:
        """mel float32 (1, mels, T) -> xk, xv float32 (layers, heads, T/2, 64): what each decoder layer looks at."""
        g, s = self._start("encoder"), self.sizes
        x = self._gelu(self._conv("mel", "encoder/conv1", (s.width, s.mels, 3), stride=1))
        x = self._gelu(self._conv(x, "encoder/conv2", (s.width, s.width, 3), stride=2))
        x = g.op("Transpose", x, perm=[0, 2, 1])  # (1, width, T/2) -> (1, T/2, width)
        positions = g.weight("encoder/position_encodings/encodings", "float32", (s.audio_positions, s.width))
        length = g.op("Slice", g.op("Shape", x), g.constant([1]), g.constant([2]))
        x = g.op("Add", x, g.op("Slice", positions, g.constant([0]), length, g.constant([0])))
        for layer in range(s.layers):
            x = self._encoder_layer(x, f"encoder/layer_{layer}")
        x = self._norm(x, "encoder/layer_norm")
        keys, values = [], []
        for layer in range(s.layers):
            both = self._linear(x, f"decoder/layer_{layer}/attention/linear_1", (2 * s.width, s.width))
            k, v = g.op("Split", both, axis=2, outputs=2)
            keys.append(self._heads(k))
            values.append(self._heads(v))
        shape: list[str | int] = [s.layers, s.heads, "audio", s.width // s.heads]
        return g.serialize(
            [("mel", TensorProto.FLOAT, [1, s.mels, "frames"])],
            [("xk", g.op("Concat", *keys, axis=0), shape), ("xv", g.op("Concat", *values, axis=0), shape)],
        )

    def decoder(self) -> bytes:
        """One step of text: tokens and what was heard and said so far -> the state that predicts the next token.

        tokens int32 (B, T); xk, xv from the encoder, shared by all B hypotheses; past_k, past_v float32 (layers, B, heads, P,
        64) of the P tokens before. Returns hidden float32 (B, width) of the last token, and new_k, new_v with P + T positions.
        """
        g, s = self._start("decoder"), self.sizes
        total, past = self._text_lengths()
        x = g.op("Add", self._embedding(), self._text_positions(past, total))
        mask = self._causal_mask(past, total)
        new_keys, new_values = [], []
        for layer in range(s.layers):
            x, k, v = self._decoder_layer(x, layer, mask)
            new_keys.append(g.op("Unsqueeze", k, g.constant([0])))
            new_values.append(g.op("Unsqueeze", v, g.constant([0])))
        last = g.op("Gather", x, g.constant(-1), axis=1)  # (B, T, width) -> (B, width)
        hidden = self._norm(last, "decoder/layer_norm")
        size = s.width // s.heads
        cross: list[str | int] = [s.layers, s.heads, "audio", size]
        cache: list[str | int] = [s.layers, "batch", s.heads, "past", size]
        grown: list[str | int] = [s.layers, "batch", s.heads, "past+tokens", size]
        inputs: list[tuple[str, int, list[str | int]]] = [("tokens", TensorProto.INT32, ["batch", "tokens"])]
        inputs += [(name, TensorProto.FLOAT, cross) for name in ("xk", "xv")]
        inputs += [("bias", TensorProto.FLOAT, ["audio"])]
        inputs += [(name, TensorProto.FLOAT, cache) for name in ("past_k", "past_v")]
        new_k, new_v = g.op("Concat", *new_keys, axis=0), g.op("Concat", *new_values, axis=0)
        return g.serialize(inputs, [("hidden", hidden, ["batch", s.width]), ("new_k", new_k, grown), ("new_v", new_v, grown)])

    def head(self) -> bytes:
        """hidden float32 (N, width) -> logits float32 (N, vocabulary). The matrix is the token table, as in the paper."""
        g, s = self._start("head"), self.sizes
        logits = self._product("hidden", "decoder/embeddings/weight", (s.vocabulary, s.width))
        return g.serialize([("hidden", TensorProto.FLOAT, ["rows", s.width])], [("logits", logits, ["rows", s.vocabulary])])


class BabbleGraphs(WhisperGraphs):
    """The encoder for where many talk, with a recipe and a weights file of its own."""

    def files(self) -> dict[str, bytes]:
        """File name -> content of the encoder, the recipe and our change to the weights."""
        files = with_recipe(self, {"encoder": self.encoder()}, SOURCE_SHA256, BABBLE_SHA256[self.precision], CHANGE)
        return {**files, CHANGE: (GRAPHS / CHANGE).read_bytes()}


def all_files(precision: Precision) -> dict[str, bytes]:
    """File name -> content of everything that the runtime prepares Whisper from."""
    return {
        **WhisperGraphs("whisper-tiny.en", precision).files(),
        **BabbleGraphs("whisper-tiny.en.babble", precision).files(),
    }


def main() -> None:
    """Command line; see the top of this file."""
    write_files(__doc__, all_files)


if __name__ == "__main__":
    main()
