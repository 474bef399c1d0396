"""`audit access` on accounts of 200, 2,000 and 10,000 principals, each question in an interpreter of its own.

python -m tests.benchmarks.access [PRINCIPALS …]

The account is made up: two fifths users in groups of twenty, three fifths roles, each with a policy of its own. Groups assume
roles, of which every fifth attaches policies to a team; help desks make keys of a team; deployers pass the administrators'
roles, one in five hundred, to Lambda.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import against, fresh, machine, say
from tests.helpers.cis_snapshots import arn, facts_of, snapshot

SIZES = (200, 2_000, 10_000)
MOST_SECONDS, MOST_MEMORY = 60.0, 1_024.0
MEMBERS, TEAM = 20, 50
QUESTIONS = {
    "to admin": {"to": "admin"},
    "who can": {"who_can": ["s3:GetObject"], "on": "arn:aws:s3:::books/*"},
    "principal": {"principal": "role/r1"},
}
CODE = """
import json, resource, sys, time
begun = time.perf_counter()
from aws_iam.tools.audit.actions import tool
answer = tool.run(json.loads(sys.argv[1]), cli=True)
print(time.perf_counter() - begun, time.process_time())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
facts = answer.facts
print(len(facts.get("principals", facts.get("becomes", ()))), len(facts.get("paths", ())))
"""


def allow(action: Any, on: Any = "*", **more: Any) -> dict[str, Any]:
    """A statement."""
    return {"Effect": "Allow", "Action": action, "Resource": on, **more}


def user(number: int) -> dict[str, Any]:
    """A user; one in five hundred makes keys for its team."""
    keys = [[allow("iam:CreateAccessKey", arn("user/team-1-*"))]] if number % 500 == 7 else []
    return {
        "name": f"team-{number // TEAM}-{number}",
        "groups": [f"g{number // MEMBERS}"],
        "inline": keys,
    }


def role(number: int) -> dict[str, Any]:
    """A role: of a function, of the account, of another role, or of an administrator."""
    inline = [[allow(["s3:GetObject", "s3:PutObject"], f"arn:aws:s3:::data-{number}/*")]]
    trusted: dict[str, Any] = {"Service": "lambda.amazonaws.com"}
    if number % 10 == 1:
        trusted = {"AWS": arn("root")}
    elif number % 10 == 2:
        trusted = {"AWS": arn(f"role/r{number - 1}")}
    if number % TEAM == 1:
        inline.append([allow("iam:AttachUserPolicy", arn(f"user/team-{number // TEAM}-*"))])
    if number % 100 == 12:
        inline.append([allow(["lambda:CreateFunction", "lambda:InvokeFunction"])])
        inline.append([allow("iam:PassRole", arn(f"role/r{number // 500 * 500 + 5}"))])
    if number % 500 == 5:
        inline.append([allow("*")])
    if number % 40 == 1:
        inline.append([allow("s3:Get*", "arn:aws:s3:::books/*")])
    trust = [{"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}]
    return {"name": f"r{number}", "inline": inline, "trust": trust}


def group(number: int) -> dict[str, Any]:
    """A group, which may assume some roles of its number."""
    own = allow("sts:AssumeRole", [arn(f"role/r{number}1"), arn(f"role/r{number}2")])
    return {"name": f"g{number}", "inline": [[own]], "attached": ["everyone"]}


def saved(principals: int, folder: Path) -> Path:
    """The snapshot of an account with so many users and roles."""
    from aws_iam.account.reading import snapshot as snapshots  # noqa: PLC0415

    users, roles = principals * 2 // 5, principals - principals * 2 // 5
    case = {
        "users": [user(number) for number in range(users)],
        "roles": [role(number) for number in range(roles)],
        "groups": [group(number) for number in range(-(-users // MEMBERS))],
        "policies": {"everyone": [allow(["iam:Get*", "iam:List*", "ec2:Describe*"])]},
        "versions": {"everyone": []},
    }
    file = folder / f"{principals}.json"
    snapshots.save(snapshot(facts_of(case)), file)
    return file


def main() -> None:
    """Print the figures and the limits."""
    import json  # noqa: PLC0415

    say(machine())
    say("principals | question | wall | CPU | memory | principals told | paths")
    with tempfile.TemporaryDirectory() as name:
        for size in [int(word) for word in sys.argv[1:]] or SIZES:
            file = saved(size, Path(name))
            slowest, most = 0.0, 0.0
            for words, question in QUESTIONS.items():
                asked = {"action": "access", "snapshot": str(file), **question}
                wall, cpu, memory, told, paths = fresh(CODE, json.dumps(asked))
                say(f"{size:,} | {words} | {wall:.1f} s | {cpu:.1f} s | {memory:.0f} MB | {told:.0f} | {paths:.0f}")  # fmt: skip
                slowest, most = max(slowest, wall), max(most, memory)
            against(f"{size:,} principals, slowest", slowest, MOST_SECONDS, "s")
            against(f"{size:,} principals, memory", most, MOST_MEMORY, "MB")


if __name__ == "__main__":
    main()
