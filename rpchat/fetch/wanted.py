"""What somebody wants fetched, and which files of a repository that is. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from rpchat.errors import ModelError
from rpchat.fetch.curated import Offer, offer_named
from rpchat.store.model_names import model_name, not_a_model, part_of, quantisation_in
from rpchat.story.text import one_line

DEFAULT_QUANTISATIONS = ("Q4_K_M", "Q4_K_S", "IQ4_XS", "Q4_0", "Q5_K_M", "Q4_1", "Q5_0", "Q6_K", "Q8_0")
"""What is taken where nothing is asked for, the best known middle between size and quality first."""

_REPOSITORY = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*", re.ASCII)
_SAFE_NAME = re.compile(r"[^\x00-\x1f\\/:*?\"<>|]+")
_NAMED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A repository, and which model of it: by file name, by quantisation, or whichever is best in general."""

    repository: str
    file: str = ""
    quantisation: str = ""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository; `sha256` is empty where the hub does not give it."""

    path: str
    size: int
    sha256: str = ""

    @property
    def name(self) -> str:
        """Its own name, without folders."""
        return PurePosixPath(self.path).name


@dataclass(frozen=True, slots=True)
class Listing:
    """What a repository holds at one revision, which is a commit."""

    repository: str
    revision: str
    files: tuple[RemoteFile, ...]


def wanted(text: str, *, quantisation: str = "", memory: int = 0) -> Wanted:
    """Return what `NAME` of the list, `repository` or `repository:file` asks for.

    Behind the colon may stand a quantisation as well. From the list comes the best that fits into `memory` bytes,
    unless a quantisation is asked for. Raises ModelError for what can be neither.
    """
    text = text.strip()
    repository, _, file = text.partition(":")
    if _REPOSITORY.fullmatch(repository):
        if file and not file.lower().endswith(".gguf"):
            file, quantisation = "", quantisation or file
        return Wanted(repository=repository, file=file, quantisation=quantisation.upper())
    offer = offer_named(text)
    if offer is None:
        hint = "`rpchat models get` lists the names; a repository is written as owner/name or owner/name:file.gguf."
        raise ModelError(f"there is no `{one_line(text, 80)}` to fetch", hint)
    return wanted_of(offer, quantisation=quantisation.upper() or offer.quantisation_for(memory))


def wanted_of(offer: Offer, *, quantisation: str) -> Wanted:
    """Return what an offer of the list stands for. Raises ModelError for one that has to be made by hand."""
    if not offer.repository:
        raise ModelError(f"{offer.title} cannot be fetched", offer.by_hand)
    return Wanted(repository=offer.repository, quantisation=quantisation)


def chosen_files(listing: Listing, wish: Wanted) -> tuple[RemoteFile, ...]:
    """Return the files of the model that is wanted, in order: one, or all parts of a split one.

    Raises ModelError with what there is instead.
    """
    models = _models(listing)
    if not models:
        raise ModelError(f"{listing.repository} has no GGUF models", "Models for llama.cpp are GGUF files.")
    if wish.file:
        for files in models.values():
            if any(wish.file in (file.path, file.name) for file in files):
                return _whole(files)
        raise ModelError(f"{listing.repository} has no `{one_line(wish.file, 80)}`", _instead(models))
    asked = (wish.quantisation,) if wish.quantisation else DEFAULT_QUANTISATIONS
    for quantisation in asked:
        for files in models.values():
            if quantisation_in(files[0].name) == quantisation:
                return _whole(files)
    if not wish.quantisation and len(models) == 1:
        return _whole(next(iter(models.values())))
    lacking = f"no {one_line(wish.quantisation, 20)}" if wish.quantisation else "several models"
    raise ModelError(f"{listing.repository} has {lacking}", _instead(models))


def _models(listing: Listing) -> Mapping[str, Sequence[RemoteFile]]:
    """Return the models of a listing by folder and name, each with its parts in order."""
    found: dict[str, list[RemoteFile]] = {}
    for file in sorted(listing.files, key=lambda file: file.path):
        if file.name.lower().endswith(".gguf") and not_a_model(file.name) is None:
            key = str(PurePosixPath(file.path).with_name(model_name(file.name)))
            found.setdefault(key, []).append(file)
    return found


def _whole(files: Sequence[RemoteFile]) -> tuple[RemoteFile, ...]:
    part = part_of(files[0].name)
    if part is not None and len(files) != part[2]:
        raise ModelError(f"the repository has {len(files)} of the {part[2]} files of {one_line(part[0], 80)}")
    for file in files:
        if not _SAFE_NAME.fullmatch(file.name) or file.name.startswith(".") or one_line(file.name, 255) != file.name:
            raise ModelError(f"`{one_line(file.name, 80)}` is no name for a file here")
    return tuple(files)


def _instead(models: Mapping[str, Sequence[RemoteFile]]) -> str:
    told = [quantisation_in(files[0].name) or files[0].name for files in models.values()]
    names = list(dict.fromkeys(one_line(name, 60) for name in told))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"It has {', '.join(names[:_NAMED])}{more}."
