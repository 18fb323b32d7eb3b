"""Models from a hub: what is worth fetching, which file of a repository, and bringing it home whole.

The only room that speaks with a hub; nothing that takes in a user's files can reach it. What arrives is checked
against the checksum the hub gives before it gets its name, and what arrived of an interrupted download is kept.
"""
