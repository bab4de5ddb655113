"""What a model is for, measured: each task runs the assistant's own engine over real inputs, with whatever graphs are put
under it.

A task returns a `Score`; `lost` compares two. "percent": higher is better. "labels": compared one by one with the other score's.
"signal": compared as sound, signal-to-noise ratio in dB.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from assistant.engines.session import OnnxSession
from assistant.engines.speech_embedding import FEATURES
from assistant.events import Samples
from assistant.wake.word import SHIPPED
from export import data
from export.data import Split
from export.score import Score
from export.spec import Array

Task = Callable[[Path, Split], Score]
"""(folder of the model's files, half of the data) -> score. Graphs are opened through OnnxSession, so a resolver decides
which."""


def voice_activity(folder: Path, split: Split) -> Score:
    """Frames whose decision (speech or not, threshold 0.5) stays the same."""
    from assistant.engines.vad_silero import SileroVad

    engine = SileroVad(folder)
    decisions: list[bool] = []
    for _, sound in [*data.spoken(split), *data.recordings(split, 24)]:
        engine.reset()
        decisions += [probability >= 0.5 for probability in engine.feed(data.in_noise(sound))]
    return Score("labels", "decisions of 32 ms frames, speech in kitchen noise", len(decisions), labels=decisions)


def recognition(folder: Path, split: Split) -> Score:
    """Words heard right, in percent (100 - word error rate), freely decoded; and the texts."""
    from assistant.engines.asr_whisper import WhisperAsr
    from export.paths import cache_folder

    engine = WhisperAsr(folder, cache_folder(), partial_every_ms=0)
    wrong, words, texts = 0, 0, []
    for sentence, sound in data.spoken(split):
        engine.accept(sound)
        texts.append(engine.finish().text)
        wanted = plain_words(sentence)
        wrong, words = wrong + distance(wanted, plain_words(texts[-1])), words + len(wanted)
    return Score("percent", "words right, sentences in two synthetic voices", words, 100 * (1 - wrong / words), labels=texts)


def hibari(folder: Path, split: Split) -> Score:
    """The voice's spectrum, at fp32's durations."""
    session = OnnxSession(folder / "hibari.onnx")
    vocabulary = _hibari_ids(folder)
    found = []
    for sentence, _ in data.spoken(split)[:8]:
        ids = np.array([[0, *vocabulary(sentence), 0]], np.int64)
        found.append(session.run({"ids": ids, "speed": np.ones(1, np.float32)})["lh"])
    return Score("signal", "spectrum of the voice (worst sentence; another duration counts as lost)", len(found), signal=found)


def _hibari_ids(folder: Path) -> Callable[[str], list[int]]:
    import json

    from hibari.g2p import G2P

    signs: dict[str, int] = json.loads((folder / "vocab.json").read_text("utf-8"))
    speak = G2P(british=False)
    return lambda text: [signs[sign] for sign in speak(text) if sign in signs]


def wake_features(folder: Path, split: Split) -> Score:
    """Embeddings of speech, openWakeWord's scaling between the two graphs."""
    mel, embed = OnnxSession(folder / "melspectrogram.onnx"), OnnxSession(folder / "embedding_model.onnx")
    found = []
    for _, sound in data.spoken(split)[:6]:
        frames = [mel.run({"input": sound[at : at + 1760].astype(np.float32)[None]}) for at in range(0, len(sound) - 1760, 1280)]
        mels = np.concatenate([next(iter(frame.values())).reshape(-1, 32) for frame in frames]) / 10 + 2
        windows = [mels[at : at + 76][None, :, :, None] for at in range(0, len(mels) - 75, 8)]
        found.append(np.stack([next(iter(embed.run({"input_1": window}).values())).ravel() for window in windows]))
        found.append(streaming(folder, sound))
    return Score("signal", "embeddings of speech, in windows and streamed (worst sentence)", len(found), signal=found)


def streaming(folder: Path, sound: Samples) -> Array:
    """The embeddings our own wake words see, computed with state from hop to hop."""
    from assistant.engines.speech_embedding import SpeechEmbedding
    from export.paths import cache_folder

    return SpeechEmbedding(folder, cache_folder()).feed(sound)


def detector(folder: Path, split: Split) -> Score:
    """YOLOX: mean average precision over COCO train photos."""
    from assistant.engines.vision_yolox import Yolox

    return _average_precision(Yolox(folder), split)


def own_detector(folder: Path, split: Split) -> Score:
    """Our detector: the same over those of its classes that COCO has."""
    from assistant.engines.vision_own import OwnVision

    return _average_precision(OwnVision(folder / "detector.onnx"), split)


def _average_precision(engine: Any, split: Split) -> Score:
    """Mean average precision at an overlap of 0.5. engine: has `candidates`, and `labels` in COCO's words where COCO has them."""
    from PIL import Image

    from assistant.engines.boxes import COCO, thinned
    from export.average_precision import mean_ap

    pictures = data.pictures(split, 64)
    if not pictures:
        return Score("none", "not measured: needs photos in EDGE_ASSISTANT_DATA")
    places = {COCO.index(name): place for place, name in enumerate(engine.labels) if name in COCO}
    found, wanted = [], []
    for file, rows in pictures:
        pixels = np.asarray(Image.open(file).convert("RGB"))
        height, width = pixels.shape[:2]
        seen = thinned(engine.candidates(pixels), 0.01)
        found.append((seen.corners, seen.scores))
        boxes = rows[[int(kind) in places for kind in rows[:, 0]]]
        middle, half = boxes[:, 1:3], boxes[:, 3:5] / 2
        corners = np.concatenate([middle - half, middle + half], axis=1) * [width, height, width, height]
        wanted.append((corners, np.array([places[int(kind)] for kind in boxes[:, 0]], int)))
    return Score("percent", "mAP50 on COCO train photos", len(pictures), 100 * mean_ap(found, wanted))


def piper(folder: Path, split: Split) -> Score:
    """The sound of a Piper voice with noise of a fixed seed; ids are the voice's own for arbitrary phonemes."""
    from assistant.engines.vits_pipeline import Style, VitsPipeline

    parts = [OnnxSession(folder / f"{name}.onnx") for name in ("encoder", "flow", "decoder")]
    pipeline = VitsPipeline(parts[0], parts[1], parts[2], hop=256)
    found = []
    for seed in range(4) if split == "test" else range(10, 14):
        random = np.random.default_rng(seed)
        ids = np.array([[1, *random.integers(14, 60, 40 + 30 * (seed % 4)), 2]], np.int64)
        found.append(np.concatenate(list(pipeline.speak(ids, Style(), random))))
    return Score("signal", "sound of the voice (worst of 4 texts; another duration counts as lost)", len(found), signal=found)


def intent(folder: Path, split: Split) -> Score:
    """What sentences are taken for, with and without things in view; the sentences are not those of training."""
    from assistant.engines import SeenObject, Sight
    from assistant.engines.intent_fusion import FusionIntent
    from export.paths import cache_folder

    engine = FusionIntent(folder, cache_folder())
    random = np.random.default_rng(0)
    found: list[tuple[str, int | None]] = []
    for sentence in [*data.SENTENCES[split], *data.QUESTIONS[split]]:
        boxes = random.uniform(0, 0.5, (4, 2))
        things = [
            SeenObject(
                name,
                0.8,
                (float(x), float(y), float(x) + 0.3, float(y) + 0.3),
                np.eye(80, dtype=np.float32)[kind],
                np.zeros(86, np.float32),
            )
            for (x, y), (name, kind) in zip(boxes, (("cup", 41), ("tv", 62), ("chair", 56), ("book", 73)), strict=True)
        ]
        guess = engine.parse(sentence, [Sight(tuple(things))])
        found.append((guess.intent, guess.referent))
    return Score("labels", "sentences taken for the same, with the same thing meant", len(found), labels=found)


def own_word(word: Path, phrase: str) -> Task:
    """Decisions of a word's small network on the word and on other sentences, in kitchen noise where it is at hand."""

    def measure(folder: Path, split: Split) -> Score:
        from assistant.engines.wake_own import OwnWake
        from export.paths import cache_folder, registry

        if not registry().installed(FEATURES):
            return Score("none", f"not measured: run `assistant models pull {FEATURES}`")
        engine = OwnWake(word, registry().path(FEATURES), cache_folder())
        decisions: list[bool] = []
        for sound in [*in_some_voices(phrase, split), *speech(split)]:
            engine.reset()
            decisions += [score > engine.threshold for score in engine.scores(data.in_noise(sound))]
        return Score("labels", "decisions of 80 ms steps, the word and other sentences", len(decisions), labels=decisions)

    return measure


def in_some_voices(phrase: str, split: Split) -> list[Samples]:
    """A word as several people say it, with silence around it."""
    from assistant.caller import speak
    from assistant.engines.tts_pico import PicoTts

    quiet = np.zeros(16000, np.int16)
    paces = (0.9, 1.0, 1.1) if split == "test" else (0.95, 1.05)
    said = [speak(PicoTts(voice, pace), phrase) for voice in data.VOICES for pace in paces]
    return [np.concatenate([quiet, np.asarray(sound * 32767, np.int16), quiet]) for sound in said]


def reply_words(folder: Path, split: Split) -> Score:
    """Decisions on the words and on other sentences, a sentence of the assistant sounding as an echo."""
    from assistant.wake.reply_features import ReplyFeatures
    from assistant.wake.reply_words import CONTEXT, MOST, ReplyWords

    engine, features = ReplyWords(), ReplyFeatures()
    replies = np.concatenate(speech("calibration"))
    decisions: list[bool] = []
    for sound in [*in_some_voices("Okay naboo.", split), *in_some_voices("Stop.", split), *speech(split)]:
        features.reset()
        columns = features.feed(sound, np.resize(replies, len(sound)))
        for start in range(0, len(columns) - CONTEXT - MOST, MOST):
            decisions += (engine.logits(columns[start : start + CONTEXT + MOST]) > 0).ravel().tolist()
    return Score("labels", "decisions every 20 ms, two words and other sentences", len(decisions), labels=decisions)


def nothing(folder: Path, split: Split) -> Score:
    """For graphs that stay in fp32 and are compared with the original at every shape they can have."""
    return Score("none", "not measured: the graph is the original's, in fp32")


TASKS: dict[str, Task] = {
    "none": nothing,
    "vad": voice_activity,
    "asr": recognition,
    "hibari": hibari,
    "wake_features": wake_features,
    "detector": detector,
    "piper": piper,
    "own_detector": own_detector,
    "word okay_nabu": own_word(SHIPPED / "okay_nabu", "Okay naboo."),
    "reply words": reply_words,
    "intent": intent,
}


def plain_words(text: str) -> list[str]:
    """Small letters, no punctuation, digits of the numbers in the sentences as words."""
    numbers = {"50": "fifty", "25": "twenty five", "%": " percent", "9": "nine", "30": "thirty"}
    text = text.lower().replace("%", " percent").replace("favorite", "favourite").replace("color", "colour").replace("-", " ")
    text = " ".join(numbers.get(word.strip(".,!?"), word) for word in text.split())
    return "".join(sign if sign.isalnum() else " " for sign in text.replace("'", "")).split()


def distance(wanted: Sequence[str], got: Sequence[str]) -> int:
    """Fewest words to insert, delete or replace (Levenshtein)."""
    row = list(range(len(got) + 1))
    for place, word in enumerate(wanted, 1):
        before, row[0] = row[0], place
        for column, other in enumerate(got, 1):
            before, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, before + (word != other))
    return row[-1]


def speech(split: Split) -> list[Samples]:
    """Only the sound of the spoken sentences."""
    return [sound for _, sound in data.spoken(split)]
