"""What else other programs export: personas, groups, regex scripts, quick replies.

Personas and groups become values of ours. Scripts and quick replies are kept whole for later use: what is written is
what was read, key by key. No pattern of a stranger is compiled here.
"""

from __future__ import annotations

from rpchat.exchange.groups import ImportedGroup, is_group, read_group
from rpchat.exchange.personas import ImportedPersonas, is_personas, read_personas, write_personas
from rpchat.exchange.scripts import (
    ImportedQuickReplies,
    ImportedScripts,
    QuickReply,
    QuickReplySet,
    RegexScript,
    is_quick_replies,
    is_scripts,
    read_quick_replies,
    read_scripts,
    write_quick_replies,
    write_scripts,
)

__all__ = [
    "ImportedGroup",
    "ImportedPersonas",
    "ImportedQuickReplies",
    "ImportedScripts",
    "QuickReply",
    "QuickReplySet",
    "RegexScript",
    "is_group",
    "is_personas",
    "is_quick_replies",
    "is_scripts",
    "read_group",
    "read_personas",
    "read_quick_replies",
    "read_scripts",
    "write_personas",
    "write_quick_replies",
    "write_scripts",
]
