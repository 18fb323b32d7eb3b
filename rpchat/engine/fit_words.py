"""What was chosen for loading a model, in the user's words: one line, what was not kept, and a table."""

from __future__ import annotations

from dataclasses import dataclass, field

from rpchat.engine.needs import Needs, flash_attention, prompts_held, ubatch_of
from rpchat.engine.port import Device, Resources
from rpchat.engine.settings import EngineSettings
from rpchat.engine.shape import ModelShape


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of what was chosen, and why."""

    setting: str
    value: str
    why: str


@dataclass(frozen=True, slots=True)
class Words:
    """Says how a model is loaded: `asked` is what the user has set, `settings` what came of it."""

    model: ModelShape
    machine: Resources
    devices: tuple[Device, ...]
    asked: EngineSettings = field(kw_only=True)
    settings: EngineSettings = field(kw_only=True)
    needs: Needs = field(kw_only=True)

    def line(self, *, fits: bool) -> str:
        """Return it in one line, such as `32 of 33 layers on CUDA0 · 8,192 tokens · 5.1 GB`."""
        taken = self.needs.host + sum(self.needs.devices)
        if not fits:
            free = self.machine.free + sum(device.free for device in self.devices if not self.machine.unified)
            return f"does not fit: it takes {gigabytes(taken)}, {gigabytes(free)} are free"
        return f"{self._place()} · {self.settings.n_ctx:,} tokens · {gigabytes(taken)}"

    def told(self) -> tuple[str, ...]:
        """Return one line for each thing the user has set that is not kept."""
        asked, settings = self.asked, self.settings
        lines = []
        if asked.n_batch != settings.n_batch:
            lines.append(f"prompts are read {settings.n_batch} tokens at a time, to save memory")
        if (asked.type_k, asked.type_v) != (settings.type_k, settings.type_v):
            lines.append(f"the KV cache is kept as {settings.type_k}: memory is short")
        if asked.n_gpu_layers > settings.n_gpu_layers and self.devices:
            lines.append(f"{settings.n_gpu_layers} layers on the GPU of {asked.n_gpu_layers} asked for: no more fit")
        if asked.n_ctx > settings.n_ctx:
            lines.append(f"a context of {settings.n_ctx:,} tokens of {asked.n_ctx:,} asked for: no more fit")
        elif not asked.n_ctx and settings.n_ctx < self._usual_context():
            lines.append(f"a context of {settings.n_ctx:,} tokens: memory holds no more")
        return tuple(lines)

    def choices(self) -> tuple[Choice, ...]:
        """Return the table: each setting, what it is, and why."""
        settings = self.settings
        return (
            Choice("n_ctx", f"{settings.n_ctx:,}", self._why_context()),
            Choice("n_gpu_layers", str(settings.n_gpu_layers), self._why_layers()),
            Choice("n_batch", str(settings.n_batch), self._why_batch()),
            Choice("KV cache", f"{settings.type_k}/{settings.type_v}", self._why_cache()),
            Choice("cache_ram", f"{settings.cache_ram:,} MiB", self._why_cache_ram()),
            Choice("flash_attn", self._flash(), self._why_flash()),
            Choice("threads", str(settings.n_threads or self.machine.threads), self._why_threads()),
            Choice("memory", gigabytes(self.needs.host), self._why_memory()),
            *(
                Choice(device.name, gigabytes(taken), f"of {gigabytes(device.free)} free")
                for device, taken in zip(self.devices, self.needs.devices, strict=True)
            ),
        )

    def _place(self) -> str:
        count, every = self.settings.n_gpu_layers, len(self.model.layers) + 1
        names = ", ".join(device.name for device in self.devices)
        if not self.devices or not count:
            return "in memory, on the CPU"
        return f"all on {names}" if count >= every else f"{count} of {every} layers on {names}"

    def _usual_context(self) -> int:
        return min(self.model.context or 8192, 8192)

    def _why_context(self) -> str:
        if self.asked.n_ctx == self.settings.n_ctx:
            trained = self.model.context
            beyond = f"; the model was trained with {trained:,}" if 0 < trained < self.settings.n_ctx else ""
            return f"as set{beyond}"
        if self.asked.n_ctx:
            return f"of {self.asked.n_ctx:,} asked for: no more fit"
        if self.settings.n_ctx < self._usual_context():
            return "as much as memory holds"
        return "the model's own" if self.model.context == self.settings.n_ctx else "enough for long scenes"

    def _why_layers(self) -> str:
        every = len(self.model.layers) + 1
        if not self.devices:
            return "no GPU this build can use"
        if self.settings.n_gpu_layers == self.asked.n_gpu_layers:
            return f"as set, of {every}"
        if self.settings.n_gpu_layers >= every:
            return "all of them fit"
        return f"of {every}: no more fit"

    def _why_batch(self) -> str:
        if self.settings.n_batch != self.asked.n_batch:
            return f"of {self.asked.n_batch}: smaller ones take less memory"
        return f"{ubatch_of(self.settings)} of them computed at once"

    def _why_cache(self) -> str:
        if self.settings.type_k != self.asked.type_k:
            return f"memory is short; {self.asked.type_k} takes about twice as much"
        place = "on the GPU" if self.settings.offload_kqv and self.settings.n_gpu_layers else "in memory"
        return f"{gigabytes(self.needs.cache)} in memory" if place == "in memory" else "with its layers on the GPU"

    def _why_cache_ram(self) -> str:
        count = prompts_held(self.model, self.settings)
        if count == 1:
            return "one prompt stays read"
        return f"{count} prompts stay read" + ("" if self.asked.cache_ram < 0 else ", as set")

    def _flash(self) -> str:
        return flash_attention(self.settings, offloads=bool(self.devices and self.settings.n_gpu_layers))

    def _why_flash(self) -> str:
        if self.asked.flash_attn != "auto":
            return "as set"
        if self.settings.flash_attn == "on":
            return "a quantised KV cache needs it"
        return "slower on a CPU once a prompt is long" if self._flash() == "off" else "llama.cpp decides"

    def _why_threads(self) -> str:
        if self.settings.n_threads:
            return "as set"
        return "the physical cores" + ("" if self.machine.threads == 1 else "; one fewer while others are busy")

    def _why_memory(self) -> str:
        parts = (f"{name} {gigabytes(size)}" for name, size in self._parts() if size)
        return f"{' · '.join(parts)}; {gigabytes(self.machine.free)} are free"

    def _parts(self) -> tuple[tuple[str, int], ...]:
        needs = self.needs
        return ("weights", needs.weights), ("KV cache", needs.cache), ("computing", needs.compute)


def gigabytes(size: int) -> str:
    """Return a size as people read it."""
    return f"{size / 1e9:.1f} GB" if size >= 50_000_000 else f"{size / 1e6:.0f} MB"
