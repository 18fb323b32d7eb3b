"""Commands and options. Exit codes: 0 done, 2 wrong usage, 1 anything else; never a traceback."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from rpchat import __version__
from rpchat.errors import RpchatError

F = TypeVar("F", bound=Callable[..., object])

_PLAY_OPTIONS = (
    click.option("--card", "cards", multiple=True, metavar="NAME|PATH", help="A card to play; may be repeated."),
    click.option("--scene", default="", metavar="NAME|FILE", help="A scene by title or number, or one to begin."),
    click.option("--new", is_flag=True, help="Begin another scene with these cards, or of that file."),
    click.option("--model", default="", metavar="NAME|PATH", help="The GGUF to play with."),
    click.option("--preset", default="", metavar="NAME", help="Format and samplers; see `rpchat presets`."),
    click.option("--persona", default="", metavar="NAME|PATH", help="Who you play."),
    click.option("--engine", default="", metavar="URL", help="A server to play on: llama-server, vLLM …"),
)
_HOME = click.option(
    "--home", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Where everything is kept."
)


def _with_options(*options: Callable[[F], F]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


_play = _with_options(*_PLAY_OPTIONS, _HOME)
_home = _with_options(_HOME)


def _options(**given: Any) -> Any:
    # The rooms below are imported when a command runs: `rpchat --help` and `--version` answer at once.
    from rpchat.choices import Wishes
    from rpchat.cli.build import Options

    wishes = Wishes(**{name: given.pop(name, "") for name in ("model", "preset", "persona", "engine")})
    return Options(wishes=wishes, **given)


def _run(work: Coroutine[Any, Any, int]) -> None:
    code = asyncio.run(work)
    if code:
        sys.exit(code)


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="rpchat", message="%(prog)s %(version)s")
@_play
@click.pass_context
def rpchat(context: click.Context, /, **given: Any) -> None:
    """Play character cards in the terminal, on a GGUF model of your own.

    Without a command the screen opens: on the scene of the cards given, else on recent scenes and cards.
    """
    if context.invoked_subcommand is None:
        from rpchat.cli.screen import open_screen

        open_screen(_options(**given))
    else:
        context.obj = {key: value for key, value in given.items() if value}


def _given(context: click.Context, given: dict[str, Any]) -> dict[str, Any]:
    """Options may stand in front of the command or behind it."""
    return {**given, **{key: value for key, value in (context.obj or {}).items() if not given.get(key)}}


def _need_scene(options: Any) -> None:
    if not options.cards and not options.scene:
        raise click.UsageError("Name a card with --card or a scene with --scene.", click.get_current_context())


@rpchat.command()
@click.argument("text")
@_play
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per reply.")
@click.option("--seed", type=click.IntRange(0, 0xFFFFFFFE), help="The same seed gives the same reply.")
@click.option("--max-tokens", type=click.IntRange(1), help="Longest reply, in tokens.")
@click.option("--swipes", type=click.IntRange(1, 20), default=1, show_default=True, help="How many versions to write.")
@click.pass_context
def say(
    context: click.Context, /, text: str, as_json: bool, seed: int | None, max_tokens: int | None, swipes: int,
    **given: Any,
) -> None:  # fmt: skip
    """Say TEXT in a scene; the reply streams to standard output, notes go to standard error."""
    from rpchat.cli.say import Saying, run

    options = _options(**_given(context, given))
    _need_scene(options)
    saying = Saying(text=text, as_json=as_json, seed=seed, max_tokens=max_tokens, swipes=swipes)
    _run(run(options, saying))


@rpchat.command()
@_play
@click.option("--say", "text", default="", metavar="TEXT", help="As if you had just said this.")
@click.option("--json", "as_json", is_flag=True, help="Segments, stops and token ids as JSON.")
@click.pass_context
def prompt(context: click.Context, /, text: str, as_json: bool, **given: Any) -> None:
    """Print exactly what the model would read next. Nothing is written or generated."""
    from rpchat.cli.prompt import run

    options = _options(**_given(context, given))
    _need_scene(options)
    _run(run(options, text, as_json=as_json))


@rpchat.command("import")
@click.argument("paths", nargs=-1, required=True, metavar="FILE|FOLDER...", type=click.Path(path_type=Path))
@_home
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per file.")
@click.pass_context
def import_(context: click.Context, /, paths: tuple[Path, ...], as_json: bool, **given: Any) -> None:
    """Take in cards, chats, presets, lorebooks and personas of other programs; folders with all that is in them.

    What a file is, is told by what it holds. Nothing is overwritten, and a file that came before does not come twice.
    """
    from rpchat.cli.importing import run

    _run(run(_options(**_given(context, given)), paths, as_json=as_json))


@rpchat.command()
@click.argument("name", default="", metavar="CARD")
@click.option("--to", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The file to write.")
@click.option("--as", "target", default="", metavar="KIND", help="What to write, where the file's name does not say.")
@click.option("--scene", "of_scene", default="", metavar="NAME", help="Write a scene: jsonl, md or txt.")
@click.option("--preset", "of_preset", default="", metavar="NAME", help="Write a preset: json or yaml.")
@click.option("--lorebook", "of_lorebook", default="", metavar="NAME", help="Write a lorebook: sillytavern or v3.")
@click.option("--overwrite", is_flag=True, help="Write over a file that is there.")
@_home
@click.pass_context
def export(
    context: click.Context, /, name: str, to: Path, target: str, of_scene: str, of_preset: str, of_lorebook: str,
    overwrite: bool, **given: Any,
) -> None:  # fmt: skip
    """Write a card to a file: png, charx, json-v2, json-v3 or yaml; or with an option, something else.

    What such a file cannot hold is told on standard error.
    """
    from rpchat.cli.exporting import Exporting, run

    given = _given(context, given)
    of_scene, of_preset = of_scene or given.pop("scene", ""), of_preset or given.pop("preset", "")
    named: dict[Any, str] = {"card": name, "scene": of_scene, "preset": of_preset, "lorebook": of_lorebook}
    wanted = [what for what, value in named.items() if value]
    if len(wanted) != 1:
        raise click.UsageError("Name one thing: a card, or one of --scene, --preset, --lorebook.", context)
    (what,) = wanted
    _run(run(_options(**given), Exporting(what=what, name=named[what], to=to, target=target, overwrite=overwrite)))


@rpchat.command()
@click.argument("paths", nargs=-1, required=True, metavar="FILE|FOLDER...", type=click.Path(path_type=Path))
def check(paths: tuple[Path, ...]) -> None:
    """Say what files are, what is odd in them, and whether they would be taken in. Nothing is stored."""
    from rpchat.cli.checking import run

    if code := run(paths):
        sys.exit(code)


@rpchat.command()
@_home
@click.pass_context
def presets(context: click.Context, /, **given: Any) -> None:
    """List the presets: name, adapter, what it is for."""
    from rpchat.cli.lists import list_presets

    _run(list_presets(_options(**_given(context, given))))


@rpchat.group(invoke_without_command=True)
@click.option("--engine", default="", metavar="URL", help="A server to play on, which is listed too.")
@_home
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
@click.pass_context
def models(context: click.Context, /, as_json: bool, **given: Any) -> None:
    """List the models on this machine, the one that would be played, and whether they fit; or fetch one."""
    given = _given(context, given)
    if context.invoked_subcommand is not None:
        context.obj = given
        return
    from rpchat.cli.models import list_models

    _run(list_models(_options(**given), as_json=as_json))


@models.command("get")
@click.argument("name", default="", metavar="NAME|OWNER/REPOSITORY[:FILE]")
@click.option("--quant", "quantisation", default="", metavar="Q4_K_M", help="The quantisation to fetch.")
@_home
@click.pass_context
def get_model(context: click.Context, /, name: str, quantisation: str, **given: Any) -> None:
    """Fetch a model into the models folder; without a name, list some that are worth it.

    What was interrupted goes on where it stopped when the same is asked for again.
    """
    from rpchat.cli import models as commands

    options = _options(**_given(context, given))
    _run(commands.get_model(options, name, quantisation=quantisation) if name else commands.list_offers(options))


@rpchat.command()
@click.option("--model", default="", metavar="NAME|PATH", help="The GGUF to look at.")
@click.option("--engine", default="", metavar="URL", help="A server to look at instead.")
@_home
@click.pass_context
def doctor(context: click.Context, /, **given: Any) -> None:
    """Say what was found: llama.cpp, devices, model, preset, folders, terminal."""
    from rpchat.cli.doctor import run

    _run(run(_options(**_given(context, given))))


@rpchat.command()
@click.option("--model", default="", metavar="NAME|PATH", help="The GGUF to measure.")
@click.option("--engine", default="", metavar="URL", help="A server to measure instead.")
@click.option("--preset", default="", metavar="NAME", help="Format and samplers; see `rpchat presets`.")
@_home
@click.option(
    "--actions", type=click.IntRange(1), default=20, show_default=True, help="Actions in each of three scenes."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def bench(context: click.Context, /, actions: int, as_json: bool, **given: Any) -> None:
    """Play a little in scenes of its own; say how fast the model is, and what is read before each answer."""
    from rpchat.cli.bench import run

    _run(run(_options(**_given(context, given)), actions=actions, as_json=as_json))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Where the output cannot carry a character, the reader gets a mark for it, not an error for all.
        sys.stdout.reconfigure(errors="replace")
    try:
        rpchat.main(args=arguments, prog_name="rpchat", standalone_mode=False)
    except click.UsageError as error:
        where = f" {error.ctx.command_path.partition(' ')[2]}" if error.ctx and error.ctx.parent else ""
        return _complain(f"{error.format_message().rstrip('.')}. See `rpchat{where} --help`", code=2)
    except RpchatError as error:
        return _complain(str(error))
    except (click.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:
        # The reader of our output has gone: what is left has nowhere to go, and that is no error of ours.
        sys.stdout = None
        return 1
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


def _complain(line: str, *, code: int = 1) -> int:
    print(f"rpchat: {' '.join(line.split())}", file=sys.stderr)
    return code
