"""The wake word: measurements, and later its training."""
