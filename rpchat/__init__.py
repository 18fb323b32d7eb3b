"""rpchat: roleplay with character cards in the terminal, on a GGUF model of your own."""

__version__ = "0.1.0"
