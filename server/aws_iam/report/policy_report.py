"""What a report of validated policies is made of."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_iam.answer import Finding

NO_FILE = "stdin"
"""Stands for the file of what came from none; GitHub matches alerts by path, so it must not vary."""


@slotted
class ValidatedPolicy:
    """A policy, the file it was found in, and its problems."""

    name: str
    file: str
    findings: tuple[Finding, ...] = ()


@slotted
class SkippedPlace:
    """A place in which no policy was judged; `broken` when its file cannot be read as what it claims to be."""

    file: str
    place: str
    why: str
    broken: bool
    finding: Finding


@slotted
class PolicyReport:
    """The policies of one call to `policy validate`, and what a report says beside their problems."""

    version: str
    """Of this tool."""
    action: str = "validate"
    """What found the problems: `policy review` has those that are new."""
    root: str = ""
    """The folder that relative paths start from."""
    fail_on: Severity | None = Severity.HIGH
    """A test of a JUnit report fails from this severity on."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """Code of a rule → what it finds."""
    whys: Mapping[str, str] = field(default_factory=dict)
    """Code of a rule → why it matters."""
    fixes: Mapping[str, str] = field(default_factory=dict)
    """Code of a rule → how to mend it in general."""
    policies: Sequence[ValidatedPolicy] = ()
    skipped: Sequence[SkippedPlace] = ()
    online: Sequence[Finding] = ()
    """What AWS said that belongs to no single policy."""
