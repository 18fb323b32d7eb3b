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
    click.option("--scene", default="", metavar="NAME", help="A scene by title or number."),
    click.option("--new", is_flag=True, help="Begin another scene with these cards."),
    click.option("--model", default="", metavar="NAME|PATH", help="The GGUF to play with."),
    click.option("--preset", default="", metavar="NAME", help="Format and samplers; see `rpchat presets`."),
    click.option("--persona", default="", metavar="NAME|PATH", help="Who you play."),
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

    wishes = Wishes(model=given.pop("model", ""), preset=given.pop("preset", ""), persona=given.pop("persona", ""))
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


@rpchat.command()
@_home
@click.pass_context
def presets(context: click.Context, /, **given: Any) -> None:
    """List the presets: name, adapter, what it is for."""
    from rpchat.cli.lists import list_presets

    _run(list_presets(_options(**_given(context, given))))


@rpchat.command()
@_home
@click.pass_context
def models(context: click.Context, /, **given: Any) -> None:
    """List the model files found, and the one that would be played."""
    from rpchat.cli.lists import list_models

    _run(list_models(_options(**_given(context, given))))


@rpchat.command()
@click.option("--model", default="", metavar="NAME|PATH", help="The GGUF to look at.")
@_home
@click.pass_context
def doctor(context: click.Context, /, **given: Any) -> None:
    """Say what was found: llama.cpp, devices, model, preset, folders, terminal."""
    from rpchat.cli.doctor import run

    _run(run(_options(**_given(context, given))))


@rpchat.command()
@click.option("--model", default="", metavar="NAME|PATH", help="The GGUF to measure.")
@click.option("--preset", default="", metavar="NAME", help="Format and samplers; see `rpchat presets`.")
@_home
@click.option("--actions", type=click.IntRange(1), default=20, show_default=True, help="Actions in each of two scenes.")
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
