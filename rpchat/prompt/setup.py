"""The text in front of the first line: instruction, world, sheets. In the language of the card.

Order, as the Japanese models were trained: instruction, world, the characters' sheets, the user's sheet, closing
instruction. Nothing in it depends on who speaks next, so it stays the same for a whole scene.
"""

from __future__ import annotations

from collections.abc import Iterable

from rpchat.prompt.conversation import Character, Conversation
from rpchat.story.card import sheet_texts

_NAME_LABELS = {"name", "character name", "名前"}


def setup_text(conversation: Conversation) -> str:
    """Return the setup in Japanese for a Japanese card, else in English; a finished `system` text as it is."""
    if conversation.system:
        return conversation.system
    return _japanese(conversation) if conversation.language == "ja" else _english(conversation)


def sheet_lines(character: Character, *, name_label: str, colon: str, comma: str) -> list[str]:
    """Return `label:text` lines of a character: the name first, the sheet in its order, then the free texts."""
    lines = []
    if not any(label.strip().casefold() in _NAME_LABELS for label in character.sheet):
        lines.append(f"{name_label}{colon}{character.name}")
    lines += [f"{label}{colon}{value}" for label, value in sheet_texts(character.sheet, comma=comma)]
    lines += [part.strip() for part in (character.description, character.personality) if part.strip()]
    return lines


def _examples(conversation: Conversation, heading: str) -> list[str]:
    texts = [char.examples.replace("<START>", "").strip("\n") for char in conversation.chars]
    kept = [text for text in texts if text.strip()]
    return [heading, *kept] if kept else []


def _japanese(conversation: Conversation) -> str:
    names = "と".join(f'"{char.name}"' for char in conversation.chars)
    user = conversation.user.name
    lines = [
        conversation.instruction
        or f'これからロールプレイをします。あなたは{names}を演じてください。会話相手は"{user}"です。'
        "人物の設定は次の通りです。"
    ]
    lines += [f"世界観:{lore}" for lore in conversation.lore]
    if conversation.scenario:
        lines.append(f"あらすじ:{conversation.scenario}")
    for char in conversation.chars:
        lines.append(f'あなたが演じる"{char.name}"の設定:')
        lines += sheet_lines(char, name_label="名前", colon=":", comma="、")
    lines.append(f'会話相手の"{user}"の設定:')
    lines += sheet_lines(conversation.user, name_label="名前", colon=":", comma="、")
    lines += _examples(conversation, "会話の例:")
    lines.append(
        f"それでは、上の設定をもとに{names}として会話してください。"
        f'{names}のセリフは「」に、心情や情景は()に書き、"{user}"のセリフは書かないでください。'
    )
    return "\n".join(lines)


def _english(conversation: Conversation) -> str:
    names = _and(char.name for char in conversation.chars)
    user = conversation.user.name
    blocks = [
        conversation.instruction
        or f"This is a roleplay. You play {names}; {user} is played by someone else. Write what {names} "
        f"would say and do next, vividly and in character, and leave {user}'s words and deeds to {user}."
    ]
    for character in (*conversation.chars, conversation.user):
        blocks.append("\n".join(sheet_lines(character, name_label="Name", colon=": ", comma=", ")))
    blocks += [f"World: {lore}" for lore in conversation.lore]
    if conversation.scenario:
        blocks.append(f"Scenario: {conversation.scenario}")
    blocks += ["\n".join(part) for part in [_examples(conversation, "Example dialogue:")] if part]
    return "\n\n".join(blocks)


def _and(names: Iterable[str]) -> str:
    *rest, last = names
    return f"{', '.join(rest)} and {last}" if rest else last
