"""`kms check` of one key policy and `kms lockout` once warm, and an account of 500 keys from its snapshot.

The clock counts processor time, so that other work on the machine does not.

python -m tests.benchmarks.kms
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from typing import Any

from tests.benchmarks.irsa import warm
from tests.benchmarks.measure import SERVER, against, machine, say, spread

MOST_CHECK = 2.0
MOST_LOCKOUT = 5.0
MOST_ACCOUNT = 2.0
KEYS, ROLES = 500, 1_000
OWN = "arn:aws:iam::111122223333:"


def policy(number: int = 0) -> str:
    """A key policy as people write it; every tenth one is open to another account."""
    other = "arn:aws:iam::444455556666:root" if number % 10 == 0 else f"{OWN}role/x"

    def allow(principal: Any, action: Any, **more: Any) -> dict[str, Any]:
        named = {"AWS": principal}
        return {
            "Effect": "Allow",
            "Principal": named,
            "Action": action,
            "Resource": "*",
            **more,
        }

    use = ["kms:Decrypt", "kms:GenerateDataKey"]
    grants = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    deny = {"StringNotEquals": {"aws:PrincipalArn": f"{OWN}role/Admin"}}
    statements = [
        allow(f"{OWN}root", "kms:*"),
        allow(f"{OWN}role/Admin", ["kms:Put*", "kms:Create*", "kms:ScheduleKeyDeletion"]),
        allow([f"{OWN}role/App{number}", other], use),
        allow(f"{OWN}role/App{number}", "kms:CreateGrant", Condition=grants),
        {**allow("*", "kms:ScheduleKeyDeletion", Condition=deny), "Effect": "Deny"},
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def account() -> Any:
    """An account of keys, each with a policy of its own, and of roles that may use one of them."""
    # The path is set first.
    from aws_iam.account.collect.identity.authorization import (  # noqa: PLC0415
        AUTHORIZATION,
        Authorization,
        InlinePolicy,
        Role,
    )
    from aws_iam.account.collect.kms.grants import KEY_GRANTS, KeyGrants  # noqa: PLC0415
    from aws_iam.account.collect.kms.key_materials import KEY_MATERIALS  # noqa: PLC0415
    from aws_iam.account.collect.kms.key_stores import KEY_STORES  # noqa: PLC0415
    from aws_iam.account.collect.kms.key_uses import KEY_USES, KeyUse  # noqa: PLC0415
    from aws_iam.account.collect.kms.keys import KMS_KEYS, KmsKey  # noqa: PLC0415
    from aws_iam.account.collect.kms.other_policies import OTHER_POLICIES, OtherPolicies  # noqa: PLC0415
    from aws_iam.account.collect.sharing.resource_policies import KEY_POLICIES, ResourcePolicy  # noqa: PLC0415
    from aws_iam.tools.kms.checks import samples as sample  # noqa: PLC0415

    ids = [f"11111111-2222-3333-4444-{number:012}" for number in range(KEYS)]
    arns = [f"arn:aws:kms:us-east-1:111122223333:key/{key}" for key in ids]
    one = sample.key()
    own = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": arns[0]},
        }
    )
    roles = tuple(
        Role(
            name=f"r{number}",
            arn=f"{OWN}role/r{number}",
            inline=(InlinePolicy(name="own", document=own),),
        )
        for number in range(ROLES)
    )
    made = [
        KmsKey(id=id_, arn=arn, details=one.details, rotation=one.rotation)
        for id_, arn in zip(ids, arns, strict=True)
    ]
    texts = [ResourcePolicy(arn=arn, document=policy(n)) for n, arn in enumerate(arns)]
    return sample.holding(
        sample.of(KMS_KEYS, *made),
        sample.of(KEY_POLICIES, *texts),
        sample.of(KEY_GRANTS, *(KeyGrants(arn=a, grants=(sample.grant(),)) for a in arns)),
        sample.of(KEY_USES, *(KeyUse(arn=a, use=sample.used(1).use) for a in arns)),
        sample.of(
            OTHER_POLICIES,
            *(OtherPolicies(arn=a, names=(), documents=()) for a in arns),
        ),
        sample.of(KEY_STORES),
        sample.of(KEY_MATERIALS),
        AUTHORIZATION.held(Authorization(roles=roles)),
    )


def main() -> None:
    """All of it."""
    sys.path.insert(0, str(SERVER))
    from aws_iam.tools.kms import check  # noqa: PLC0415
    from aws_iam.tools.kms.actions import tool  # noqa: PLC0415
    from aws_iam.tools.kms.terms import KeyTerms  # noqa: PLC0415

    say(machine())
    text = policy()
    times = warm(lambda: tool.run({"action": "check", "document": text}))
    say(f"check of {len(text)} bytes, warm: {spread(times, 'ms')}")
    against("check, warm", statistics.median(times), MOST_CHECK, "ms")
    asked = {"action": "lockout", "document": text, "caller": f"{OWN}role/Admin"}
    times = warm(lambda: tool.run(asked))
    against("lockout, warm", statistics.median(times), MOST_LOCKOUT, "ms")
    read = account()
    begun = time.process_time()
    found = check.account_answer(read, KeyTerms(), check.Arguments()).findings
    seconds = time.process_time() - begun
    told = f"{KEYS} keys and {ROLES} roles from a snapshot ({len(found)} findings)"
    against(told, seconds, MOST_ACCOUNT, "s")


if __name__ == "__main__":
    main()
