"""What turns prompts into tokens. The rest of the program knows only `port`."""
