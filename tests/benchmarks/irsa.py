"""`irsa check` of one trust policy once warm, `irsa denied` of one token, and an account of 1,000 roles from its snapshot.

The clock counts processor time, so that other work on the machine does not.

python -m tests.benchmarks.irsa
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

from tests.benchmarks.measure import SERVER, against, machine, say, spread

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_CHECK = 2.0
MOST_DENIED = 10.0
MOST_ACCOUNT = 2.0
WARM = 300
ROLES = 1_000
GITHUB = "token.actions.githubusercontent.com"


def trust(number: int = 0) -> dict[str, Any]:
    """A trust policy as people write it; every tenth one is too wide."""
    subject = "repo:octo/*" if number % 10 == 0 else f"repo:octo@1/app@{number}:environment:prod"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{GITHUB}"},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"},
                    "StringLike": {f"{GITHUB}:sub": subject},
                },
            }
        ],
    }


def warm(run: Callable[[], object]) -> list[float]:
    """Milliseconds of each run, the first third not counted."""
    times = []
    for _ in range(WARM):
        begun = time.process_time()
        run()
        times.append((time.process_time() - begun) * 1000)
    return times[WARM // 3 :]


def account() -> Any:
    """An account of roles that workloads take, each with a policy of its own."""
    from aws_iam.account.collect.identity.authorization import (  # noqa: PLC0415
        AUTHORIZATION,
        Authorization,
        InlinePolicy,
        Role,
    )
    from aws_iam.account.collect.identity.identity_providers import OIDC_PROVIDERS, Provider  # noqa: PLC0415
    from aws_iam.account.reading.snapshot import account_of  # noqa: PLC0415

    allow = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "*"}
    own = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    roles = tuple(
        Role(
            name=f"r{number}",
            arn=f"arn:aws:iam::111122223333:role/r{number}",
            trust=json.dumps(trust(number)),
            inline=(InlinePolicy(name="own", document=own),),
        )
        for number in range(ROLES)
    )
    arn = f"arn:aws:iam::111122223333:oidc-provider/{GITHUB}"
    return account_of(
        AUTHORIZATION.held(Authorization(roles=roles)),
        OIDC_PROVIDERS.held((Provider(arn=arn, name=GITHUB),)),
    )


def main() -> None:
    """All of it."""
    sys.path.insert(0, str(SERVER))
    from aws_iam.tools.irsa import check  # noqa: PLC0415
    from aws_iam.tools.irsa.actions import tool  # noqa: PLC0415

    say(machine())
    text = json.dumps(trust())
    times = warm(lambda: tool.run({"action": "check", "document": text}))
    say(f"check of {len(text)} bytes, warm: {spread(times, 'ms')}")
    against("check, warm", statistics.median(times), MOST_CHECK, "ms")
    claims = {
        "iss": f"https://{GITHUB}",
        "sub": "repo:o/a:pull_request",
        "aud": "sts.amazonaws.com",
    }
    asked = {"action": "denied", "document": text, "claims": claims}
    times = warm(lambda: tool.run(asked))
    say(f"denied, warm: {spread(times, 'ms')}")
    against("denied, warm", statistics.median(times), MOST_DENIED, "ms")
    read = account()
    begun = time.process_time()
    found = check.of_account(read).findings
    seconds = time.process_time() - begun
    against(f"{ROLES} roles from a snapshot ({len(found)} findings)", seconds, MOST_ACCOUNT, "s")


if __name__ == "__main__":
    main()
