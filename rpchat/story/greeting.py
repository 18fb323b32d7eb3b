"""How a scene opens: the first member who has a greeting says it, and the card's other greetings are swipes of it."""

from __future__ import annotations

from rpchat.story.macros import expand
from rpchat.story.plan import ScenePlan
from rpchat.story.scene import Member, Scene
from rpchat.story.turn import Turn

Opening = tuple[Member, list[str]]
"""Who opens a scene and with which texts, the told one first."""


def greetings(scene: Scene) -> Opening | None:
    """Return how the cards open the scene; None if nobody has a greeting."""
    for member in scene.cast:
        card = member.card
        texts = [text for text in (card.first_message, *card.alternate_greetings) if text.strip()]
        if texts:
            user = scene.persona.name
            return member, [expand(text, char=card.spoken_name, user=user) for text in texts]
    return None


def opening_of(plan: ScenePlan, scene: Scene) -> Opening | None:
    """Return who opens a planned scene and with which text; None where the plan leaves it to the cards."""
    if not plan.opening.strip():
        return None
    place = plan.cast.index(plan.opened_by) if plan.opened_by in plan.cast else 0
    member = scene.cast[place]
    return member, [expand(plan.opening, char=member.card.spoken_name, user=scene.persona.name)]


def opened(scene: Scene, opening: Opening | None) -> Scene:
    """Return a scene without turns as it is when it was opened so, for a look at it: the turn has an id that no store
    gave it. A scene that has turns, or that nobody opens, stays as it is."""
    if opening is None or scene.turns:
        return scene
    member, texts = opening
    turn = Turn(
        id=1, parent=0, side="member", speaker=member.card.spoken_name, member=member.card_id, text=texts[0]
    )  # fmt: skip
    return scene.with_turn(turn).apply(scene.adding(turn))
