"""What stays on disk: scenes (SQLite), cards, personas and presets (files), configuration, folders."""
