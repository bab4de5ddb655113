"""A small detector of household things that ships with the assistant: data, network, training, export, numbers."""
