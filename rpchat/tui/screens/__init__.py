"""The full-page screens."""
