"""Other programs' chats into trees of turns, and scenes into their files: bytes and values, nothing stored."""

from __future__ import annotations

from rpchat.exchange.chats.joining import join_chats, join_related
from rpchat.exchange.chats.reading import chat_dialect, is_tavern_chat, read_chat, read_chats
from rpchat.exchange.chats.transcript import is_transcript
from rpchat.exchange.chats.values import (
    CHAT_LIMIT,
    ChatDialect,
    ChatTarget,
    ExportedFile,
    ImportedChat,
    Speaker,
)
from rpchat.exchange.chats.writing import write_chat

__all__ = [
    "CHAT_LIMIT",
    "ChatDialect",
    "ChatTarget",
    "ExportedFile",
    "ImportedChat",
    "Speaker",
    "chat_dialect",
    "is_tavern_chat",
    "is_transcript",
    "join_chats",
    "join_related",
    "read_chat",
    "read_chats",
    "write_chat",
]
