"""The model's process: takes orders from the pipe one at a time until the pipe closes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rpchat.engine.wire import Fields, pack_piece, pack_version_piece, request_of, segments_of, settings_of
from rpchat.engine.worker.pipes import Inbox, Pipes
from rpchat.errors import EngineError, ModelError, PromptError
from rpchat.story.text import one_line

if TYPE_CHECKING:
    from rpchat.engine.worker.model import Model, Order


_REINSTALL = "Reinstall it for this Python and this machine."


def main() -> None:
    """Take the pipes, then obey. Only then is llama.cpp loaded: what it prints must find its way to the log."""
    pipes = Pipes()
    inbox = Inbox(pipes)
    try:
        desk = Desk(pipes, inbox)
    except (ImportError, OSError, RuntimeError) as error:
        reason = one_line(str(error), 200)
        pipes.send(
            "failed", error="ModelError", message=f"llama-cpp-python cannot be loaded: {reason}", hint=_REINSTALL
        )
        return
    while True:
        kind, content = inbox.next()
        try:
            desk.obey(kind, content)
        except (ModelError, PromptError, EngineError) as error:
            pipes.send("failed", error=type(error).__name__, message=error.message, hint=error.hint)


class Desk:
    """Carries out one order after the other on the one model of this process."""

    def __init__(self, pipes: Pipes, inbox: Inbox) -> None:
        import llama_cpp

        from rpchat.engine.worker.flag import CancelFlag
        from rpchat.engine.worker.log import LibraryLog

        self._pipes = pipes
        self._flag = CancelFlag()
        inbox.cancel = self._flag.cancel
        inbox.leave = self._flag.leave
        self._log = LibraryLog()
        self._model: Model | None = None
        self._order: Order | None = None
        self._state_key: bytes | None = None
        llama_cpp.llama_backend_init()

    def obey(self, kind: str, content: Fields) -> None:
        """Carry out one order and answer it. Raises what the answer `failed` tells."""
        match kind:
            case "prepare":
                self._prepare(content)
            case "load":
                self._load(content)
            case "scale":
                self._scale(content)
            case "tokenize":
                ids = self._loaded().vocabulary.tokenize(segments_of(content["segments"]))
                self._pipes.send("tokens", ids=ids)
            case "pieces":
                piece = self._loaded().vocabulary.piece
                self._pipes.send("pieces", pieces=[piece(token).hex() for token in content["ids"]])
            case "stream":
                self._stream(content)
            case "stream_many":
                self._stream_many(content)
            case "reusable":
                count = self._loaded().decoder.reusable(segments_of(content["segments"]), content["continue_ids"])
                self._pipes.send("reusable", count=count)
            case "score":
                self._score(content)
            case "read_ahead":
                self._read_ahead(content)
            case "save_state":
                self._save_state(content)
            case "restore_state":
                self._restore_state(content)
            case "inspect":
                self._inspect(content)
            case _:
                raise EngineError(f"the engine does not know the order {kind}")

    def _loaded(self) -> Model:
        if self._model is None:
            raise EngineError("no model is loaded")
        return self._model

    def _prepare(self, content: Fields) -> None:
        """Before a model is loaded: heed the limit on memory, find the servers, and say what there is."""
        from rpchat.engine.worker.devices import resources
        from rpchat.engine.worker.limits import limit_memory
        from rpchat.engine.worker.rpc import add_servers

        limit_memory(content["memory_limit_mb"])
        add_servers(content["rpc_servers"])
        self._pipes.send("resources", resources=resources())

    def _load(self, content: Fields) -> None:
        from rpchat.engine.worker.model import Order, load
        from rpchat.engine.worker.state import state_key

        order = Order(
            path=Path(content["path"]),
            settings=settings_of(content["settings"]),
            n_prompts=content["n_prompts"],
            controls=tuple(content["controls"]),
            safe_mode=content["safe_mode"],
            warm_up=content["warm_up"],
        )
        told = -1

        def tell(kind: str, done: int) -> None:
            nonlocal told
            if kind != "loading" or done - told >= 10:
                told = done
                self._pipes.send(kind, done=done)

        self._order = order
        self._state_key = state_key(order)
        # Loading cannot be cancelled: closing the pipe ends this process. The first stream has a higher number.
        self._flag.begin(1)
        self._model = load(order, log=self._log, tell=tell, flag=self._flag)
        self._pipes.send("loaded", model=self._model.info)

    def _scale(self, content: Fields) -> None:
        from rpchat.engine.worker.state import state_key

        model, order = self._loaded(), self._order
        assert order is not None
        settings = settings_of(content["settings"])
        model.scale(settings.lora)
        self._order = replace(order, settings=replace(order.settings, lora=settings.lora))
        self._state_key = state_key(self._order)
        self._pipes.send("scaled")

    def _stream(self, content: Fields) -> None:
        from rpchat.engine.worker.decode import CancelledError

        self._flag.begin(content["number"])
        reading = partial(_send_reading, self._pipes)
        piece = partial(_send_piece, self._pipes)
        decoder = self._loaded().decoder
        try:
            ended = decoder.reply(request_of(content["request"]), reading=reading, piece=piece)
        except CancelledError:
            self._pipes.send("cancelled")
            return
        self._pipes.send("ended", end=ended)
        decoder.close()

    def _stream_many(self, content: Fields) -> None:
        from rpchat.engine.worker.decode import CancelledError
        from rpchat.engine.worker.parallel import Parallel

        self._flag.begin(content["number"])
        parallel = Parallel(
            decoder=self._loaded().decoder,
            request=request_of(content["request"]),
            count=content["count"],
            aside=content["aside"],
            reading=partial(_send_reading, self._pipes),
            piece=partial(_send_version_piece, self._pipes),
            ended=lambda version, end: self._pipes.send("version_ended", version=version, end=end),
        )
        try:
            parallel.run()
        except CancelledError:
            self._pipes.send("cancelled")
        else:
            self._pipes.send("ended")

    def _read_ahead(self, content: Fields) -> None:
        from rpchat.engine.worker.decode import CancelledError

        self._flag.begin(content["number"])
        try:
            whole = self._loaded().decoder.read_ahead(
                segments_of(content["segments"]), content["continue_ids"], replacing=content["replacing"]
            )
        except CancelledError:
            self._pipes.send("cancelled")
        else:
            self._pipes.send("ended", whole=whole)

    def _score(self, content: Fields) -> None:
        from rpchat.engine.worker.decode import CancelledError
        from rpchat.engine.worker.scoring import score

        self._flag.begin(content["number"])
        decoder = self._loaded().decoder
        prompts = [segments_of(prompt) for prompt in content["prompts"]]
        try:
            scores = score(decoder, prompts)
        except CancelledError:
            self._pipes.send("cancelled")
        else:
            self._pipes.send("ended", scores=scores)

    def _save_state(self, content: Fields) -> None:
        from rpchat.engine.worker.decode import CancelledError
        from rpchat.engine.worker.state import save_state

        self._flag.begin(content["number"])
        model, key, path = self._loaded(), self._state_key, Path(content["path"])
        most = model.info.n_prompts
        try:
            saved = key is not None and save_state(
                model.decoder, path, key=key, limit=content["limit"], most=most
            )  # fmt: skip
        except CancelledError:
            self._pipes.send("cancelled")
        else:
            self._pipes.send("ended", saved=saved)

    def _restore_state(self, content: Fields) -> None:
        from rpchat.engine.worker.decode import CancelledError
        from rpchat.engine.worker.state import restore_state

        self._flag.begin(content["number"])
        decoder, key, path = self._loaded().decoder, self._state_key, Path(content["path"])
        try:
            count = restore_state(decoder, path, key=key) if key is not None else 0
        except CancelledError:
            self._pipes.send("cancelled")
        else:
            self._pipes.send("ended", count=count)

    def _inspect(self, content: Fields) -> None:
        import llama_cpp

        from rpchat.engine.port import Inspection
        from rpchat.engine.worker.devices import features, resources
        from rpchat.engine.worker.model import inspect

        path = content["path"]
        controls = tuple(content["controls"])
        here = resources()
        inspection = Inspection(
            library=llama_cpp.__version__,
            features=features(),
            gpu_offload=bool(llama_cpp.llama_supports_gpu_offload()),
            rpc=bool(llama_cpp.llama_supports_rpc()),
            resources=here,
            devices=here.devices,
            safe_mode=None,
            model=None if path is None else inspect(Path(path), controls=controls, log=self._log),
        )
        self._pipes.send("inspected", inspection=inspection)


def _send_reading(pipes: Pipes, done: int, total: int) -> None:
    pipes.send("reading", done=done, total=total)


def _send_piece(pipes: Pipes, token: int, data: bytes) -> None:
    pipes.send_line(pack_piece(token, data))


def _send_version_piece(pipes: Pipes, version: int, token: int, data: bytes) -> None:
    pipes.send_line(pack_version_piece(version, token, data))


if __name__ == "__main__":
    main()
