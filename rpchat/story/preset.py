"""A preset: which format adapter, which samplers, how long, and which models it is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt, Interval, Le, MinLen

from rpchat.story.sequences import Sequences

SamplerName = Literal["penalties", "dry", "top_n_sigma", "top_k", "typical_p", "top_p", "min_p", "xtc", "temperature"]

VocabularyName = Literal[
    "llama-2", "mistral-v3", "tekken", "llama-3", "qwen", "gemma", "gemma-3", "command-r", "smollm2",
]  # fmt: skip

DEFAULT_ORDER: tuple[SamplerName, ...] = (
    "penalties", "dry", "top_n_sigma", "top_k", "typical_p", "top_p", "min_p", "xtc", "temperature",
)  # fmt: skip

Probability = Annotated[float, Interval(ge=0, le=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How the next token is chosen. Every default is neutral except the temperature.

    `order` is the order of the chain; a sampler that is not named in it, or is neutral, takes no part. Temperature
    last is simply `temperature` at the end of it. With mirostat on, the chain is penalties, dry, temperature,
    mirostat, whatever `order` says about the rest.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    order: tuple[SamplerName, ...] = DEFAULT_ORDER
    temperature: Annotated[float, Interval(ge=0, le=10)] = 1.0
    """0 takes the likeliest token."""
    dynamic_range: Annotated[float, Interval(ge=0, le=10)] = 0.0
    """Dynamic temperature: ± this much around `temperature`, by entropy."""
    dynamic_exponent: Annotated[float, Gt(0), Le(10)] = 1.0
    top_k: Annotated[int, Ge(0)] = 0
    top_p: Probability = 1.0
    min_p: Probability = 0.0
    typical_p: Probability = 1.0
    top_n_sigma: Annotated[float, Ge(0)] = 0.0
    xtc_probability: Probability = 0.0
    xtc_threshold: Probability = 0.1
    dry_multiplier: Annotated[float, Ge(0)] = 0.0
    dry_base: Annotated[float, Ge(1)] = 1.75
    dry_allowed_length: Annotated[int, Ge(0)] = 2
    dry_last_n: Annotated[int, Ge(-1)] = -1
    """Tokens looked back at; -1 is the whole context."""
    dry_breakers: tuple[str, ...] = ("\n", ":", '"', "*", "「", "」")
    repeat_penalty: Annotated[float, Gt(0)] = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    penalty_last_n: Annotated[int, Ge(-1)] = 256
    """Tokens the three penalties look back at; -1 is the whole context."""
    mirostat: Literal[0, 1, 2] = 0
    mirostat_tau: Annotated[float, Gt(0)] = 5.0
    mirostat_eta: Annotated[float, Gt(0)] = 0.1
    logit_bias: Mapping[str, float] = field(default_factory=dict)
    """Added to the logits of every token of the given text; -inf forbids (`-.inf` in YAML)."""
    grammar: str = ""
    """GBNF; empty for none."""
    seed: Annotated[int, Interval(ge=0, le=0xFFFFFFFE)] | None = None
    """None draws another seed for every reply."""

    @property
    def repeatable(self) -> bool:
        """Whether the same prompt is to be answered the same again: nothing is left to chance."""
        return self.seed is not None or self.temperature == 0

    @property
    def greedy(self) -> bool:
        """Whether the likeliest token is taken."""
        return self.temperature == 0 and "temperature" in self.order

    def neutral(self, name: str) -> bool:
        """Return whether the sampler of that name, with these numbers, would change nothing. KeyError for another."""
        penalties = (self.repeat_penalty, self.frequency_penalty, self.presence_penalty)
        return {
            "penalties": penalties == (1.0, 0.0, 0.0) or self.penalty_last_n == 0,
            "dry": self.dry_multiplier == 0 or self.dry_last_n == 0,
            "top_n_sigma": self.top_n_sigma == 0,
            "top_k": self.top_k == 0,
            "typical_p": self.typical_p >= 1,
            "top_p": self.top_p >= 1,
            "min_p": self.min_p <= 0,
            "xtc": self.xtc_probability <= 0 or self.xtc_threshold > 0.5,
            "temperature": (self.temperature, self.dynamic_range) == (1, 0),
        }[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelHints:
    """How a model file is recognised as one this preset is for. All matches ignore case."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    names: tuple[str, ...] = ()
    """Parts of the file name or of the GGUF's `general.name`."""
    template_marks: tuple[str, ...] = ()
    """Words that all stand in the chat template of such a model, if it has one."""
    tokens: tuple[str, ...] = ()
    """Control tokens that the vocabulary of such a model all has, each as one token."""
    vocabulary: VocabularyName | None = None
    """The vocabulary such a model has; one with another is not this model, whatever its name."""
    repositories: tuple[str, ...] = ()
    """Hub repositories that hold a GGUF of it."""
    file: str = ""
    """The file of choice in them for 8 GB of memory."""
    base: str = ""
    """For a LoRA: what the base model must be."""
    lora: str = ""
    """The LoRA that is put on the base: a path, or a name (or its beginning) in the models folder. A model that is
    recognised by `names` has it merged in and needs none."""
    lora_scale: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasoning:
    """How a model that thinks before it speaks marks its thoughts. They are put away, and never told to it again."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    prefix: Annotated[str, MinLen(1)] = "<think>"
    suffix: Annotated[str, MinLen(1)] = "</think>"
    opened: bool = False
    """Whether the prompt itself ends with the prefix, so that the reply begins inside the thoughts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Format adapter, samplers, length and hints under one name."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    name: Annotated[str, MinLen(1)]
    title: str = ""
    adapter: str
    sequences: Sequences | None = None
    """The format itself, for the adapter `sequences`."""
    sampling: Sampling = field(default_factory=Sampling)
    max_tokens: Annotated[int, Ge(1)] = 400
    """Longest reply, in tokens."""
    min_tokens: Annotated[int, Ge(0)] = 0
    """A reply that would end by itself before this many tokens goes on."""
    tries: Annotated[int, Interval(ge=1, le=10)] = 4
    """How often a reply is tried while it comes back empty: once as it is, and once for each thing that is changed."""
    names: bool = False
    """Names in front of lines, where the format leaves the choice."""
    length: str = ""
    """The length scenes ask for that name none, where the format has length hints."""
    length_in_history: bool = False
    """Whether past replies tell their length too, where the format leaves the choice."""
    examples: Literal["setup", "turns"] = "setup"
    """Where example dialogue stands: in the setup, or as turns in front of the first one."""
    instruction: str = ""
    """Replaces the format's own opening instruction; macros allowed."""
    story: str = ""
    """A story string that replaces the format's own setup text; see `prompt.story_string`."""
    reasoning: Reasoning | None = None
    """How the model marks its thoughts; none if it does not think before it speaks."""
    stop: tuple[str, ...] = ()
    """More strings that end a reply, beside the format's own."""
    models: ModelHints = field(default_factory=ModelHints)
    notes: str = ""
    """For the user, not for the model."""
