"""What the reader can do with models: among those of this machine, among those to fetch, and while searching."""

from __future__ import annotations

from rpchat.tui.action import Action

MODELS_ACTIONS: tuple[Action, ...] = (
    Action(id="home.models", keys="f6", label="models", help="To the models: those of this machine, and fetching more"),
    Action(id="app.models", commands=("models",), help="To the models: choose another one, or fetch more"),
    Action(id="models.next", keys="j,down", help="Mark the next model"),
    Action(id="models.previous", keys="k,up", help="Mark the model before"),
    Action(id="models.page_down", keys="pagedown", help="One page down"),
    Action(id="models.page_up", keys="pageup", help="One page up"),
    Action(id="models.first", keys="home", help="Mark the first model"),
    Action(id="models.last", keys="G,end", help="Mark the last model"),
    Action(
        id="models.take", keys="enter", label="play",
        help="Play with the marked model: the scene you came from, else every scene; in the list to fetch, fetch it",
    ),
    Action(id="models.default", keys="d", label="for all scenes", help="Play every scene with the marked model"),
    Action(id="models.search", keys="slash", label="search", help="Search; in the list to fetch, name a repository"),
    Action(id="models.get", keys="g", label="fetch more", help="The models to fetch, or those that are here"),
    Action(id="models.quantisation", keys="q", help="Take another quantisation of the model to fetch"),
    Action(id="models.reload", keys="r", help="Look again what is here"),
    Action(id="models.leave", keys="escape", label="back", help="Stop fetching; else close what is open; else back"),
    Action(id="models.back", keys="f6", help="Back; what is being fetched goes on"),
    Action(id="wanted.next", keys="down", help="Mark the next model"),
    Action(id="wanted.previous", keys="up", help="Mark the model before"),
    Action(id="wanted.found", keys="enter", help="To what was found; or fetch the repository that is written"),
    Action(id="wanted.unsearch", keys="escape", help="Stop searching"),
)  # fmt: skip
