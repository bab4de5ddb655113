"""The detector that ships with the assistant: data, network, training, export, numbers."""
