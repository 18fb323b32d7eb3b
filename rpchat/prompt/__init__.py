"""From a scene to what the model reads. Pure."""
