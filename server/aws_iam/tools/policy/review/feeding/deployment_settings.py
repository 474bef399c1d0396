"""Settings of tools in languages of their own that say which role deploys: of SAM, Terragrunt, and of Terraform's state.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-cli-command-reference-sam-deploy.html
https://terragrunt.gruntwork.io/docs/reference/hcl/attributes/#iam_role
https://developer.hashicorp.com/terraform/language/backend#partial-configuration
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.escape import quoted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.tools.policy.review.feeding.changed_file import ChangedFile

_NAMES = ("samconfig.toml",)
_ENDINGS = (".hcl", ".tfbackend")
_ROLE = re.compile(
    r"""^[ \t]*["']?(iam_role|role_arn)["']?[ \t]*=[ \t]*(\S.*?)[ \t]*$""", re.MULTILINE
)
_COMMENT_LINE = re.compile(r"^[ \t]*(?:#|//).*$", re.MULTILINE)
_LONGEST = 200
_SHOWN = 2


def deploys_with(changed: ChangedFile) -> Iterator[str]:
    """Why the file matters, if it says that another role deploys; one that comes or goes says nothing about others."""
    if not (changed.was and changed.now):
        return
    was, now = (_roles(text, changed.path) for text in (changed.was, changed.now))
    gone, new = (
        [own for own in one if own not in other] for one, other in ((was, now), (now, was))
    )
    if not (gone or new):
        return
    before, after = (
        joined([quoted(own[:_LONGEST]) for own in roles], shown=_SHOWN) if roles else "no role"
        for roles in (gone, new)
    )
    yield f"the role that deploys is {after} in place of {before}"


def may_say_who_deploys(path: str) -> bool:
    """Whether the file is one of such a tool."""
    name = path.rpartition("/")[2].lower()
    return name in _NAMES or name.endswith(_ENDINGS)


def _roles(text: str, path: str) -> list[str]:
    if not may_say_who_deploys(path):
        return []
    found = _ROLE.findall(_COMMENT_LINE.sub("", text))
    return list(dict.fromkeys(value.rstrip(",").strip("\"'") for _, value in found))
