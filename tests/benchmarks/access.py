"""`audit access` on accounts of 200, 2,000 and 10,000 principals, each question in an interpreter of its own.

python -m tests.benchmarks.access [PRINCIPALS …] [--tags]

The account is made up: two fifths users in groups of twenty, three fifths roles, each with a policy of its own. Groups assume
roles, of which every fifth attaches policies to a team; help desks make keys of a team; deployers pass the administrators'
roles, one in five hundred, to Lambda. With `--tags` everybody has one of two hundred tags, groups assume all roles with the tag
of the caller, and trust policies ask for it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import against, fresh, machine, say
from tests.helpers.cis_snapshots import arn, facts_of, snapshot

SIZES = (200, 2_000, 10_000)
MOST_SECONDS, MOST_MEMORY = 60.0, 1_024.0
MEMBERS, TEAM, TEAMS = 20, 50, 200
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


def tagged(case: dict[str, Any]) -> dict[str, Any]:
    """The same account with attribute-based policies."""
    own = {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}
    for kind in ("users", "roles"):
        for number, holder in enumerate(case[kind]):
            holder["tags"] = [{"key": "team", "value": f"t{number % TEAMS}"}]
    for number in range(1, len(case["roles"]), 10):
        (trust,) = case["roles"][number]["trust"]
        named = {"aws:PrincipalTag/team": f"t{number % TEAMS}"}
        trust["Condition"] = {"StringEquals": own if number % 20 == 1 else named}
    for holder in case["groups"]:
        more = allow("sts:AssumeRole", arn("role/*"), Condition={"StringEquals": own})
        holder["inline"][0].append(more)
    return case


def saved(principals: int, folder: Path, *, tags: bool) -> Path:
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
    snapshots.save(snapshot(facts_of(tagged(case) if tags else case)), file)
    return file


def main() -> None:
    """Print the figures and the limits."""
    parser = argparse.ArgumentParser()
    parser.add_argument("principals", nargs="*", type=int, default=SIZES)
    parser.add_argument("--tags", action="store_true")
    options = parser.parse_args()
    say(machine())
    say("principals | question | wall | CPU | memory | principals told | paths")
    with tempfile.TemporaryDirectory() as name:
        for size in options.principals:
            file = saved(size, Path(name), tags=options.tags)
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
