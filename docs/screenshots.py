"""Makes the pictures in `docs/images`: the real screens over scripted replies. Tokens are those of a real vocabulary,
the demo model's or Mistral's, and so is what is said of the prompt format. Run it from anywhere:

python docs/screenshots.py
"""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.cells import cell_len
from textual.pilot import Pilot

from docs.model_files import MachineEngine, write_models
from docs.portraits import PORTRAITS, write_files
from rpchat.engine.child import ChildEngine
from rpchat.engine.port import LoadEvent
from rpchat.engine.scripted import Script, ScriptedEngine
from rpchat.engine.settings import EngineSettings
from rpchat.program import Program
from rpchat.prompt.segment import Segment
from rpchat.store.config import load_config
from rpchat.store.folders import Folders
from rpchat.store.lock import HomeLock
from rpchat.store.models import find_demo
from rpchat.store.scenes import SceneStore
from rpchat.tui.app import RpchatApp
from rpchat.tui.screens.scene import SceneScreen
from rpchat.tui.widgets.status import StatusLine
from tests.vocabularies import write_gguf

IMAGES = Path(__file__).parent / "images"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture. Without cards it shows the home screen; `said` and `replies` take turns."""

    name: str
    size: tuple[int, int]
    theme: str
    card: str = ""
    cards: Sequence[str] = ()
    """Those of a group, instead of `card`."""
    model: str
    said: Sequence[str] = ()
    replies: Sequence[str] = ()
    keys: Sequence[str] = ()
    draft: str = ""
    preset: str = ""
    portraits: bool = False
    """Whether the cards of `docs/portraits.py` are in the library."""
    models: bool = False
    """Whether there are models, on a machine with a GPU of 8 GB."""
    files: bool = False
    """Whether the files of those cards come in while one looks."""
    vocabulary: str = ""
    """Whose tokens are counted: `demo`, a name in `tests.vocabularies`, or none (one for every letter)."""


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
GROUP = (
    '@Mira "Who stopped the bell?" *He looks from one to the other.*',
    '*Mira does not turn round.* "Ask the one with ink on her cuffs. I was on the water."',
    '@Tock "Is that so?"',
    '"Ink is not oil, my boy." *The professor holds both sleeves into the lamplight.* '
    '"But the clock and the bell stopped in the same minute, and Keri has not said a word since."',
)
SPEAKS_FOR_USER = ENGLISH[1] + '\n\nRobin: "I did not come by boat."'
TAKEN_BACK = ' *He looks at the suitcase.* "Nobody does, on this coast."'
ANTLER = "Antler-7B-RP-v3.Q4_K_M"
DEMO = "SmolLM2-135M-Instruct.Q4_1"
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
        name="reply-second-try", size=(110, 24), theme="ink", card="mira", model=SHORI,
        said=ENGLISH[:1], replies=("", "", ENGLISH[1]),
    ),
    Picture(
        name="reply-cut", size=(110, 24), theme="ink", card="mira", model=SHORI,
        said=ENGLISH[:1], replies=(SPEAKS_FOR_USER,),
    ),
    Picture(
        name="reply-cut-shown", size=(110, 24), theme="ink", card="mira", model=SHORI,
        said=ENGLISH[:1], replies=(SPEAKS_FOR_USER,), keys=("escape", "x"),
    ),
    Picture(
        name="reply-taken-back", size=(110, 24), theme="ink", card="mira", model=SHORI,
        said=ENGLISH[:1], replies=(SPEAKS_FOR_USER, TAKEN_BACK), keys=("escape", "u"),
    ),
    Picture(
        name="cut-point", size=(110, 24), theme="yozakura", card="sakura", model=ANTLER,
        said=JAPANESE[:1], replies=JAPANESE[1:], keys=("escape", "left_square_bracket", "left_square_bracket"),
    ),
    Picture(
        name="group-cast", size=(120, 28), theme="ink", cards=("mira", "tock", "keri"), model=SHORI,
        said=("/casting natural", *GROUP[:1], GROUP[2]), replies=(GROUP[1], GROUP[3]),
        keys=("f2", "plus", "plus", "plus", "j", "j", "minus"),
    ),
    Picture(
        name="scene-keys", size=(140, 40), theme="ink", card="sakura", model=ANTLER,
        said=JAPANESE[:1], replies=JAPANESE[1:], keys=("f1",),
    ),
    Picture(
        name="inspector-dark", size=(110, 34), theme="ink", card="mira", model=DEMO, vocabulary="demo",
        said=("/note The bell buoy has stopped ringing.", *ENGLISH[:1]), replies=ENGLISH[1:],
        draft='"And who rings the bell?"', keys=("ctrl+o", "end"),
    ),
    Picture(
        name="inspector-japanese", size=(110, 34), theme="yozakura", card="sakura", model=ANTLER,
        vocabulary="mistral-v1", preset="antler-7b-rp-v3", said=JAPANESE[:1], replies=JAPANESE[1:],
        draft="「うん、おいしそう」", keys=("ctrl+o", "t", "end"),
    ),
    Picture(
        name="library-dark", size=(120, 32), theme="ink", model=ANTLER, portraits=True,
        keys=("ctrl+l", "o", "o", "o"),
    ),
    Picture(
        name="library-light", size=(120, 32), theme="paper", model=ANTLER, portraits=True,
        keys=("ctrl+l", "slash", *"#日", "enter", "j"),
    ),
    Picture(
        name="editor", size=(110, 34), theme="ink", model=DEMO, vocabulary="demo",
        keys=("ctrl+l", "slash", *"ferry", "enter", "e"),
    ),
    Picture(
        name="editor-prompt", size=(110, 34), theme="yozakura", model=ANTLER, vocabulary="mistral-v1",
        preset="antler-7b-rp-v3", keys=("ctrl+l", "slash", "桜", "enter", "e", "ctrl+o"),
    ),
    Picture(name="models", size=(120, 30), theme="ink", model=ANTLER, models=True, keys=("f6", "home")),
    Picture(
        name="models-fetch", size=(110, 26), theme="yozakura", model=ANTLER, models=True, keys=("f6", "g", "j", "j"),
    ),
    Picture(name="import-summary", size=(110, 20), theme="ink", model=ANTLER, files=True),
)  # fmt: skip


class PictureEngine(ScriptedEngine):
    """Plays scripts; tokens, their pieces and the chat template are those of a real model file."""

    def __init__(self, replies: Iterable[Script], model: Path, folders: Folders) -> None:
        super().__init__(replies, loaded=False)
        self._file = model
        self._real = ChildEngine(log=folders.engine_log, machine=folders.machine_file)

    async def load(
        self, path: Path, settings: EngineSettings, *, controls: Iterable[str] = ()
    ) -> AsyncGenerator[LoadEvent, None]:
        """Load the vocabulary's file under the name of the one that was asked for."""
        async for _ in self._real.load(self._file, settings, controls=controls):
            pass
        assert self._real.model is not None
        self._prepared = self._real.model
        async for event in super().load(path, settings, controls=()):
            yield event

    async def tokenize(self, segments: Sequence[Segment]) -> list[int]:
        """Return the real ids."""
        return await self._real.tokenize(segments)

    async def pieces(self, ids: Sequence[int]) -> list[bytes]:
        """Return the real bytes."""
        return await self._real.pieces(ids)

    async def render_template(self, messages: Sequence[Mapping[str, str]]) -> str:
        """Return what the real template makes of the messages."""
        return await self._real.render_template(messages)

    async def close(self) -> None:
        """End the real engine too."""
        await super().close()
        await self._real.close()


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
        if not picture.card and not picture.cards:
            for card in ("keri", "tock", "mira", "sakura"):
                await program.play([card])
        if picture.portraits:
            write_files(Path(home))
            async for _ in program.library.import_files([Path(home) / f"{one.card.name}.png" for one in PORTRAITS]):
                pass
            await program.library.set_favourite("ilse-wren", True)
        cast = picture.cards or ((picture.card,) if picture.card else ())
        app = RpchatApp(program, await program.play(cast) if cast else None)
        async with app.run_test(size=picture.size) as pilot:
            await _done(pilot)
            if picture.files:
                (Path(home) / "cards from elsewhere").mkdir()
                write_files(Path(home) / "cards from elsewhere")
                app.import_files([Path(home) / "cards from elsewhere"])
                await _done(pilot)
            await _play(pilot, picture)
            svg = for_everywhere(app.export_screenshot(title="rpchat"))
    (IMAGES / f"{picture.name}.svg").write_text(svg, encoding="utf-8")


def _program(folders: Folders, picture: Picture) -> Program:
    folders.create()
    settings = f"theme: {picture.theme}\n" + (f"preset: {picture.preset}\n" if picture.preset else "")
    folders.config_file.write_text(settings, encoding="utf-8")
    (folders.models / f"{picture.model}.gguf").touch()
    scripts = [Script.of(reply) for reply in picture.replies]
    engine: ScriptedEngine = ScriptedEngine(scripts, loaded=False)
    if picture.vocabulary:
        engine = PictureEngine(scripts, _vocabulary(picture.vocabulary, folders), folders)
    if picture.models:
        write_models(folders.home)
        engine = MachineEngine(loaded=False)
    lock = HomeLock(folders.lock_file)
    lock.acquire()
    return Program(
        folders=folders,
        config=replace(load_config(folders.config_file), read_ahead=False),
        scenes=SceneStore.open(folders.database),
        lock=lock,
        engine=engine,
    )


def _vocabulary(name: str, folders: Folders) -> Path:
    """Return a model file that carries the vocabulary of that name."""
    demo = find_demo()
    if name == "demo":
        assert demo is not None, "the demo extra is not installed"
        return demo
    path = folders.home / f"{name}.gguf"
    write_gguf(name, path)
    return path


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
    if picture.draft:
        assert isinstance(screen, SceneScreen)
        screen.composer.fill(picture.draft)
    await pilot.press(*picture.keys)
    await _done(pilot)
    if isinstance(screen, SceneScreen):
        # The speed of a script is no speed of a model.
        line = screen.query_one(StatusLine)
        line.show(replace(line.overview, tokens_per_second=31, context_used=2340, context=8192))
        await _done(pilot)


async def _done(pilot: Pilot[None]) -> None:
    """Wait until nothing is being done any more."""
    await pilot.pause()
    while any(not worker.is_finished for worker in pilot.app.workers):
        await pilot.pause()
    await pilot.pause()


if __name__ == "__main__":
    main()
