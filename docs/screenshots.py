"""Makes the pictures in `docs/images`: the real screens over a scripted engine. Run it from anywhere:

python docs/screenshots.py
"""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.cells import cell_len
from textual.pilot import Pilot

from rpchat.engine.scripted import Script, ScriptedEngine
from rpchat.program import Program
from rpchat.session import Status
from rpchat.store.config import load_config
from rpchat.store.folders import Folders
from rpchat.store.lock import HomeLock
from rpchat.store.scenes import SceneStore
from rpchat.tui.app import RpchatApp
from rpchat.tui.screens.scene import SceneScreen

IMAGES = Path(__file__).parent / "images"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture. Without a card it shows the home screen; `said` and `replies` take turns."""

    name: str
    size: tuple[int, int]
    theme: str
    card: str = ""
    model: str
    said: Sequence[str] = ()
    replies: Sequence[str] = ()
    keys: Sequence[str] = ()


JAPANESE = (
    "「桜、いい匂いがする」(眠そうな目をこすりながら、台所に入ってくる)",
    "「ふふ、もう少しだけお待ちくださいね」(鍋の蓋をそっと持ち上げ、湯気の向こうで微笑む)"
    "「今朝は寒かったので、生姜を少し効かせてみました。お口に合うといいのですが」"
    "（寝ぐせ、直してさしあげたいな……）",
)
ENGLISH = (
    '"The morning boat." *He sets a wet suitcase on the bench.* "If there is one."',
    "*Mira eased the throttle back until the deck stopped shivering.* \"There's one. It leaves when I say it's "
    'morning." She glanced at the suitcase, then at the water it stood in. _Not rain. He came across._\n\n'
    '"Dry **that** off before the bell, though. It does not like to be kept waiting."',
)
ANTLER = "Antler-7B-RP-v3.Q4_K_M"
SHORI = "ShoriRP-v0.75d.Q5_K_M"
PICTURES = (
    Picture(name="home-dark", size=(110, 28), theme="ink", model=ANTLER),
    Picture(name="home-light", size=(110, 28), theme="paper", model=ANTLER),
    Picture(
        name="scene-japanese", size=(110, 28), theme="yozakura", card="sakura", model=ANTLER,
        said=JAPANESE[:1], replies=(JAPANESE[1], JAPANESE[1]), keys=("ctrl+r",),
    ),
    Picture(
        name="scene-english", size=(110, 28), theme="ink", card="mira", model=SHORI,
        said=ENGLISH[:1], replies=ENGLISH[1:],
    ),
    Picture(
        name="scene-light", size=(110, 28), theme="paper", card="mira", model=SHORI,
        said=ENGLISH[:1], replies=ENGLISH[1:],
    ),
    Picture(
        name="scene-keys", size=(140, 40), theme="ink", card="sakura", model=ANTLER,
        said=JAPANESE[:1], replies=JAPANESE[1:], keys=("f1",),
    ),
)  # fmt: skip


def main() -> None:
    """Make every picture."""
    IMAGES.mkdir(exist_ok=True)
    for picture in PICTURES:
        asyncio.run(make(picture))
        print(f"docs/images/{picture.name}.svg")


async def make(picture: Picture) -> None:
    """Play what the picture shows on a home of its own, and draw it."""
    with TemporaryDirectory() as home:
        program = _program(Folders(Path(home)), picture)
        if not picture.card:
            for card in ("keri", "tock", "mira", "sakura"):
                await program.play([card])
        app = RpchatApp(program, await program.play([picture.card]) if picture.card else None)
        async with app.run_test(size=picture.size) as pilot:
            await _done(pilot)
            await _play(pilot, picture)
            svg = for_everywhere(app.export_screenshot(title="rpchat"))
    (IMAGES / f"{picture.name}.svg").write_text(svg, encoding="utf-8")


def _program(folders: Folders, picture: Picture) -> Program:
    folders.create()
    folders.config_file.write_text(f"theme: {picture.theme}\n", encoding="utf-8")
    (folders.models / f"{picture.model}.gguf").touch()
    lock = HomeLock(folders.lock_file)
    lock.acquire()
    return Program(
        folders=folders,
        config=load_config(folders.config_file),
        scenes=SceneStore.open(folders.database),
        lock=lock,
        engine=ScriptedEngine([Script.of(reply) for reply in picture.replies], loaded=False),
    )


_TEXT = re.compile(r'textLength="([0-9.]+)"([^>]*)>([^<]*)</text>')
_FONT = re.compile(r"\s*@font-face \{.*?\n    \}", re.DOTALL)


def for_everywhere(svg: str) -> str:
    """Return the picture with wide letters given two cells each, which the exporter counts as one, and without fonts
    from elsewhere."""

    def widened(match: re.Match[str]) -> str:
        length, between, content = match.groups()
        letters = html.unescape(content)
        width = float(length) * cell_len(letters) / max(1, len(letters))
        return f'textLength="{width:.1f}"{between}>{content}</text>'

    return _TEXT.sub(widened, _FONT.sub("", svg))


async def _play(pilot: Pilot[None], picture: Picture) -> None:
    screen = pilot.app.screen
    for line in picture.said:
        assert isinstance(screen, SceneScreen)
        screen.composer.fill(line)
        await pilot.press("enter")
        await _done(pilot)
    await pilot.press(*picture.keys)
    await _done(pilot)
    if isinstance(screen, SceneScreen):
        # The speed of a script is no speed of a model.
        screen.session.status = Status(tokens_per_second=31, context_used=2340, context=8192)
        screen.show_status()
        await _done(pilot)


async def _done(pilot: Pilot[None]) -> None:
    """Wait until nothing is being done any more."""
    await pilot.pause()
    while any(not worker.is_finished for worker in pilot.app.workers):
        await pilot.pause()
    await pilot.pause()


if __name__ == "__main__":
    main()
