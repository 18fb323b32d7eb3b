"""How models are written: a row in a list, and all that is known of one. Pure; widths are cells."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from textual.content import Content

from rpchat.engine.fit import Verdict
from rpchat.fetch.curated import Offer
from rpchat.fetch.events import gigabytes
from rpchat.model_rows import ModelRow
from rpchat.store.model_names import without_quantisation
from rpchat.story.text import one_line
from rpchat.tui.rows import Column, row
from rpchat.tui.widgets.status import thousands

SIGNS: dict[Verdict, tuple[str, str]] = {
    "fully": ("✓", "$success"), "partly": ("◐", "$warning"), "not": ("✗", "$error"),
}  # fmt: skip
_WIDE = 84
_GAPS = 2


def model_row(model: ModelRow, width: int, *, chosen: bool) -> Content:
    """Return the row of a model: name, quantisation, size, context, preset, whether it fits; of a broken one why."""
    played = ("● ", "bold $accent") if model.played else ("", "")
    name = Content.assemble(played, (without_quantisation(model.entry.name), "bold $speech"))
    told = model.entry.told
    if told is None or not model.preset:
        room = min(name.cell_length, (width - 2) // 2)
        error = Content(one_line(model.entry.error, 200)).stylize("$error")
        return row([Column(name, room), Column(error, max(0, width - room - 4))], chosen=chosen)
    wide = width >= _WIDE
    facts = [
        Column(Content(model.entry.quantisation or "?").stylize("$action"), 8 if wide else 7),
        Column(Content(f"{gigabytes(model.entry.size)} GB").stylize("$action"), -7),
        *([Column(Content(thousands(told.context) if told.context else "?").stylize("$ooc"), -5)] if wide else []),
        Column(Content(model.preset).stylize("$action"), 18 if wide else 13),
        Column(_sign(model), 1),
    ]
    rest = width - 2 - sum(abs(column.width) + _GAPS for column in facts)
    return row([Column(name, max(8, rest)), *facts], chosen=chosen)


def offer_row(offer: Offer, width: int, *, chosen: bool, memory: int, quantisation: str) -> Content:
    """Return the row of a model that can be fetched in that quantisation; `memory` is what one can have here, 0 where
    it is not known."""
    title = Content(offer.title).stylize("bold $speech")
    size = f"{quantisation} {gigabytes(offer.size(quantisation))} GB" if offer.repository else "by hand"
    room = 26 if width >= _WIDE else 22
    about = Content(offer.about).stylize("$action")
    columns = [
        Column(title, room),
        Column(Content(size).stylize("$ooc"), 14),
        Column(_offer_sign(offer, memory, quantisation), 1),
    ]
    return row([*columns, Column(about, max(0, width - 2 - room - 14 - 1 - 3 * _GAPS))], chosen=chosen)


def model_details(model: ModelRow, *, home: Path) -> Content:
    """Return all that is known of a model, for a pane that wraps; paths in `home`, the user's, begin with `~`."""
    entry, told = model.entry, model.entry.told
    lines = [Content(entry.name).stylize("bold $speech")]
    if told is not None:
        if told.title and told.title != entry.name:
            lines.append(Content(told.title).stylize("$action"))
        billions = f"{told.parameters / 1e9:.1f} billion" if told.parameters >= 1e8 else f"{told.parameters:,}"
        parts = [entry.quantisation or told.quantisation, told.architecture, f"{billions} parameters"]
        lines += [Content(), _quiet(parts)]
        trained = f"trained with {told.context:,} tokens" if told.context else ""
        lines.append(_quiet([f"{gigabytes(entry.size)} GB", trained]))
    if entry.error:
        lines += [Content(), Content(entry.error).stylize("$error")]
    if model.preset:
        lines += [Content(), _labelled("Preset", model.preset), *_why(model)]
    if model.fit is not None:
        sign, colour = SIGNS[model.fit.verdict]
        lines += [Content(), Content.assemble((f"{sign} ", colour), (model.fit.line, "$foreground"))]
        lines += [Content(line).stylize("$warning") for line in model.fit.told]
    files = f" · {len(entry.file.parts)} files" if len(entry.file.parts) > 1 else ""
    path = Path("~") / model.path.relative_to(home) if model.path.is_relative_to(home) else model.path
    lines += [Content(), _labelled("In", model.place + files), Content(one_line(str(path), 1000)).stylize("$ooc")]
    return Content("\n").join(lines)


def offer_details(offer: Offer, *, memory: int, quantisation: str, other: str) -> Content:
    """Return all that is known of a model that can be fetched; `other` is the key for another quantisation."""
    lines = [Content(offer.title).stylize("bold $speech"), Content(offer.about).stylize("$action"), Content()]
    lines.append(
        _quiet([", ".join(offer.languages), offer.licence, f"{offer.parameters / 1e9:.1f} billion parameters"])
    )
    if not offer.repository:
        return Content("\n").join([*lines, Content(), Content(offer.by_hand).stylize("$foreground")])
    lines.append(Content())
    for one in offer.quantisations:
        mark = "● " if one == quantisation else "  "
        fitting = "" if not memory else ("  ✓ fits" if offer.needs(one) <= memory else "  ◐ more than memory holds")
        size = f"{one:<7} about {gigabytes(offer.size(one))} GB"
        lines.append(Content.assemble((mark, "$accent"), (size, "$foreground"), (fitting, "$ooc")))
    if len(offer.quantisations) > 1:
        lines.append(Content.assemble((f"  {other}", "$accent"), (" takes another", "$ooc")))
    places = [offer.repository, *offer.elsewhere]
    lines += [Content(), _labelled("From", offer.repository), *[_quiet([f"also {one}"]) for one in places[1:]]]
    return Content("\n").join(lines)


def nothing_here(folder: str, *, get: str) -> Content:
    """Return what a list without models teaches."""
    return Content.assemble(
        ("There is no model yet. ", "bold $warning"),
        (f"{get} lists some to fetch; or put a .gguf file into ", "$foreground"),
        (folder, "$speech"),
    )


def _sign(model: ModelRow) -> Content:
    if model.fit is None:
        return Content("·").stylize("$ooc")
    sign, colour = SIGNS[model.fit.verdict]
    return Content(sign).stylize(colour)


def _offer_sign(offer: Offer, memory: int, quantisation: str) -> Content:
    if not offer.repository or not memory:
        return Content("·").stylize("$ooc")
    sign, colour = SIGNS["fully" if offer.needs(quantisation) <= memory else "partly"]
    return Content(sign).stylize(colour)


def _why(model: ModelRow) -> list[Content]:
    if model.chosen_preset:
        return [Content("chosen for this model").stylize("$ooc")]
    return [Content(model.detection.why).stylize("$ooc")] if model.detection is not None else []


def _labelled(label: str, value: str) -> Content:
    return Content.assemble((f"{label} ", "$ooc"), (value, "$foreground"))


def _quiet(parts: Iterable[str]) -> Content:
    return Content(" · ".join(part for part in parts if part)).stylize("$action")
