"""`secrets check` of an account of 1,000 secrets, 500 keys, 1,000 roles, 500 parameters and 3,900 with settings.

It is judged from its saved snapshot. What reading those settings costs, the collectors' search for secrets in a text, is
measured apart, on the largest texts that AWS takes.

The clock counts processor time, so that other work on the machine does not.

python -m tests.benchmarks.secrets
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from typing import Any

from tests.benchmarks.measure import SERVER, against, machine, say, spread

MOST_SECONDS = 2.0
RUNS = 5
SECRET_COUNT, KEY_COUNT, PARAMETER_COUNT = 1_000, 500, 500
FUNCTION_COUNT, TEXT_COUNT = 1_000, 300
# The largest user data, and the largest document of Systems Manager or buildspec worth a look.
SCRIPT_BYTES, DOCUMENT_BYTES = 16_384, 65_536
MOST_MS_PER_SCRIPT = 30
OTHER = {"AWS": "arn:aws:iam::444455556666:role/reader"}


def account() -> Any:
    """An account in which every secret rotates, is shared, and has a reader of its own."""
    from aws_iam.account.collect.compute.functions import (  # noqa: PLC0415 - the path is set first
        FUNCTIONS,
        ROTATION_FUNCTIONS,
        Function,
        RotationFunction,
    )
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
        FUNCTIONS: tuple(
            Function(
                arn=f"arn:aws:lambda:{sample.REGION}:{sample.OWN}:function:f{n}",
                name=f"f{n}",
                variables=_variables(),
            )
            for n in range(FUNCTION_COUNT)
        ),
        # One function rotates all secrets.
        ROTATION_FUNCTIONS: (
            RotationFunction(
                arn=sample.FUNCTION,
                state="Active",
                runtime="python3.13",
                policy=sample.policy(
                    sample.allow(
                        {"Service": "secretsmanager.amazonaws.com"},
                        "lambda:InvokeFunction",
                        Condition={"StringEquals": {"AWS:SourceAccount": sample.OWN}},
                    )
                ),
            ),
        ),
        **_settings(sample.REGION, sample.OWN),
    }
    empty = (
        PENDING_VERSIONS,
        PARAMETER_POLICIES,
        PARAMETER_SHARES,
        WAREHOUSES,
        DB_INSTANCES,
        DB_CLUSTERS,
    )
    held = [fact.held_in(sample.REGION, values) for fact, values in named.items()]
    held += [fact.held_in(sample.REGION, ()) for fact in empty]
    return account_of(AUTHORIZATION.held(Authorization(roles=roles)), *held)


def _variables() -> tuple[Any, ...]:
    """The variables of a function: of five one holds a secret."""
    from aws_iam.account.names.sensitive import classified_variable  # noqa: PLC0415

    pairs = {
        "DB_HOST": "db.internal",
        "DB_PASSWORD": "x9!Kq2#Lm",
        "LOG_LEVEL": "info",
        "SECRET_ARN": "arn:aws:secretsmanager:us-east-1:111122223333:secret:prod/app",
        "TOKEN_TTL": "3600",
    }
    return tuple(classified_variable(name, value) for name, value in pairs.items())


def _settings(region: str, owner: str) -> dict[Any, tuple[Any, ...]]:
    """Scripts, documents, arguments and outputs: each tenth one holds a secret."""
    from aws_iam.account.collect.configuration.build_projects import BUILD_PROJECTS  # noqa: PLC0415
    from aws_iam.account.collect.configuration.glue_jobs import GLUE_JOBS  # noqa: PLC0415
    from aws_iam.account.collect.configuration.holder import TextHolder  # noqa: PLC0415
    from aws_iam.account.collect.configuration.launch_templates import (  # noqa: PLC0415
        LAUNCH_TEMPLATES,
    )
    from aws_iam.account.collect.configuration.ssm_documents import SSM_DOCUMENTS  # noqa: PLC0415
    from aws_iam.account.collect.configuration.stacks import STACKS  # noqa: PLC0415
    from aws_iam.account.collect.configuration.state_machines import (  # noqa: PLC0415
        STATE_MACHINES,
    )
    from aws_iam.account.collect.configuration.user_data import USER_DATA  # noqa: PLC0415

    exposed = tuple(variable for variable in _variables() if variable.name == "DB_PASSWORD")
    facts = (
        (USER_DATA, "ec2", "instance", 800),
        (LAUNCH_TEMPLATES, "ec2", "launch-template", TEXT_COUNT),
        (BUILD_PROJECTS, "codebuild", "project", TEXT_COUNT),
        (SSM_DOCUMENTS, "ssm", "document", TEXT_COUNT),
        (STACKS, "cloudformation", "stack", 600),
        (STATE_MACHINES, "states", "stateMachine", TEXT_COUNT),
        (GLUE_JOBS, "glue", "job", TEXT_COUNT),
    )
    return {
        fact: tuple(
            TextHolder(
                arn=f"arn:aws:{service}:{region}:{owner}:{kind}/{n}",
                name=f"{kind}-{n}",
                exposed=exposed if n % 10 == 0 else (),
            )
            for n in range(count)
        )
        for fact, service, kind, count in facts
    }


def texts() -> dict[str, str]:
    """Ordinary scripts and documents of the largest size, with assignments of every sort and a secret at the end."""
    script = 'export DB_HOST=db.internal LOG_LEVEL=info\ncurl -fsS --retry 3 "https://example.com/a?x=1&y=2" | tar xz\nif [ "$A" = "b" ]; then echo "token: see the wiki"; fi\n'
    command = {"action": "aws:runShellScript", "inputs": {"runCommand": script.splitlines()}}
    document: dict[str, Any] = {"schemaVersion": "2.2", "mainSteps": [command]}
    # A little less than the largest, so that it stays JSON.
    document["mainSteps"] = [command] * (DOCUMENT_BYTES // len(json.dumps(command)) - 2)
    end = "\nexport DB_PASSWORD='x9!Kq2#Lm'\n"
    filled = script * (SCRIPT_BYTES // len(script))
    return {
        "script of 16 KB": f"{filled[: SCRIPT_BYTES - len(end)]}{end}",
        "JSON document of 64 KB": json.dumps(document),
        "one line of 64 KB": "x=" * (DOCUMENT_BYTES // 2),
        "one word of 64 KB": "a" * DOCUMENT_BYTES,
    }


def main() -> None:
    """All of it."""
    sys.path.insert(0, str(SERVER))
    from aws_iam.account.names.sensitive import secrets_in_text  # noqa: PLC0415
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
    for name, text_ in texts().items():
        spent = []
        for _ in range(RUNS):
            begun = time.process_time()
            secrets_in_text(text_)
            spent.append((time.process_time() - begun) * 1_000)
        say(f"names and shapes in a {name}: {spread(spent, 'ms')}")
        if name.startswith("script"):
            against("script", statistics.median(spent), MOST_MS_PER_SCRIPT, "ms")


if __name__ == "__main__":
    main()
