"""`secrets check` of an account of 1,000 secrets, 500 keys, 1,000 roles and 500 parameters, from its saved snapshot.

The clock counts processor time, so that other work on the machine does not.

python -m tests.benchmarks.secrets
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import Any

from tests.benchmarks.measure import SERVER, against, machine, say, spread

MOST_SECONDS = 2.0
RUNS = 5
SECRETS, KEYS, PARAMETERS = 1_000, 500, 500
OTHER = {"AWS": "arn:aws:iam::444455556666:role/reader"}


def account() -> Any:
    """An account in which every secret rotates, is shared, and has a reader of its own."""
    from aws_iam.account.facts import secrets as facts  # noqa: PLC0415 - the path is set first
    from aws_iam.account.facts.identity import AUTHORIZATION, Authorization, InlinePolicy, Role  # noqa: PLC0415
    from aws_iam.account.facts.storage import DB_CLUSTERS, DB_INSTANCES  # noqa: PLC0415
    from aws_iam.account.reading.snapshot import account_of  # noqa: PLC0415
    from aws_iam.tools.secrets.checks import samples as sample  # noqa: PLC0415

    start = f"arn:aws:secretsmanager:{sample.REGION}:{sample.OWN}:secret:prod/app"
    keys = [f"{sample.KEY[:-3]}{number:03}" for number in range(KEYS)]
    secrets = tuple(
        sample.rotating(arn=f"{start}/{n}-a1B2c3", name=f"prod/app/{n}", kms_key=keys[n % KEYS])
        for n in range(SECRETS)
    )
    shared = sample.policy(sample.allow(OTHER))
    own = sample.policy(sample.allow({"AWS": f"arn:aws:iam::{sample.OWN}:root"}, "kms:*"))
    roles = tuple(
        Role(
            name=f"r{n}",
            arn=f"arn:aws:iam::{sample.OWN}:role/r{n}",
            inline=(
                InlinePolicy(
                    name="read",
                    document=sample.policy(
                        {
                            "Effect": "Allow",
                            "Action": "secretsmanager:GetSecretValue",
                            "Resource": f"{start}/{n}-??????",
                        }
                    ),
                ),
            ),
        )
        for n in range(SECRETS)
    )
    named: Any = {
        facts.SECRETS: secrets,
        facts.SECRET_COPIES: tuple(facts.SecretCopies(arn=s.arn, copies=()) for s in secrets),
        facts.NAMED_POLICIES: tuple(
            facts.SecretPolicies(
                arn=s.arn, policies=(facts.NamedPolicy(name="default", document=shared),)
            )
            for s in secrets
        ),
        facts.SECRET_KEYS: tuple(
            facts.SecretKey(named=k, arn=k, state="Enabled", manager="CUSTOMER", policy=own)
            for k in keys
        ),
        facts.PARAMETERS: tuple(sample.parameter(f"/prod/app/{n}") for n in range(PARAMETERS)),
        facts.TASK_DEFINITIONS: tuple(
            facts.TaskDefinition(
                arn=f"arn:aws:ecs:{sample.REGION}:{sample.OWN}:task-definition/app{n}:1",
                execution_role=roles[n].arn,
                containers=(
                    facts.Container(
                        name="app",
                        secrets=(facts.SecretReference(variable="X", value_from=secrets[n].arn),),
                    ),
                ),
            )
            for n in range(200)
        ),
    }
    empty = (
        facts.PENDING_VERSIONS,
        facts.PARAMETER_POLICIES,
        facts.PARAMETER_SHARES,
        facts.FUNCTIONS,
        facts.ROTATION_FUNCTIONS,
        facts.WAREHOUSES,
        DB_INSTANCES,
        DB_CLUSTERS,
    )
    held = [fact.held_in(sample.REGION, values) for fact, values in named.items()]
    held += [fact.held_in(sample.REGION, ()) for fact in empty]
    return account_of(AUTHORIZATION.held(Authorization(roles=roles)), *held)


def main() -> None:
    """All of it."""
    sys.path.insert(0, str(SERVER))
    from aws_iam.account.reading.snapshot import dumps, loads  # noqa: PLC0415
    from aws_iam.rules.on_account import SecretTerms  # noqa: PLC0415
    from aws_iam.tools.secrets.checks.catalogue import CHECKS, judge  # noqa: PLC0415

    text = dumps(account())
    times = []
    for _ in range(RUNS):
        begun = time.process_time()
        judge(loads(text), CHECKS.values(), SecretTerms())
        times.append(time.process_time() - begun)
    say(machine())
    say(f"secrets check of {SECRETS:,} secrets, loaded and judged: {spread(times, 's')}")
    against("secrets check", statistics.median(times), MOST_SECONDS, "s")


if __name__ == "__main__":
    main()
