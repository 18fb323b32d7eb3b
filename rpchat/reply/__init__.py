"""From the bytes of a model to a reply. Pure state machines."""
