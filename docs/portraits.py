"""Cards with painted portraits, for the pictures of the library: files as other programs write them, and two that
cannot be read.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

from rpchat.exchange.card_writing import write_card
from rpchat.story.card import Card

_SIZE = (480, 720)


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """A head and shoulders before two colours."""

    card: Card
    above: str
    below: str
    skin: str
    hair: str
    coat: str


PORTRAITS = (
    Portrait(
        card=Card(
            name="Ilse Wren", language="en", tags=("mystery", "slow burn"), creator="rpchat",
            summary="Keeps the records of a town that forgets; trusts paper more than people.",
            description="Ilse is the archivist of Low Marrow. She remembers what everybody else has let go.",
            first_message='"You signed for this yesterday," Ilse says. *She turns the ledger round.* "You will not '
            'recall it. Nobody does."',
        ),
        above="#26324a", below="#8a6f5a", skin="#e9c4a6", hair="#5b2f1e", coat="#2f4a43",
    ),
    Portrait(
        card=Card(
            name="ミオ", language="ja", tags=("日本語", "日常", "灯台"), creator="rpchat",
            summary="灯台守の娘。嵐の夜にだけ、海から手紙が届く。",
            description="岬の灯台で父と暮らす娘。手紙の返事を、まだ一度も書けていない。",
            first_message="「……来てくださったんですね」(濡れた外套を受け取りながら、ほっと息をつく)",
        ),
        above="#2b1f4d", below="#d77f9a", skin="#f3d6c2", hair="#191722", coat="#f0e4ea",
    ),
    Portrait(
        card=Card(
            name="Captain Oru", language="en", tags=("adventure", "group", "sky"), creator="rpchat",
            summary="Flies a ship that was a theatre; still has the curtains, and the debts.",
            description="Oru won the ship at cards and its ghosts with it.",
            first_message='"Mind the orchestra pit," Oru calls. *The deck tilts.* "It is where we keep the coal."',
        ),
        above="#0f4c5c", below="#e36414", skin="#8d5b3f", hair="#1c1410", coat="#9a031e",
    ),
    Portrait(
        card=Card(
            name="白露", language="ja", tags=("日本語", "和風", "怪談"), creator="rpchat",
            summary="古い宿の女将。客の忘れ物を、一つも忘れない。",
            description="峠の宿「白露」の女将。年齢を尋ねた客は、翌朝には尋ねたことを忘れている。",
            first_message="「お待ちしておりました」(行灯を少しだけ持ち上げる)「お履き物は、前と同じところに」",
        ),
        above="#101820", below="#55707a", skin="#f5e3d7", hair="#2a2a33", coat="#3a5a40",
    ),
)  # fmt: skip


def write_files(folder: Path) -> None:
    """Write the cards as PNG files, and beside them what an import meets in real folders."""
    for portrait in PORTRAITS:
        data = write_card(portrait.card, "png", avatar=_painted(portrait)).data
        (folder / f"{portrait.card.name}.png").write_bytes(data)
    (folder / "half a download.png").write_bytes(_painted(PORTRAITS[0])[:900])
    (folder / "notes.json").write_text('{"todo": "ask Ilse about the ledger"}', encoding="utf-8")


def _painted(portrait: Portrait) -> bytes:
    width, height = _SIZE
    picture = Image.composite(
        Image.new("RGB", _SIZE, portrait.below), Image.new("RGB", _SIZE, portrait.above),
        Image.linear_gradient("L").resize(_SIZE),
    )  # fmt: skip
    draw = ImageDraw.Draw(picture)
    draw.ellipse((110, 90, width - 110, 520), fill=portrait.hair)
    draw.ellipse((20, 480, width - 20, height + 260), fill=portrait.coat)
    draw.rectangle((195, 400, 285, 540), fill=portrait.skin)
    draw.ellipse((150, 160, width - 150, 470), fill=portrait.skin)
    draw.pieslice((140, 120, width - 140, 380), 180, 360, fill=portrait.hair)
    for eye in (205, 275):
        draw.ellipse((eye - 14, 300, eye + 14, 318), fill=portrait.hair)
    draw.arc((205, 360, 275, 410), 20, 160, fill=portrait.coat, width=6)
    data = io.BytesIO()
    picture.filter(ImageFilter.GaussianBlur(1)).save(data, "PNG")
    return data.getvalue()
