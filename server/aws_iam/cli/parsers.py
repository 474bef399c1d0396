"""The parsers of the command line, built from the actions of the tools: every argument is an option, the main ones also come by position."""

from __future__ import annotations

import argparse
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, NoReturn

from aws_iam.cli.exit_status import MEANINGS
from aws_iam.cli.time_limits import is_limited
from aws_iam.errors import InputError
from aws_iam.escape import escaped
from aws_iam.tools.kit.argument_values import ArgumentKind
from aws_iam.tools.kit.parameters import NEVER, SEVERITIES
from aws_iam.tools.registry import NAMES, tools
from aws_iam.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aws_iam.tools.kit.argument_values import Argument
    from aws_iam.tools.kit.tool import Action, Tool

SHELLS = ("bash", "zsh", "fish")
_BY_POSITION = "by_position_"
# Marks a word behind `--`: no word of a command line holds this character.
_BEHIND = "\0"
_SEVERITIES = {word.lower(): word for word in (*SEVERITIES, NEVER)}


class Parser(argparse.ArgumentParser):
    """argparse with our error messages: what is wrong, what would work, exit status 2."""

    def error(self, message: str) -> NoReturn:
        """Refuse the command line."""
        said = escaped(message.replace(_BEHIND, ""), 500)
        raise InputError(said, hint=f"see `{self.prog} --help`")

    def parse_words(self, words: list[str]) -> argparse.Namespace:
        """The options, and values by position between them; whatever stands behind `--` is a value.

        argparse forgets the `--` between its two passes, and takes a path such as `--out=x` for an option.
        """
        options, behind = parted(words)
        found = self.parse_intermixed_args([*options, *(f"{_BEHIND}{word}" for word in behind)])
        return argparse.Namespace(**{name: _unmarked(own) for name, own in vars(found).items()})


def parted(words: list[str]) -> tuple[list[str], list[str]]:
    """The words before the first `--`, and those behind it."""
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]


def _unmarked(value: Any) -> Any:
    if isinstance(value, list):
        return [_unmarked(own) for own in value]
    return value.removeprefix(_BEHIND) if isinstance(value, str) else value


class Use(Enum):
    """What a parser is built for: choices are only listed where they are needed, because that imports the report formats."""

    PARSING = auto()
    HELP = auto()
    COMPLETION = auto()


def option_of(name: str) -> str:
    """The option of an argument, as help writes it."""
    return f"--{name.replace('_', '-')}"


def _spellings(name: str, use: Use) -> Iterable[str]:
    """Both spellings work; help shows the one with hyphens first, and shells complete that one alone."""
    option = option_of(name)
    return (option,) if use is Use.COMPLETION else dict.fromkeys((option, f"--{name}"))


def top_parser() -> Parser:
    """The parser that knows the tools and the other commands by name."""
    return Parser(
        prog="aws-iam",
        description="Checked answers about AWS IAM.",
        epilog=_top_epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="aws-iam TOOL ACTION [VALUE ...] [--argument value ...]",
        allow_abbrev=False,
    )


def _top_epilog() -> str:
    described = {tool.name: tool.description.partition(". ")[0] for tool in tools()}
    statuses = [
        ("" if number else str(status), meaning.replace("`", ""))
        for status, meanings in MEANINGS.items()
        for number, meaning in enumerate(meanings)
    ]
    return "\n\n".join(
        (
            _listed("tools", described.items()),
            _listed("other commands", ((name, text) for name, text, _ in _COMMANDS)),
            _listed("exit status", statuses),
            "`aws-iam TOOL --help` lists the actions, `aws-iam TOOL ACTION --help` their arguments.",
        )
    )


def _listed(title: str, rows: Iterable[tuple[str, str]]) -> str:
    every = list(rows)
    width = max(len(name) for name, _ in every)
    return f"{title}:\n" + "\n".join(f"  {name:<{width}}  {text}" for name, text in every)


def tool_parser(tool: Tool) -> Parser:
    """The parser of a tool, which lists its actions."""
    rows = ((action.name, action.summary) for action in tool.actions.values())
    return Parser(
        prog=f"aws-iam {tool.name}",
        description=tool.description,
        epilog=_listed(f"actions (default {tool.default})", rows),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage=f"aws-iam {tool.name} ACTION [VALUE ...] [--argument value ...]",
        allow_abbrev=False,
    )


def action_parser(tool: Tool, action: Action, use: Use = Use.PARSING) -> Parser:
    """The parser of an action."""
    parser = Parser(
        prog=f"aws-iam {tool.name} {action.name}", description=action.summary, allow_abbrev=False
    )
    add_arguments(parser, action, use)
    return parser


def add_arguments(parser: Parser, action: Action, use: Use) -> None:
    """Give the parser the arguments of an action, and the options that every action has."""
    main = [argument for argument in action.arguments if argument.by_position]
    for argument in main:
        _add_by_position(parser, argument, use, alone=len(main) == 1)
    for argument in action.arguments:
        # Every command has this option already; `policy validate` also uses its value in the report file.
        if not argument.name.startswith("fail_on"):
            _add(parser, argument, use)
    parser.add_argument(
        "--detail",
        choices=("concise", "full"),
        default="concise",
        help="concise (default): one page on a terminal, and of an audit the controls without resources and fixes; full: "
        "everything",
    )
    if writes_files(action):
        out = parser.add_argument(
            "--out", metavar="PATH", help="write the file to PATH; several go into a folder PATH"
        )
        _complete_files(out, use)
    if is_limited(action):
        parser.add_argument(
            "--seconds",
            type=float,
            metavar="N",
            help="processor time for documents; default 10 for each file of up to 2,000,000 characters; 0: no limit",
        )
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true", help="print the whole answer as JSON")
    shown.add_argument("--quiet", action="store_true", help="print the summary alone")
    _add_gate(parser, action, use)


def _add_gate(parser: Parser, action: Action, use: Use) -> None:
    parser.add_argument(
        *_spellings("fail_on", use),
        type=lambda word: _SEVERITIES.get(word.lower(), word),
        choices=tuple(_SEVERITIES.values()),
        metavar="SEVERITY",
        help="exit with 1 if any finding fails at or above this severity: critical, high (default), medium, low, info; ERROR and "
        "SECURITY_WARNING count as high, WARNING as medium, SUGGESTION as low; never: no finding does",
    )
    gates = {"unknown": "something could not be judged"}
    if any(argument.policies or argument.records for argument in action.arguments):
        gates["unread"] = "a file, or a part of one, could not be read"
    if action.name == "evaluate":
        gates["denied"] = "the request is not allowed"
    for name, meaning in gates.items():
        parser.add_argument(
            *_spellings(f"fail_on_{name}", use),
            action="store_true",
            default=None,
            help=f"exit with 1 if {meaning}",
        )


def writes_files(action: Action) -> bool:
    """Whether the action has `--out` for the files of its answer."""
    return action.gives_artifact and all(argument.name != "out" for argument in action.arguments)


def path_for_files(action: Action, options: argparse.Namespace) -> str | None:
    """Where the files of the answer go; the `--out` of an audit of many accounts names its results instead."""
    of_many = any(getattr(options, name, None) for name in ("accounts", "org"))
    return options.out if action.gives_artifact and not of_many else None


def _add_by_position(parser: Parser, argument: Argument, use: Use, *, alone: bool) -> None:
    kind = argument.kind
    several = alone and (argument.policies or kind in {ArgumentKind.LIST, ArgumentKind.TEXT})
    options: dict[str, Any] = {
        "nargs": "*" if several else "?",
        "metavar": argument.name.upper(),
        "help": f"the same as {option_of(argument.name)}",
    }
    if use is Use.COMPLETION and kind is ArgumentKind.CHOICE:
        options["choices"] = argument.choices
    action = parser.add_argument(_BY_POSITION + argument.name, **options)
    if kind is ArgumentKind.DOCUMENT:
        _complete_files(action, use)


def _add(parser: Parser, argument: Argument, use: Use) -> None:
    names = _spellings(argument.name, use)
    options: dict[str, Any] = {
        "help": argument.description.replace("%", "%%"),
        "dest": argument.name,
    }
    match argument.kind:
        case ArgumentKind.FLAG:
            options |= {"action": "store_true", "default": None}
        case ArgumentKind.LIST:
            options |= {"action": "append", "metavar": "VALUE[,VALUE]"}
        case ArgumentKind.DOCUMENT:
            folders = argument.policies or argument.records
            options |= {"metavar": "JSON|FILE|FOLDER|-" if folders else "JSON|FILE|-"}
            options |= {"action": "append"} if argument.policies else {}
        case ArgumentKind.CHOICE if use is Use.HELP:
            options |= {"metavar": "|".join(argument.words)}
        case ArgumentKind.CHOICE if use is Use.COMPLETION:
            options |= {"choices": argument.words}
        case _:
            options |= {"metavar": argument.kind.value.upper()}
    # The tool checks required arguments and choices, and suggests a close name.
    action = parser.add_argument(*names, **options)
    if argument.kind is ArgumentKind.DOCUMENT:
        _complete_files(action, use)


def _complete_files(action: argparse.Action, use: Use) -> None:
    if use is Use.COMPLETION:
        import shtab

        action.complete = shtab.FILE  # type: ignore[attr-defined]


def words_by_argument(action: Action, options: argparse.Namespace) -> dict[str, list[str]]:
    """The words of the caller by argument, whether they came by position or with the option; flags have none."""
    words: dict[str, list[str]] = {}
    for argument in action.arguments:
        by_option = _as_list(getattr(options, argument.name, None))
        by_position = _as_list(getattr(options, _BY_POSITION + argument.name, None))
        if by_option is not None and by_position:
            raise InputError(
                f"`{option_of(argument.name)}` and a value by position exclude each other",
                hint=f"leave out the option, or {', '.join(f'`{escaped(word, 80)}`' for word in by_position[:3])}",
            )
        chosen = by_option if by_option is not None else by_position
        if chosen is not None and (chosen or by_option is not None):
            words[argument.name] = chosen
    return words


def _as_list(value: Any) -> list[str] | None:
    if value is None or isinstance(value, list):
        return value
    return [] if value is True else [value]


def serve_parser() -> Parser:
    """The parser of `aws-iam serve`."""
    parser = Parser(prog="aws-iam serve", description="Run the MCP server.", allow_abbrev=False)
    _add_serve(parser)
    return parser


_SERVE_OPTIONS = (
    ("--http", "HOST:PORT", "serve streamable HTTP at /mcp instead of stdio"),
    (
        "--auth-issuer",
        "URL",
        "with --http: callers sign in; the issuer of their access tokens, as in `iss`",
    ),
    ("--auth-audience", "TEXT", "what `aud` of tokens for this server holds"),
    (
        "--auth-scopes",
        "'OFFLINE READ'",
        "names in the place of 'aws-iam:offline aws-iam:read-account'",
    ),
    ("--base-url", "URL", "where clients reach the server, such as https://HOST"),
    ("--aws-roles", "FILE", "JSON: the AWS role that each user reads under"),
    (
        "--profile",
        "NAME",
        "AWS profiles that callers may name, with commas between them; * allows all; without it none",
    ),
    (
        "--allow-role",
        "PATTERN",
        "role ARNs that callers may name, such as arn:aws:iam::111122223333:role/audit-*; without it none",
    ),
    (
        "--allow-issuer",
        "PATTERN",
        "issuers whose keys `irsa denied` may fetch beside the well-known ones, such as gitlab.example.com",
    ),
    (
        "--regions",
        "REGION",
        "the Regions that callers may read, with commas between them; without it all that the account has",
    ),
)
"""The options of `serve` with their placeholders and meanings."""
_SEVERAL = frozenset({"--profile", "--allow-role", "--allow-issuer", "--regions"})


def _add_serve(parser: Parser) -> None:
    for option, placeholder, meaning in _SERVE_OPTIONS:
        action = "append" if option in _SEVERAL else "store"
        parser.add_argument(option, metavar=placeholder, action=action, help=meaning)
    parser.add_argument("--version", action="version", version=f"aws-iam {__version__}")


def catalog_parser() -> Parser:
    """The parser of `aws-iam catalog`."""
    parser = Parser(
        prog="aws-iam catalog",
        description="Show the service-authorization data in use, or fetch the current data from AWS.",
        allow_abbrev=False,
    )
    _add_catalog(parser)
    return parser


def _add_catalog(parser: Parser) -> None:
    parser.add_argument("action", choices=("show", "refresh"))
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")


def completion_parser() -> Parser:
    """The parser of `aws-iam completion`."""
    parser = Parser(
        prog="aws-iam completion",
        description="Print the completion of a shell, for example: source <(aws-iam completion bash)",
        allow_abbrev=False,
    )
    _add_completion(parser)
    return parser


def _add_completion(parser: Parser) -> None:
    parser.add_argument("shell", choices=SHELLS)


_COMMANDS: tuple[tuple[str, str, Callable[[Parser], None]], ...] = (
    ("serve", "run the MCP server (stdio, or --http HOST:PORT)", _add_serve),
    ("catalog", "show or refresh the service-authorization data", _add_catalog),
    ("completion", "print the completion of bash, zsh or fish", _add_completion),
)


def complete_parser() -> Parser:
    """Every command in one parser, as shells complete them."""
    parser = Parser(prog="aws-iam", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"aws-iam {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="TOOL")
    for tool in tools():
        of_tool = commands.add_parser(tool.name, help=tool.title, allow_abbrev=False)
        actions = of_tool.add_subparsers(dest="action", metavar="ACTION")
        for action in tool.actions.values():
            help_text = action.summary.replace("%", "%%")
            of_action = actions.add_parser(action.name, help=help_text, allow_abbrev=False)
            add_arguments(of_action, action, Use.COMPLETION)
    for name, text, add in _COMMANDS:
        add(commands.add_parser(name, help=text, allow_abbrev=False))
    return parser


COMMAND_NAMES = (*NAMES, *(name for name, _, _ in _COMMANDS))
