"""`aws_iam.validate` held against what AWS's own ValidatePolicy said of AWS managed policies.

python -m tests.benchmarks.recordings

The unit is a policy version and a code, and only AWS's codes count. Precision is measured over the versions that were
current when all were analysed anew (2026-03-07): only there does silence prove anything, since AWS added checks over the
years. Recall is measured over all versions, without six findings of old versions that AWS no longer gives of the same
text. The codes that AWS decides by the service data of the day are counted apart.
"""

from __future__ import annotations

import json
import lzma
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.benchmarks.measure import ROOT, say

from aws_iam import validate

CASES = ROOT / "tests/cases/validate"
LEAST = 0.98
BY_DATA_OF_THE_DAY = frozenset(
    {
        "INVALID_ACTION",
        "INVALID_SERVICE",
        "INVALID_SERVICE_IN_ACTION",
        "INVALID_SERVICE_CONDITION_KEY",
        "INVALID_GLOBAL_CONDITION_KEY",
    }
)


def recordings() -> list[dict[str, Any]]:
    """Each with `name`, `version`, `recorded`, `current`, `document` and AWS's `findings` [code, detail, type, places]."""
    packed = (CASES / "recordings.json.xz").read_bytes()
    kept: list[dict[str, Any]] = json.loads(lzma.decompress(packed))["recordings"]
    return kept


def aws_codes() -> frozenset[str]:
    """The issue codes of ValidatePolicy that AWS documents."""
    text = (CASES / "aws-issue-codes.json").read_text(encoding="utf-8")
    return frozenset(json.loads(text)["codes"])


# What AWS reported of an older version and no longer does of the same text, because its service data changed.
_CHANGED_SINCE = {
    # The current versions (v15, v7) have the same ARN of resource-explorer-2, without a finding.
    ("MISSING_ARN_ACCOUNT", "CloudWatchFullAccessV2 v6"),
    ("MISSING_ARN_ACCOUNT", "CloudWatchFullAccessV2 v7"),
    ("MISSING_ARN_ACCOUNT", "CloudWatchApplicationSignalsFullAccess v3"),
    # Of the current version (v53) wisdom:TagResource and wisdom:UntagResource are not reported.
    (
        "ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
        "AmazonConnectServiceLinkedRolePolicy v9",
    ),
    (
        "ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
        "AmazonConnectServiceLinkedRolePolicy v10",
    ),
    # In 2021 Secrets Manager did not support aws:ResourceTag; its reference lists it now.
    (
        "ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
        "AmazonRDSCustomPreviewServiceRolePolicy v1",
    ),
}


@dataclass
class Agreement:
    """How often a code was raised by both, by us alone and by AWS alone; `apart` names the policy versions."""

    both: Counter[str] = field(default_factory=Counter)
    both_current: Counter[str] = field(default_factory=Counter)
    ours_alone: Counter[str] = field(default_factory=Counter)
    aws_alone: Counter[str] = field(default_factory=Counter)
    apart: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, recording: dict[str, Any], ours: set[str], aws: set[str]) -> None:
        """Count one policy version."""
        version = f"{recording['name']} {recording['version']}"
        self.both.update(ours & aws)
        if recording["current"]:
            self.both_current.update(ours & aws)
            self.ours_alone.update(ours - aws)
            self.apart += [(code, "ours alone", version) for code in ours - aws]
        self.aws_alone.update(aws - ours)
        self.apart += [(code, "AWS's alone", version) for code in aws - ours]

    @property
    def precision(self) -> float:
        """The share of our findings that AWS has too."""
        return self.both_current.total() / (self.both_current.total() + self.ours_alone.total())

    @property
    def recall(self) -> float:
        """The share of AWS's findings that we have too."""
        return self.both.total() / (self.both.total() + self.aws_alone.total())


def measure() -> tuple[Agreement, Agreement]:
    """The agreement on the codes that do not depend on the data of the day, and on those that do."""
    known = aws_codes()
    lasting, dated = Agreement(), Agreement()
    for recording in recordings():
        ours = {finding.code for finding in validate(recording["document"], "identity")} & known
        version = f"{recording['name']} {recording['version']}"
        aws = {code for code, *_ in recording["findings"] if (code, version) not in _CHANGED_SINCE}
        lasting.add(recording, ours - BY_DATA_OF_THE_DAY, aws - BY_DATA_OF_THE_DAY)
        dated.add(recording, ours & BY_DATA_OF_THE_DAY, aws & BY_DATA_OF_THE_DAY)
    return lasting, dated


def report(title: str, agreement: Agreement) -> None:
    """A line for each code, and the two figures."""
    say(f"\n{title}: precision {agreement.precision:.3f}, recall {agreement.recall:.3f}")
    for code in sorted(agreement.both | agreement.ours_alone | agreement.aws_alone):
        say(
            f"  {code:<56} both {agreement.both[code]:>3}"
            f"  ours alone {agreement.ours_alone[code]:>2}  AWS's alone {agreement.aws_alone[code]:>2}"
        )
    for code, whose, version in sorted(agreement.apart):
        say(f"    {whose}: {code} on {version}")


def main() -> None:
    """Print the agreement code by code, then each case apart."""
    lasting, dated = measure()
    report("AWS's codes", lasting)
    report("Codes that the service data of the day decides", dated)
    if min(lasting.precision, lasting.recall) < LEAST:
        raise SystemExit(f"below {LEAST}")


if __name__ == "__main__":
    main()
