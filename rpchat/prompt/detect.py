"""Which preset fits a model, and why: from what the GGUF says of itself.

What the file holds weighs more than what it is called. A name counts until the vocabulary or the chat template speaks
against it; then comes what the template writes, then the control tokens of a model without one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rpchat.prompt.vocabularies import vocabulary_name, vocabulary_title
from rpchat.story.preset import Preset, VocabularyName
from rpchat.story.text import fold, one_line


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What is known of a model before it is loaded."""

    file_name: str
    name: str = ""
    """`general.name`."""
    architecture: str = ""
    """llama.cpp's name of it, such as `llama`."""
    chat_template: str = ""
    vocabulary_model: str = ""
    """`tokenizer.ggml.model`; empty if the file tells nothing of its vocabulary."""
    pre_tokenizer: str = ""
    """`tokenizer.ggml.pre`."""
    vocabulary_size: int = 0
    controls: frozenset[str] = frozenset()
    """Of `telling_tokens`, those that are one control token each."""
    user_defined: frozenset[str] = frozenset()
    """Of `telling_tokens`, those that are one token each, but are found in plain text as well."""

    @property
    def vocabulary(self) -> VocabularyName | None:
        """The known vocabulary this is; None if it is another, or not told."""
        return vocabulary_name(self.vocabulary_model, self.pre_tokenizer, self.vocabulary_size)


@dataclass(frozen=True, slots=True)
class Detection:
    """The name of the preset to use, and why in a few words."""

    preset: str
    why: str


FALLBACK = "chatml"
OWN_TEMPLATE = "template"
BASE = "plain"

_COMMONEST = "ChatML is the commonest format"
_BASE_WORD = "-base-"


def detect(facts: ModelFacts | None, presets: Sequence[Preset]) -> Detection:
    """Return the preset for a model, or the commonest one if there is no model to go by.

    In this order: a preset that the model is named after, unless vocabulary or template speak against it; one whose
    marks the template has; one whose tokens the vocabulary has, if there is no template; the template itself; for a
    model without chat tokens the plain transcript. Longer names and more marks win. The reason also says which name
    was not believed.
    """
    if facts is None:
        return Detection(FALLBACK, f"there is no model to go by, and {_COMMONEST}")
    doubt = ""
    for hint, preset in _names(facts, presets):
        against = _against(facts, preset)
        if not against:
            return Detection(preset.name, "; ".join(filter(None, [_named(facts, hint, preset), doubt])))
        doubt = doubt or f"it is named `{hint}`, but {against}"
    found = _by_template(facts, presets) or _by_tokens(facts, presets) or _by_nothing(facts)
    return Detection(found.preset, "; ".join(filter(None, [found.why, doubt])))


def telling_tokens(presets: Iterable[Preset]) -> frozenset[str]:
    """Return the tokens that a model's vocabulary is to be asked for, so that `detect` can choose among presets."""
    hints = [preset.models for preset in presets]
    return frozenset(token for hint in hints for token in (*hint.tokens, *hint.template_marks))


def named_by(hints: Sequence[str], file_name: str) -> bool:
    """Return whether one of the hints is a part of the file's name."""
    return any(_plain(hint) in _plain(file_name) for hint in hints)


def _names(facts: ModelFacts, presets: Iterable[Preset]) -> Iterator[tuple[str, Preset]]:
    """Yield the presets whose names are a part of the model's, each with that name, the longest first."""
    own = (facts.file_name, facts.name)
    found = [
        (hint, preset)
        for preset in presets
        for hint in preset.models.names
        if any(named_by([hint], name) for name in own)
    ]
    yield from sorted(found, key=lambda pair: len(pair[0]), reverse=True)


def _named(facts: ModelFacts, hint: str, preset: Preset) -> str:
    said = f"it is named `{hint}`"
    hints = preset.models
    if hints.tokens and _has(facts, hints.tokens):
        return f"{said}, and its vocabulary has `{hints.tokens[0]}` as {_kind(facts, hints.tokens[0])}"
    if hints.vocabulary is not None and facts.vocabulary_model:
        return f"{said}, and has {_vocabulary(facts)}"
    return said


def _against(facts: ModelFacts, preset: Preset) -> str:
    """What speaks against the model being one of the preset's, though it has its name; empty if nothing does."""
    hints = preset.models
    if hints.vocabulary is not None and not _fits(facts, preset):
        return f"it has {_vocabulary(facts)}, not the one of {vocabulary_title(hints.vocabulary)}"
    if facts.chat_template:
        missing = next((mark for mark in hints.template_marks if mark not in facts.chat_template), "")
        return f"its template does not write `{missing}`" if missing else ""
    if hints.tokens and facts.vocabulary_model and not _has(facts, hints.tokens):
        missing = next(token for token in hints.tokens if not _has(facts, [token]))
        return f"its vocabulary has no `{missing}`"
    return "it calls itself a base model" if hints.tokens and _calls_itself_base(facts) else ""


def _by_template(facts: ModelFacts, presets: Iterable[Preset]) -> Detection | None:
    found = [
        preset
        for preset in presets
        if (marks := preset.models.template_marks)
        and all(mark in facts.chat_template for mark in marks)
        and _fits(facts, preset)
    ]
    if not found:
        return None
    # Of two that write the same, the one for every model comes before the one for models of another name.
    best = max(found, key=lambda preset: (len("".join(preset.models.template_marks)), not preset.models.names))
    mark = best.models.template_marks[0]
    said = f"its template writes `{mark}`"
    if not facts.vocabulary_model:
        return Detection(best.name, said)
    if _has(facts, [mark]):
        return Detection(best.name, f"{said}, which its vocabulary has as {_kind(facts, mark)}")
    return Detection(best.name, f"{said}, which is plain text to its vocabulary")


def _by_tokens(facts: ModelFacts, presets: Iterable[Preset]) -> Detection | None:
    if facts.chat_template or _calls_itself_base(facts):
        return None
    found = [
        preset
        for preset in presets
        if preset.models.tokens and _has(facts, preset.models.tokens) and _fits(facts, preset)
    ]
    if not found:
        return None
    # A family's tokens are there from birth, in its base models too; those of a format for all were put there.
    best = max(found, key=lambda preset: (not preset.models.names, len("".join(preset.models.tokens))))
    token = best.models.tokens[0]
    why = f"it has no template, but its vocabulary has `{token}` as {_kind(facts, token)}"
    doubt = f"; should it be a base model, `{BASE}` is better" if best.models.names else ""
    return Detection(best.name, why + doubt)


def _by_nothing(facts: ModelFacts) -> Detection:
    """Where no preset knows the model."""
    if facts.chat_template:
        return Detection(OWN_TEMPLATE, "no preset knows its template, so the template itself is used")
    if not facts.vocabulary_model:
        return Detection(FALLBACK, f"the file tells neither template nor vocabulary, and {_COMMONEST}")
    architecture = one_line(facts.architecture, 40) or "unknown"
    seen = f"{architecture} architecture, {_vocabulary(facts)}, no template"
    if _calls_itself_base(facts):
        return Detection(BASE, f"{seen}: a base model, which goes on with a plain transcript")
    guess = "most likely a base model, which goes on with a plain transcript"
    return Detection(BASE, f"{seen}, no chat tokens: {guess}; if its makers name a format, choose that")


def _fits(facts: ModelFacts, preset: Preset) -> bool:
    """Whether the model's vocabulary can be the preset's: nothing is said of it, or it is that one."""
    wanted = preset.models.vocabulary
    return wanted is None or not facts.vocabulary_model or facts.vocabulary == wanted


def _has(facts: ModelFacts, tokens: Iterable[str]) -> bool:
    return (facts.controls | facts.user_defined).issuperset(tokens)


def _kind(facts: ModelFacts, token: str) -> str:
    return "a control token" if token in facts.controls else "a token of its own"


def _vocabulary(facts: ModelFacts) -> str:
    """What the model's vocabulary is, for people; of an unknown one, what its header tells."""
    if facts.vocabulary is not None:
        return f"the vocabulary of {vocabulary_title(facts.vocabulary)}"
    kind = "-".join(filter(None, [facts.vocabulary_model, facts.pre_tokenizer]))
    return f"an unknown vocabulary (`{one_line(kind, 40)}`, {facts.vocabulary_size:,} tokens)"


def _calls_itself_base(facts: ModelFacts) -> bool:
    names = (facts.file_name.rpartition(".")[0] or facts.file_name, facts.name)
    return not facts.chat_template and any(_BASE_WORD in f"-{_plain(name)}-" for name in names)


def _plain(name: str) -> str:
    """The form in which names are compared: `Antler 7B_RP.v3` is `antler-7b-rp-v3`."""
    return re.sub(r"[\s_.-]+", "-", fold(name))
