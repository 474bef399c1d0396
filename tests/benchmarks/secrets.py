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
SECRET_COUNT, KEY_COUNT, PARAMETER_COUNT = 1_000, 500, 500
OTHER = {"AWS": "arn:aws:iam::444455556666:role/reader"}


def account() -> Any:
    """An account in which every secret rotates, is shared, and has a reader of its own."""
    from aws_iam.account.collect.compute.functions import FUNCTIONS, ROTATION_FUNCTIONS  # noqa: PLC0415 - the path is set first
    from aws_iam.account.collect.compute.task_definitions import (  # noqa: PLC0415
        TASK_DEFINITIONS,
        Container,
        SecretReference,
        TaskDefinition,
    )
    from aws_iam.account.collect.identity.authorization import (  # noqa: PLC0415
        AUTHORIZATION,
        Authorization,
        InlinePolicy,
        Role,
    )
    from aws_iam.account.collect.secrets.parameters import PARAMETER_POLICIES, PARAMETERS  # noqa: PLC0415
    from aws_iam.account.collect.secrets.secret_keys import SECRET_KEYS, SecretKey  # noqa: PLC0415
    from aws_iam.account.collect.secrets.secret_policies import (  # noqa: PLC0415
        NAMED_POLICIES,
        NamedPolicy,
        SecretPolicies,
    )
    from aws_iam.account.collect.secrets.secrets import (  # noqa: PLC0415
        PENDING_VERSIONS,
        SECRET_COPIES,
        SECRETS,
        SecretCopies,
    )
    from aws_iam.account.collect.sharing.parameter_shares import PARAMETER_SHARES  # noqa: PLC0415
    from aws_iam.account.collect.storage.databases import DB_CLUSTERS, DB_INSTANCES, WAREHOUSES  # noqa: PLC0415
    from aws_iam.account.reading.snapshot import account_of  # noqa: PLC0415
    from aws_iam.tools.secrets.checks import samples as sample  # noqa: PLC0415

    start = f"arn:aws:secretsmanager:{sample.REGION}:{sample.OWN}:secret:prod/app"
    keys = [f"{sample.KEY[:-3]}{number:03}" for number in range(KEY_COUNT)]
    secrets = tuple(
        sample.rotating(
            arn=f"{start}/{n}-a1B2c3", name=f"prod/app/{n}", kms_key=keys[n % KEY_COUNT]
        )
        for n in range(SECRET_COUNT)
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
        for n in range(SECRET_COUNT)
    )
    named: Any = {
        SECRETS: secrets,
        SECRET_COPIES: tuple(SecretCopies(arn=s.arn, copies=()) for s in secrets),
        NAMED_POLICIES: tuple(
            SecretPolicies(arn=s.arn, policies=(NamedPolicy(name="default", document=shared),))
            for s in secrets
        ),
        SECRET_KEYS: tuple(
            SecretKey(named=k, arn=k, state="Enabled", manager="CUSTOMER", policy=own)
            for k in keys
        ),
        PARAMETERS: tuple(sample.parameter(f"/prod/app/{n}") for n in range(PARAMETER_COUNT)),
        TASK_DEFINITIONS: tuple(
            TaskDefinition(
                arn=f"arn:aws:ecs:{sample.REGION}:{sample.OWN}:task-definition/app{n}:1",
                execution_role=roles[n].arn,
                containers=(
                    Container(
                        name="app",
                        secrets=(SecretReference(variable="X", value_from=secrets[n].arn),),
                    ),
                ),
            )
            for n in range(200)
        ),
    }
    empty = (
        PENDING_VERSIONS,
        PARAMETER_POLICIES,
        PARAMETER_SHARES,
        FUNCTIONS,
        ROTATION_FUNCTIONS,
        WAREHOUSES,
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
    from aws_iam.rules.on_account import findings_on  # noqa: PLC0415
    from aws_iam.tools.secrets.checks.catalogue import CHECKS  # noqa: PLC0415
    from aws_iam.tools.secrets.terms import SecretTerms  # noqa: PLC0415

    text = dumps(account())
    times = []
    for _ in range(RUNS):
        begun = time.process_time()
        findings_on(loads(text), CHECKS.values(), SecretTerms())
        times.append(time.process_time() - begun)
    say(machine())
    say(f"secrets check of {SECRET_COUNT:,} secrets, loaded and judged: {spread(times, 's')}")
    against("secrets check", statistics.median(times), MOST_SECONDS, "s")


if __name__ == "__main__":
    main()
