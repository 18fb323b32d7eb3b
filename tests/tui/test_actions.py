from __future__ import annotations

import pytest
from textual.binding import Binding

from rpchat.errors import RpchatError
from rpchat.tui.action_table import ACTIONS
from rpchat.tui.actions import BY_ID, bindings, command, key_name, keymap, shown_key
from rpchat.tui.app import RpchatApp
from rpchat.tui.calling import Calling
from rpchat.tui.cast_commands import CastCommands
from rpchat.tui.cast_handling import CastHandling
from rpchat.tui.composing import Composing
from rpchat.tui.handling import Handling
from rpchat.tui.home_handling import HomeHandling
from rpchat.tui.model_handling import ModelHandling
from rpchat.tui.panels import Panels
from rpchat.tui.screens.editor import EditorScreen
from rpchat.tui.screens.importing import ImportScreen
from rpchat.tui.screens.scene import SceneScreen
from rpchat.tui.screens.scene_actions import SceneActions
from rpchat.tui.shelf_handling import ShelfHandling
from rpchat.tui.shelf_views import Seeking, ShelfViews
from rpchat.tui.walking import Walking
from rpchat.tui.widgets.ask_line import AskLine
from rpchat.tui.widgets.card_search import CardSearch
from rpchat.tui.widgets.inspector import Inspector
from rpchat.tui.widgets.model_list import ModelTable
from rpchat.tui.widgets.row_list import RowList
from rpchat.tui.widgets.shelf_list import ShelfList

OWNERS = {
    "app": (RpchatApp,),
    "home": (HomeHandling, RowList),
    "scene": (SceneScreen, Composing, SceneActions, Walking, Panels, CastCommands),
    "transcript": (Walking, Handling, Calling),
    "cast": (CastHandling,),
    "adding": (CardSearch,),
    "models": (ModelHandling, ModelTable),
    "wanted": (ModelHandling, ModelTable),
    "inspector": (Inspector,),
    "rows": (HomeHandling,),
    "library": (ShelfHandling, ShelfViews, ShelfList),
    "seeking": (Seeking,),
    "asking": (AskLine,),
    "editor": (EditorScreen,),
    "importing": (ImportScreen,),
}
"""Who may do the actions of a place; each is done by one of them."""


def test_every_action_is_done_by_somebody() -> None:
    for action in ACTIONS:
        if action.argument and not action.optional:
            continue
        method = f"action_{action.name}"
        assert any(hasattr(owner, method) for owner in OWNERS[action.place]), action.id
        assert sum(method in vars(owner) for owner in OWNERS[action.place]) <= 1, action.id


def test_every_action_can_be_asked_for_and_says_what_it_does() -> None:
    assert len(BY_ID) == len(ACTIONS)
    for action in ACTIONS:
        assert action.help
        assert action.keys or action.commands, action.id


def test_no_key_means_two_things_in_one_place() -> None:
    for places in (
        ("home", "app"),
        ("scene", "app"),
        ("inspector", "scene", "app"),
        ("adding", "app"),
        ("rows", "home", "app"),
        ("library", "app"),
        ("seeking", "app"),
        ("asking", "app"),
        ("editor", "app"),
        ("importing", "app"),
        ("models", "app"),
        ("wanted", "app"),
    ):
        keys = [key for action in ACTIONS if action.place in places and action.keys for key in action.keys.split(",")]
        assert len(keys) == len(set(keys)), places


def test_no_key_means_two_things_while_a_turn_is_marked() -> None:
    bound = [*bindings("transcript"), *bindings("scene"), *bindings("app")]
    keys = [key for binding in bound if isinstance(binding, Binding) for key in binding.key.split(",")]
    assert len(keys) == len(set(keys))


def test_no_key_means_two_things_in_the_cast() -> None:
    bound = [*bindings("cast"), *bindings("scene"), *bindings("app")]
    keys = [key for binding in bound if isinstance(binding, Binding) for key in binding.key.split(",")]
    assert len(keys) == len(set(keys))


def test_keys_that_say_what_is_done_are_fixed() -> None:
    keys, problems = keymap({"transcript.speak": "f7"}, enter_sends=True)
    assert keys == {}
    assert problems == ["keys: those of transcript.speak are fixed"]
    assert shown_key(BY_ID["transcript.speak"], {}) == "1–7"


def test_what_the_page_shares_with_the_composer_is_bound_on_it() -> None:
    ids = {binding.id for binding in bindings("transcript") if isinstance(binding, Binding)}
    assert {"scene.undo", "scene.page_up", "scene.bottom"} <= ids
    assert "scene.send" not in ids


def test_a_key_is_not_one_that_a_terminal_confuses() -> None:
    first = {action.keys.split(",")[0] for action in ACTIONS}
    assert not first & {"ctrl+i", "ctrl+m", "ctrl+h", "alt+enter", "shift+enter", "ctrl+enter"}


def test_bindings_carry_the_ids_a_keymap_uses() -> None:
    for binding in [*bindings("scene"), *bindings("scene", while_writing=True), *bindings("home")]:
        assert isinstance(binding, Binding)
        assert binding.id in BY_ID


def test_a_keymap_overrides_and_an_unknown_id_is_named_with_the_nearest() -> None:
    keys, problems = keymap({"scene.regenerate": "f6", "scene.regnerate": "f7"}, enter_sends=True)
    assert keys == {"scene.regenerate": "f6"}
    assert "scene.regenerate" in problems[0]
    assert shown_key(BY_ID["scene.regenerate"], keys) == "F6"


def test_where_enter_does_not_send_control_s_does() -> None:
    keys, _ = keymap({}, enter_sends=False)
    assert shown_key(BY_ID["scene.send"], keys) == "^S"
    assert shown_key(BY_ID["scene.newline"], keys) == "Enter"


@pytest.mark.parametrize(
    ("key", "name"), [("ctrl+r", "^R"), ("left", "←"), ("f1", "F1"), ("ctrl+home", "^Home"), ("alt+left", "Alt+←")]
)
def test_key_names(key: str, name: str) -> None:
    assert key_name(key) == name


@pytest.mark.parametrize(
    ("text", "action"), [("/undo", "scene.undo"), ("/cont", "scene.continue"), ("/REGEN", "scene.regenerate")]
)
def test_slash_commands(text: str, action: str) -> None:
    found = command(text)
    assert found is not None
    assert found[0].id == action


def test_a_command_with_an_argument() -> None:
    found = command("/theme paper")
    assert found is not None
    assert (found[0].id, found[1]) == ("app.theme", "paper")


@pytest.mark.parametrize("text", ["hello", "//hello", "1/2"])
def test_what_is_no_command(text: str) -> None:
    assert command(text) is None


@pytest.mark.parametrize(
    ("text", "part"), [("/regnerate", "/regenerate"), ("/zzzz", "/zzzz"), ("/undo it", "nothing"), ("/theme", "name")]
)
def test_a_wrong_command_is_refused(text: str, part: str) -> None:
    with pytest.raises(RpchatError, match=part):
        command(text)
