"""Whisper: the hand-written ONNX graphs of the speech recogniser and the recipe that fills them with published weights."""
