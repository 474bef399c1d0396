"""Placeholders that were meant to be filled in before the policy is used: `${ORG_ID}`, `<org-id>`, `[NAME]`, `{{Name}}`, `%{Name}`."""

from __future__ import annotations

import re

# Every policy variable is named after a condition key, which has a colon: `${aws:username}`. The others belong to
# CloudFormation (`${AWS::AccountId}`), Terraform (`${var.name}`), Serverless (`${self:service}`) or a shell.
_OF_TEMPLATE = r"\$\{(?:[^{}:*?$,'\s][^{}:]*|AWS::\w+|(?:self|opt|env|sls|cf|param):[^{}]*)\}"
OF_TEMPLATE = re.compile(_OF_TEMPLATE)
"""Text that a template engine fills in, written like a policy variable: `${ORG_ID}`, `${self:custom.arn}`."""
_PLACEHOLDER = re.compile(
    _OF_TEMPLATE + r"|[%]\{[^{}]+\}"
    r"|\{\{[^{}]+\}\}"
    r"|<[A-Za-z][^<>{}]*>"
    r"|\[[A-Z][A-Za-z0-9 _-]*\]"
    r"|\b(?:YOUR|MY|REPLACE|EXAMPLE)[_-][A-Z0-9_-]+\b"
    r"|\bx{12}\b|\bX{12}\b"
)


def placeholders(text: str) -> tuple[str, ...]:
    """The placeholders in a text that nobody filled in, in their order."""
    return tuple(match.group() for match in _PLACEHOLDER.finditer(text))


def with_placeholders_filled(text: str, filling: str) -> str:
    """The text as it would be with one value for every placeholder."""
    return _PLACEHOLDER.sub(filling, text)
