"""The HTML templates of `assets/report/`; everything that they print is escaped."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.escape import escaped

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

FOLDER = "assets/report"
MOST_TEXT = 1_000
"""Characters of a text without a limit of its own."""

_NAME = re.compile(r"`([^`]+)`")
_SEPARATOR = re.compile(r"([:/])")


class Visible(str):
    """Text whose invisible characters are escaped already, with a limit of its own; its markup is not."""

    __slots__ = ()


# The environment keeps the compiled templates, and writing a report asks for it twice.
@cache
def html_templates() -> Environment:
    """The templates; Jinja2 is imported only for an HTML report."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    templates = Environment(
        loader=FileSystemLoader(resources.path(FOLDER)),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    templates.filters |= {"words": words, "code_names": _code_names, "breakable": _breakable}
    return templates


def own_files(*names: str) -> tuple[Markup, str]:
    """A page's own style or script, and the hash by which its Content-Security-Policy knows it."""
    from markupsafe import Markup

    text = "\n".join(resources.text(f"{FOLDER}/{name}") for name in names)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    # INVARIANT: files of ours, into which nothing is inserted.
    return Markup(text), digest  # noqa: S704


def words(name: str) -> str:
    """A name as words: `not applicable`."""
    return name.replace("_", " ")


def _visible(value: Any) -> Any:
    """A text that a template prints, with invisible characters escaped, and cut; Jinja2 then escapes its markup."""
    return escaped(value, MOST_TEXT) if type(value) is str else value


def _code_names(text: str) -> Markup:
    """The text, escaped, with the names in backticks as code."""
    from markupsafe import Markup

    # INVARIANT: only our own tags are added to what is escaped already; no entity holds a backtick.
    return Markup(_NAME.sub(r"<code>\1</code>", escape(escaped(text, MOST_TEXT))))  # noqa: S704


def _breakable(arn: Visible) -> Markup:
    """The ARN, escaped, with places after its separators where a browser may break the line."""
    from markupsafe import Markup

    # INVARIANT: only our own tag is added to what is escaped already; no entity holds a colon or a slash.
    return Markup(_SEPARATOR.sub(r"\1<wbr>", escape(arn)))  # noqa: S704
