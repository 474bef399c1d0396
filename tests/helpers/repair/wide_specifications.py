"""Random policies that deny widely, by NotAction and NotResource, and patterns of requests that must be allowed and denied there.

No pattern of one side has a request of the other, so that a policy can meet them all, but for the pattern of a Deny that takes some
of what must be allowed and more that nobody asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.helpers.repair.specifications import Specification

if TYPE_CHECKING:
    from random import Random

VERBS = {
    "s3": ("*", "Get*", "Put*", "GetObject", "DeleteObject*"),
    "dynamodb": ("*", "Get*", "Put*", "Delete*", "Query"),
    "sqs": ("*", "Get*", "Send*", "DeleteMessage", "ReceiveMessage"),
    "sns": ("*", "Get*", "Publish*", "Subscribe"),
    "lambda": ("GetFunction*", "InvokeFunction*", "UpdateFunction*", "DeleteFunction"),
    "secretsmanager": ("*", "Get*", "Put*", "Describe*", "DeleteSecret"),
}
ARNS = {
    "s3": "arn:aws:s3:::{}/*",
    "dynamodb": "arn:aws:dynamodb:*:*:table/{}*",
    "sqs": "arn:aws:sqs:*:*:{}*",
    "sns": "arn:aws:sns:*:*:{}*",
    "lambda": "arn:aws:lambda:*:*:function:{}*",
    "secretsmanager": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:{}*",
}
_REGIONS = {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1"]}}
_MOST_DENIES = 30


def wide_specification(random: Random, requests: int) -> Specification:
    """A policy with up to thirty Denies and so many patterns."""
    denies = random.choice((1, 2, 5, _MOST_DENIES))
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    if random.random() < 0.3:
        allow["Action"] = [f"{service}:*" for service in random.sample(list(VERBS), 3)]
    statements = [allow, *(_deny(random, number) for number in range(denies))]
    found = Specification(
        kind=random.choice(("identity", "identity", "boundary", "scp")),
        document={"Version": "2012-10-17", "Statement": statements},
    )
    services = random.sample(list(VERBS), random.choice((1, 2, len(VERBS))))
    for number in range(requests):
        service = random.choice(services)
        pattern = {
            "action": f"{service}:{random.choice(VERBS[service])}",
            "resource": ARNS[service].format(f"c{number:02}"),
        }
        random.choice((found.allow, found.deny)).append(pattern)
    return found


def _deny(random: Random, number: int) -> dict[str, Any]:
    found: dict[str, Any] = {"Sid": f"Deny{number}", "Effect": "Deny"}
    services = random.sample(list(VERBS), random.randint(1, 3))
    entries = [f"{service}:{random.choice(VERBS[service])}" for service in services]
    found[random.choice(("Action", "NotAction"))] = entries
    own = [ARNS[service].format(f"k{number}") for service in services]
    element = random.choice(("NotResource", "NotResource", "Resource"))
    found[element] = own if element == "NotResource" else random.choice(("*", own))
    if random.random() < 0.3:
        found["Condition"] = _REGIONS
    return found
