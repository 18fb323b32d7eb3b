"""What stays on disk: scenes in a database; cards, personas, presets and the config as files people can edit."""
