"""The box the assistant lives in: microphones, loudspeakers, cameras. Imports nothing of assistant but its events."""
