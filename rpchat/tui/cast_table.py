"""What the reader can do with the members of a scene: in the cast panel, on the page, and by slash commands."""

from __future__ import annotations

from rpchat.tui.action import Action

_NAME = "a name, or a number in the cast"

_PANEL = (
    Action(id="scene.cast", keys="f2", label="cast", commands=("cast", "members"), help="Show the cast, or hide it"),
    Action(id="cast.next", keys="j,down", help="Mark the next member"),
    Action(id="cast.previous", keys="k,up", help="Mark the member before"),
    Action(id="cast.speak", keys="enter", label="speaks", help="Let the marked member speak"),
    Action(id="cast.mute", keys="m", label="mute", help="Let the member speak only when asked, or by itself again"),
    Action(id="cast.away", keys="w", label="away", help="Send the member out of the room, or let it come back"),
    Action(id="cast.talk_more", keys="plus", help="Let the member talk more"),
    Action(id="cast.talk_less", keys="minus", help="Let the member talk less"),
    Action(id="cast.colour", keys="c", help="Give the member's name another colour"),
    Action(id="cast.add", keys="a", label="add", help="Look for a card that joins the scene"),
    Action(id="cast.remove", keys="x", label="remove", help="Let the member leave the scene; undo brings it back"),
    Action(id="cast.strategy", keys="s", label="who's next", help="The next way to decide who speaks"),
    Action(id="cast.sheets", keys="o", help="The next choice of whose sheets stand in the prompt"),
    Action(id="cast.presence", keys="p", help="Let members know only what was said while they were there, or all"),
    Action(id="cast.auto", keys="g", label="auto", help="Let the members talk on by themselves, or stop them"),
    Action(id="adding.previous", keys="up", help="The card before"),
    Action(id="adding.next", keys="down", help="The next card"),
    Action(id="adding.join", keys="enter", label="add", help="Add the card under the bar to the scene"),
)  # fmt: skip

_PAGE = (
    Action(
        id="transcript.speak", keys="1,2,3,4,5,6,7", in_cast=True, by_key=True,
        help="Let the member of that number speak",
    ),
    Action(id="transcript.speak_next", keys="0", in_cast=True, help="Let whoever is next speak"),
    Action(
        id="transcript.auto", keys="a", commands=("auto",), argument="a number of turns", optional=True,
        help="Let the members talk on by themselves; /auto 6 for six turns. Esc stops at once, typing behind the turn",
    ),
    Action(
        id="transcript.round", keys="A", commands=("round",),
        help="Write everything behind your last line again; what it was stays as versions",
    ),
)  # fmt: skip

_COMMANDS = (
    Action(id="scene.trigger", commands=("trigger",), argument=_NAME, help="Let that member speak"),
    Action(
        id="scene.send_as", commands=("sendas",), argument="a name and a line",
        help="Say a line of your own as that member",
    ),
    Action(
        id="scene.member_add", commands=("member-add", "memberadd", "addmember"), argument="the name of a card",
        help="Let that card join the scene",
    ),
    Action(
        id="scene.member_remove", commands=("member-remove", "memberremove", "removemember"), argument=_NAME,
        help="Let that member leave the scene",
    ),
    Action(
        id="scene.member_mute", argument=_NAME,
        commands=("member-mute", "mute", "member-disable", "disable", "disablemember", "memberdisable"),
        help="Let that member speak only when asked",
    ),
    Action(
        id="scene.member_unmute", argument=_NAME,
        commands=("member-unmute", "unmute", "member-enable", "enable", "enablemember", "memberenable"),
        help="Let that member speak by itself again",
    ),
    Action(id="scene.member_away", commands=("away",), argument=_NAME, help="Send that member out of the room"),
    Action(id="scene.member_back", commands=("back",), argument=_NAME, help="Let that member come back"),
    Action(
        id="scene.casting", commands=("casting",), optional=True,
        argument="`manual`, `list`, `pooled`, `natural` or `blend`",
        help="Show how it is decided who speaks; /casting WAY changes it",
    ),
    Action(
        id="scene.sheets", commands=("sheets",), argument="`joined`, `unmuted` or `own`", optional=True,
        help="Show whose sheets stand in the prompt; /sheets WAY changes it",
    ),
    Action(
        id="scene.presence", commands=("presence",), argument="`on` or `off`", optional=True,
        help="Show whether members know only what was said while they were there; /presence on or off",
    ),
    Action(
        id="scene.scenario", commands=("scenario",), argument="a text, or `off`", optional=True,
        help="Show what replaces the scenarios of the cards; /scenario TEXT sets it",
    ),
    Action(
        id="scene.rename", commands=("rename", "renamechat"), argument="a title", help="Give the scene another title",
    ),
    Action(id="scene.duplicate", commands=("duplicate",), help="Go on in a copy of the scene; this one stays"),
)  # fmt: skip

CAST_ACTIONS: tuple[Action, ...] = (*_PANEL, *_PAGE, *_COMMANDS)
