"""What is written in a scene: sent, run as a command, kept as an edit, or drafted by the model."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from rpchat.errors import RpchatError
from rpchat.session import Session
from rpchat.story.turn import Turn
from rpchat.tui.action import Action
from rpchat.tui.actions import command
from rpchat.tui.addressing import addressed, completed
from rpchat.tui.director import Director
from rpchat.tui.drafting import Drafting
from rpchat.tui.widgets.composer import Composer

if TYPE_CHECKING:
    from rpchat.tui.app import RpchatApp

_READ_ONLY = "read-only: another rpchat has these scenes open; close it and start again to write here"


class Composing:
    """Writes into one session, in `composer`. `key` names the key of an action, `changed` is called when what stands
    around the page may be another, `run` does what a slash command names, with its argument."""

    def __init__(
        self,
        session: Session,
        composer: Composer,
        *,
        director: Director,
        host: RpchatApp,
        key: Callable[[str], str],
        changed: Callable[[], None],
        run: Callable[[Action, str], Awaitable[None]],
    ) -> None:
        self._session = session
        self._composer = composer
        self._director = director
        self._host = host
        self._key = key
        self._changed = changed
        self._run = run
        self._editing: Turn | None = None

    @property
    def is_editing(self) -> bool:
        """Whether a turn is being edited."""
        return self._editing is not None

    def show(self) -> None:
        """Say in front of the field who writes."""
        persona = self._session.scene.persona.name
        if self._editing is not None:
            self._composer.show(name=f"✎ {self._editing.speaker}", editing=True)
        elif self._session.read_only:
            self._composer.show(name=persona, placeholder=_READ_ONLY, read_only=True)
        else:
            self._composer.show(name=persona)

    def unsaid(self) -> str:
        """Return what would be said if it were sent now: the draft without an address, if it is neither an edit nor a
        command."""
        text = self._composer.text
        if self.is_editing or (text.startswith("/") and not text.startswith("//")):
            return ""
        try:
            address = addressed(text, self._session.cast.members)
        except RpchatError:
            # Nobody has that name yet: it is still being typed.
            return ""
        return address.text if address is not None else _literal(text)

    @property
    def draft(self) -> str:
        """What was written in this scene and not sent."""
        return self._host.drafts.get(self._session.scene.id, "")

    def keep(self, text: str) -> None:
        """Keep what is written with the scene, unless it is an edit."""
        if not self.is_editing:
            self._host.drafts[self._session.scene.id] = text

    def edit(self, turn: Turn | None) -> None:
        """Edit a turn in the composer."""
        if turn is None:
            self._director.remark("there is nothing to edit yet")
            return
        self._editing = turn
        self.show()
        self._composer.fill(turn.text)
        self._composer.field.focus()
        self._changed()

    def leave_edit(self) -> None:
        """Leave the turn as it was; what was written before the edit is there again."""
        self._editing = None
        self.show()
        self._composer.fill(self.draft)
        self._changed()

    def action_send(self) -> None:
        """Send, keep an edit, or run a slash command: with the text as it is now, whatever is typed behind it."""
        text, edited = self._composer.text, self._editing
        if edited is None:
            self._composer.fill("")
        self._director.do(self._send(text, edited))

    async def _send(self, text: str, edited: Turn | None) -> None:
        if edited is not None:
            await self._director.edit(edited, text)
            self.leave_edit()
            return
        try:
            if (found := command(text.strip())) is not None:
                await self._run(*found)
            elif self._director.is_writing:
                self._give_back(text)
                self._director.remark(f"still writing · {self._key('scene.stop')} stops it")
            elif (address := addressed(text.strip(), self._session.cast.members)) is not None:
                await self._director.say(address.text, to=address.member.card_id)
            else:
                await self._director.say(_literal(text))
        except RpchatError:
            self._give_back(text)
            raise

    def _give_back(self, text: str) -> None:
        """Put what could not be sent back in front of what was typed since."""
        self._composer.fill("\n".join(part for part in (text, self._composer.text) if part))

    @property
    def can_complete(self) -> bool:
        """Whether a name behind an @ can be completed."""
        return self._completed() is not None

    def _completed(self) -> str | None:
        return completed(self._composer.text, self._session.cast.members)

    def action_complete(self) -> None:
        """Complete the name behind the @, or take the next one."""
        text = self._completed()
        if text is not None:
            self._composer.fill(text)

    def action_newline(self) -> None:
        """Begin a new line."""
        self._composer.newline()

    def action_edit_last(self) -> None:
        """Edit the last message."""
        self._director.do(self._edit_when_written(own=False))

    def action_edit_own(self) -> None:
        """Edit the last message of the user's own."""
        self._director.do(self._edit_when_written(own=True))

    async def _edit_when_written(self, *, own: bool) -> None:
        await self._director.stop()
        self.edit(self._director.last_of_user() if own else self._director.last)

    def action_draft(self) -> None:
        """Let the model write the user's line, behind what stands there."""
        self._director.do(self._draft())

    async def _draft(self) -> None:
        stop = self._key("scene.stop")
        if self._session.read_only:
            self._director.remark(_READ_ONLY)
        elif self.is_editing:
            self._director.remark(f"an edit is open · {stop} leaves it")
        elif self._director.is_writing:
            self._director.remark(f"still writing · {stop} stops it")
        else:
            said = self.unsaid().rstrip()
            drafting = Drafting(self._composer, said=said, tell=self._director.tell, settled=self._changed)
            self._composer.field.focus()
            await self._director.write(partial(self._session.draft, said), player=drafting)

    def action_compose_mode(self) -> None:
        """Change what Enter does."""
        sends = self._host.change_enter()
        key = self._key("scene.send")
        self._director.remark("Enter sends" if sends else f"Enter begins a new line · {key} sends")
        self._changed()


def _literal(text: str) -> str:
    """Return the text as it is meant: a doubled / or @ at its beginning stands for one."""
    return text[1:] if text.startswith(("//", "@@")) else text
