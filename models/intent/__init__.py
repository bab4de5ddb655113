"""The image-aware intent model: data recipe, network, training, evaluation and export."""
