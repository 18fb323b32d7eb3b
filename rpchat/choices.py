"""Which model is played and with which preset: what was asked for, remembered, set, or found out, in this order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from rpchat.engine.gguf import read_header, token_kinds
from rpchat.engine.port import ModelInfo
from rpchat.engine.remote.settings import ServerSettings, address_of
from rpchat.engine.settings import EngineSettings, LoraFile
from rpchat.errors import FileError, ModelError
from rpchat.prompt.detect import Detection, ModelFacts, detect, named_by, telling_tokens
from rpchat.store.config import Config
from rpchat.store.folders import Folders
from rpchat.store.models import ModelChoice, ModelWishes, choose_model, named_model
from rpchat.store.shelf import Shelf
from rpchat.story.preset import Preset
from rpchat.story.scene import Scene, SceneSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the command line asked for; empty means nothing was."""

    model: str = ""
    preset: str = ""
    persona: str = ""
    engine: str = ""
    """The address of a server to play on."""


def server_of(config: Config, wishes: Wishes) -> ServerSettings:
    """Return the server to play on; its `url` is empty where this machine computes."""
    url = wishes.engine or config.server.url
    return replace(config.server, url=url, model=(wishes.model if url else "") or config.server.model)


class Choices:
    """Chooses; nothing here is loaded or written. `config` and `wishes` are replaced when the user changes them."""

    def __init__(self, folders: Folders, config: Config, presets: Shelf[Preset], *, wishes: Wishes) -> None:
        self.config = config
        self.wishes = wishes
        self.served: ModelInfo | None = None
        """The model of the server that is played on, once it has told."""
        self._folders = folders
        self._presets = presets

    @property
    def models_folder(self) -> Path:
        """Where GGUF files are looked for."""
        return Path(self.config.models_folder).expanduser() if self.config.models_folder else self._folders.models

    @property
    def server(self) -> ServerSettings:
        """The server to play on; its `url` is empty where this machine computes."""
        return server_of(self.config, self.wishes)

    def model(self, scene: Scene | None = None) -> ModelChoice | None:
        """Return the model that would be played; None if there is none. Raises ModelError for a wrong --model."""
        if self.server.url:
            return self._on_server()
        own = scene.settings.model if scene else ""
        wishes = ModelWishes(option=self.wishes.model, scene=own, config=self.config.model)
        return choose_model(wishes, self.models_folder)

    def preset(self, scene: Scene | None = None) -> tuple[Preset, str]:
        """Return the preset to play with and why. Raises FileError."""
        _, preset, why = self.named_preset(scene)
        return preset, why

    def named_preset(self, scene: Scene | None = None) -> tuple[str, Preset, str]:
        """Return the name that leads to the preset to play with, the preset, and why.

        In this order: asked for on the command line (FileError if there is none of that name), the scene's own, chosen
        for this model file, set for all models in the config, and the one that fits the model. What was chosen once and
        cannot be read any more is passed over, and the reason says so.
        """
        if self.wishes.preset:
            return self.preset_name(self.wishes.preset), self._presets.find(self.wishes.preset)[1], "asked for"
        settings = scene.settings if scene else SceneSettings()
        missing: list[str] = []
        for name, why in (
            (settings.preset, "the scene's own"),
            (self._of_model_file(scene), "chosen for this model"),
            (self.config.preset, "set in the config"),
        ):
            try:
                if name:
                    return name, self._presets.find(name)[1], "; ".join([why, *missing])
            except FileError as error:
                missing.append(f"{why} is passed over: {error.message}")
        detection = self._detected(scene)
        return detection.preset, self._presets.find(detection.preset)[1], "; ".join([detection.why, *missing])

    def fits(self, scene: Scene | None) -> bool:
        """Return whether the preset to play with is the one the chosen model would get by itself."""
        return self.model(scene) is not None and self.preset(scene)[0].name == self._detected(scene).preset

    def engine_settings(self, scene: Scene | None = None) -> EngineSettings:
        """Return how the model is loaded: as the config says, and with the preset's LoRA where the model needs one.

        Raises ModelError if that LoRA is not there.
        """
        if self.server.url:
            return self.config.engine
        engine = self.config.engine
        hints = self.preset(scene)[0].models
        choice = self.model(scene)
        if not hints.lora or choice is None or named_by(hints.names, choice.path.name):
            return engine
        try:
            path = named_model(hints.lora, self.models_folder)
        except ModelError:
            raise ModelError(
                f"this preset needs the LoRA `{hints.lora}` on {hints.base or 'its base model'}",
                f"Put it into {self.models_folder}, or choose a model that has it merged in.",
            ) from None
        lora = LoraFile(path=str(path), scale=hints.lora_scale)
        return replace(engine, lora=(*engine.lora, lora))

    def preset_name(self, name_or_path: str) -> str:
        """Return what a preset that can be read is remembered by, wherever rpchat is started from next time."""
        self._presets.find(name_or_path)
        path = Path(name_or_path).expanduser()
        return str(path.resolve()) if path.is_file() else name_or_path

    def controls(self) -> frozenset[str]:
        """Return every control token that an adapter or a preset may use."""
        from rpchat.prompt.formats import CONTROLS  # the home screen opens without the adapters

        own = (preset.sequences.controls for preset in self._all() if preset.sequences is not None)
        return CONTROLS.union(*own)

    def _all(self) -> list[Preset]:
        values = (entry.load().value for entry in self._presets.entries())
        return [preset for preset in values if preset is not None]

    def _of_model_file(self, scene: Scene | None) -> str:
        try:
            choice = self.model(scene) if self.config.presets else None
        except ModelError:
            # What is wrong with the model is said when it is loaded.
            return ""
        return self.config.presets.get(choice.path.name, "") if choice is not None else ""

    def _on_server(self) -> ModelChoice:
        label = address_of(self.server.url).label
        if self.served is None:
            return ModelChoice(Path(self.server.model or label), f"on {label}", title=self.server.model or label)
        return ModelChoice(self.served.path, f"on {label}", title=self.served.name)

    def _detected(self, scene: Scene | None) -> Detection:
        presets = self._all()
        if self.server.url:
            return detect(None if self.served is None else facts_of_server(self.served), presets)
        try:
            choice = self.model(scene)
            facts = facts_of(choice.path, presets) if choice is not None else None
        except ModelError:
            # What is wrong with the model is said when it is loaded; a scene can be read without one.
            facts = None
        return detect(facts, presets)


def facts_of_server(model: ModelInfo) -> ModelFacts:
    """Return what a server tells of its model that presets go by."""
    return ModelFacts(
        file_name=model.path.name,
        name=model.name,
        architecture=model.architecture,
        chat_template=model.chat_template,
        vocabulary_model=model.metadata.get("tokenizer.ggml.model", ""),
        vocabulary_size=model.n_vocab,
        # Where it takes only text, the control tokens are those that were asked for, whether it has them or not.
        controls=frozenset() if model.text_only else model.controls,
    )


def facts_of(path: Path, presets: Iterable[Preset]) -> ModelFacts:
    """Return what a model file tells that presets go by: its header, and which of their tokens it has.

    Raises ModelError.
    """
    header = read_header(path)
    kinds = token_kinds(header, telling_tokens(presets))
    return ModelFacts(
        file_name=path.name,
        name=header.name,
        architecture=header.architecture,
        chat_template=header.chat_template,
        vocabulary_model=header.vocabulary_model,
        pre_tokenizer=header.pre_tokenizer,
        vocabulary_size=header.vocabulary_size,
        controls=frozenset(name for name, kind in kinds.items() if kind == "control"),
        user_defined=frozenset(name for name, kind in kinds.items() if kind == "user-defined"),
    )
