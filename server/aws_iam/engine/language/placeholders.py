"""Placeholders that were meant to be filled in before the policy is used.

They are written `${ORG_ID}`, `<org-id>`, `[NAME]`, `{{Name}}`, `$NAME`, `##NAME##`, `%NAME%`, `#{Name}`, `xxNAMExx` or `o-xxxxxxxxxx`.
In the fields of an ARN words count too: no account is called `ACCOUNT_ID`, and no Region `region`. So do words that are the
whole value of a condition key whose values have a form: no organization is called `ORG_ID`.
"""

from __future__ import annotations

import re

# Every policy variable is named after a condition key, which has a colon: `${aws:username}`. The others belong to
# CloudFormation (`${AWS::AccountId}`), Terraform (`${var.name}`), Serverless (`${self:service}`), GitHub (`${{ vars.ID }}`)
# or a shell.
_OF_TEMPLATE = r"\$\{\{[^{}]+\}\}|\$\{(?:[^{}:*?$,'\s][^{}:]*|AWS::\w+|(?:self|opt|env|sls|cf|param):[^{}]*)\}"
OF_TEMPLATE = re.compile(_OF_TEMPLATE)
"""Text that a template engine fills in, written like a policy variable: `${ORG_ID}`, `${self:custom.arn}`."""
_PLACEHOLDER = re.compile(
    _OF_TEMPLATE + r"|[%]\{[^{}]+\}"
    r"|\{\{[^{}]+\}\}"
    # Bitbucket puts UUIDs in braces.
    r"|(?<![${}%#])\{(?![0-9A-Fa-f]{8}-)[A-Za-z][A-Za-z0-9 _.-]*\}(?!\})"
    # Versions of functions and documents are called `$LATEST` and `$DEFAULT`.
    r"|(?<!\$)\$(?!(?:LATEST|DEFAULT)\b)[A-Z][A-Z0-9_]+\b"
    r"|<[A-Za-z][^<>{}]*>"
    r"|\[[A-Z][A-Za-z0-9 _-]*\]"
    r"|\b(?:YOUR|MY|REPLACE|EXAMPLE)[_-][A-Z0-9_-]+\b"
    r"|%[A-Z][A-Z_]{2,}%|#\{[A-Za-z][^{}]*\}"
    r"|##[A-Za-z][A-Za-z0-9_. -]*##|@@[A-Za-z][A-Za-z0-9_. -]*@@|\b__[A-Z][A-Z0-9_]*__\b"
    r"|\b[xX]{8,}\b|\b(?P<letter>[A-Za-z])(?P=letter){11}\b|\bxx[A-Z][A-Z0-9_]+xx\b"
)
# An alias of an account may be a name with `account` in it, but is not in capitals and has no `id`.
_REGION_WORD = re.compile(
    r"[A-Z_-]*REGION[A-Z_-]*|(?i:(?:[a-z]+[-_])?region(?:[-_]?(?:id|name|code))?)"
)
_ACCOUNT_WORD = re.compile(
    r"[A-Z_-]*ACCOUNT[A-Z_-]*|account|(?i:[a-z_-]*account[-_]?(?:id|number|no))|([A-Za-z])\1\1+"
)
_FIELDS = 6
# A word in capitals, of which no id, address or ARN consists.
_CAPITALS = r"[A-Z][A-Z0-9]+(?:[_-][A-Z0-9]+)*"
_ACCOUNTS = re.compile(rf"{_CAPITALS}|{_ACCOUNT_WORD.pattern}")
# An id in capitals, such as `O-A1B2C3D4E5`, is misspelt.
_ORGANIZATION = re.compile(
    rf"(?!O-){_CAPITALS}|o-[A-Z_-]+|o-[xX]+|(?i:[a-z_-]*org(?:anization)?[-_]?id)"
)
_REGIONS = re.compile(rf"[A-Z0-9_-]*REGION[A-Z0-9_-]*|{_REGION_WORD.pattern}")
_ENDPOINT = re.compile(
    r"(?i:[a-z_-]*(?:vpce?|endpoint)[-_]?id)|VPCE?|vpce?-[xX]{3,}|vpce?-[A-Z_]+"
)
_ARN_WORD = re.compile(_CAPITALS)
_ADDRESS = re.compile(r"[A-Z]{2,}(?:[_-][A-Z]+)*")
_PATH_PART = re.compile(
    rf"{_ORGANIZATION.pattern}|(?:r|ou)-[A-Z_-]+|(?i:[a-z_-]*(?:root|ou)[-_]id)"
)
_OF_KEYS = {
    **dict.fromkeys(
        ("aws:principalaccount", "aws:resourceaccount", "aws:sourceaccount"), _ACCOUNTS
    ),
    **dict.fromkeys(("aws:vpceaccount", "kms:calleraccount", "s3:resourceaccount"), _ACCOUNTS),
    **dict.fromkeys(("s3:dataaccesspointaccount",), _ACCOUNTS),
    **dict.fromkeys(("aws:principalorgid", "aws:resourceorgid"), _ORGANIZATION),
    **dict.fromkeys(("aws:sourceorgid", "aws:vpceorgid"), _ORGANIZATION),
    **dict.fromkeys(("aws:requestedregion", "ec2:region"), _REGIONS),
    **dict.fromkeys(("aws:sourcevpc", "aws:sourcevpce"), _ENDPOINT),
    **dict.fromkeys(("aws:sourceip", "aws:vpcsourceip"), _ADDRESS),
    **dict.fromkeys(("aws:principalarn", "aws:sourcearn"), _ARN_WORD),
    **dict.fromkeys(("iam:permissionsboundary", "iam:policyarn"), _ARN_WORD),
}
_PATHS = frozenset({"aws:principalorgpaths", "aws:resourceorgpaths", "aws:sourceorgpaths"})
KEYS_WITH_WORDS = (*_OF_KEYS, *sorted(_PATHS))
"""The condition keys, in lower case, whose values have a form that a word alone does not have."""


def placeholders(text: str) -> tuple[str, ...]:
    """The placeholders in a text that nobody filled in, in their order."""
    return (*_words(text), *(match.group() for match in _PLACEHOLDER.finditer(text)))


def placeholders_of_key(key: str, text: str) -> tuple[str, ...]:
    """The placeholders in a value of a condition key, given in lower case: a word alone may be one."""
    found = placeholders(text)
    if found:
        return found
    if key in _PATHS:
        return tuple(part for part in text.split("/") if _PATH_PART.fullmatch(part))
    words = _OF_KEYS.get(key)
    return (text,) if words and words.fullmatch(text) else ()


def may_be_word_of_key(text: str) -> bool:
    """Whether the text is a placeholder as the value of some condition key; for a first look that is quick."""
    return any(words.fullmatch(text) for words in set(_OF_KEYS.values())) or any(
        map(_PATH_PART.fullmatch, text.split("/"))
    )


def is_known_later_of_key(key: str, text: str) -> bool:
    """Whether a request decides about a part of the value of a condition key, or somebody who has yet to fill it in."""
    return "${" in text or bool(placeholders_of_key(key, text))


def is_known_later(text: str) -> bool:
    """Whether a request decides about a part of the text, or somebody who has yet to fill it in."""
    return "${" in text or bool(placeholders(text))


def _words(text: str) -> tuple[str, ...]:
    """The words that stand in an ARN in the place of a Region or an account."""
    if not text.startswith("arn:"):
        return ()
    fields = text.split(":", _FIELDS - 1)
    if len(fields) < _FIELDS:
        return ()
    places = ((_REGION_WORD, fields[3]), (_ACCOUNT_WORD, fields[4]))
    return tuple(field for word, field in places if word.fullmatch(field))


def with_placeholders_filled(text: str, filling: str) -> str:
    """The text as it would be with one value for every placeholder."""
    return _PLACEHOLDER.sub(filling, text)
