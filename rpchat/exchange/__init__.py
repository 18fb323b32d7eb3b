"""Other programs' files: read leniently, within limits; written strictly."""
