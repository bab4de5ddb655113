"""From a trained network to a file that a device runs. The only packages that may import torch are this one and models."""
