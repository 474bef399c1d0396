"""Random policies with random requests that they must allow and must not, satisfiable by construction or as they come."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aws_iam import evaluate
from aws_iam.engine.comparison.arn_formats import example_arn
from aws_iam.engine.generation.action_grants import resource_types_of
from aws_iam.engine.language.pattern import matches
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.managed_policies import managed_policy, managed_policy_names

if TYPE_CHECKING:
    from random import Random

ACCOUNT = "111122223333"
ROLES = [f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("app", "job", "audit")]
_REGION, _IP, _MFA, _TAG = (
    "aws:RequestedRegion",
    "aws:SourceIp",
    "aws:MultiFactorAuthPresent",
    "aws:PrincipalTag/team",
)
_VALUES = {
    _REGION: ["eu-west-1", "us-east-1"],
    _IP: ["192.0.2.7", "198.51.100.9"],
    _MFA: ["true", "false"],
    _TAG: ["blue", "red"],
}
_CONDITIONS = [
    {"StringEquals": {_REGION: "eu-west-1"}},
    {"IpAddress": {_IP: "192.0.2.0/24"}},
    {"Bool": {_MFA: "true"}},
    {"StringNotEquals": {_TAG: "blue"}},
    {"BoolIfExists": {_MFA: "false"}},
    {"StringLike": {_TAG: ["bl*", "green"]}, "Null": {_REGION: "false"}},
]
_OBJECTS = [
    f"arn:aws:s3:::{bucket}/{key}"
    for bucket in ("alpha", "beta")
    for key in ("reports/a", "reports/b", "logs/c", "d")
]
_BUCKETS = ["arn:aws:s3:::alpha", "arn:aws:s3:::beta"]
_TABLES = [f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/{name}" for name in ("orders", "users")]
_QUEUES = [f"arn:aws:sqs:eu-west-1:{ACCOUNT}:{name}" for name in ("in", "out")]
_SECRETS = [
    f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:{name}-AbCdEf" for name in ("db", "api")
]
_ROLES = [f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("web", "batch")]
# Actions with the resources that they work on.
UNIVERSE: list[tuple[list[str], list[str]]] = [
    (["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:GetObjectTagging"], _OBJECTS),
    (["s3:ListBucket", "s3:GetBucketPolicy", "s3:DeleteBucket"], _BUCKETS),
    (["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:Query"], _TABLES),
    (["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage"], _QUEUES),
    (["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"], _SECRETS),
    (["iam:PassRole", "iam:GetRole"], _ROLES),
    (["ec2:DescribeInstances", "s3:ListAllMyBuckets"], ["*"]),
]
_WIDE_ACTIONS = [
    "s3:*",
    "s3:Get*",
    "s3:*Object",
    "dynamodb:*",
    "dynamodb:*Item",
    "sqs:*Message",
    "*",
    "iam:*",
    "s3:Delete*",
]
_WIDE_RESOURCES = [
    "*",
    "arn:aws:s3:::alpha/*",
    "arn:aws:s3:::*",
    "arn:aws:s3:::beta/reports/*",
    "arn:aws:dynamodb:*:*:table/*",
    "arn:aws:sqs:*:*:*",
]
_LIMITED = ("scp", "boundary", "session")


@dataclass(slots=True, kw_only=True)
class Specification:
    """A policy of a kind, and what is asked of it."""

    kind: str
    document: dict[str, Any]
    allow: list[dict[str, Any]] = field(default_factory=list)
    deny: list[dict[str, Any]] = field(default_factory=list)

    def arguments(self) -> dict[str, Any]:
        """The arguments of the call."""
        return {
            "document": self.document,
            "allow": self.allow,
            "deny": self.deny,
            "kind": self.kind,
        }


def specification(random: Random, requests: int, kind: str = "identity") -> Specification:
    """One that a policy can meet: no request is asked for twice, and none lies within the pattern of a Deny."""
    made = any_specification(random, requests, kind)
    # A request without a caller is one of every caller.
    if kind in {"scp", "rcp"} and random.random() < 0.5:
        for request in (*made.allow, *made.deny):
            request.pop("principal", None)
    else:
        for request in (*made.allow, *made.deny):
            request.setdefault("principal", random.choice(ROLES))
    denies = [own for own in made.document["Statement"] if own["Effect"] == "Deny"]
    seen: set[str] = set()
    found = Specification(kind=kind, document=made.document)
    for request in [*made.allow, *made.deny]:
        text = json.dumps(place(request), sort_keys=True)
        if text in seen:
            continue
        seen.add(text)
        wanted = request in made.allow and not any(
            _speaks_wide(own, request, kind) for own in denies
        )
        (found.allow if wanted else found.deny).append(request)
    return found


def with_patterns(random: Random, requests: int, kind: str = "identity") -> Specification:
    """One as it comes, some of whose requests are patterns."""
    found = any_specification(random, requests, kind)
    for _ in range(random.randint(1, 3)):
        random.choice((found.allow, found.deny)).append(_pattern(random, kind))
    return found


def _pattern(random: Random, kind: str) -> dict[str, Any]:
    actions, resources = random.choice(_PATTERNS)
    found: dict[str, Any] = {"action": actions, "resource": resources}
    if kind == "trust":
        found = {"action": "sts:*", "resource": _ROLES[0]}
    if kind in {"resource", "trust"} or (kind in {"scp", "rcp"} and random.random() < 0.5):
        found["principal"] = random.choice(ROLES)
    return found


_PATTERNS: list[tuple[Any, Any]] = [
    ("s3:GetObject", "arn:aws:s3:::alpha/reports/*"),
    ("s3:Get*", ["arn:aws:s3:::beta", "arn:aws:s3:::beta/*"]),
    ("s3:Delete*", "*"),
    ("s3:*Object", "arn:aws:s3:::alpha/*"),
    (["s3:PutObject", "s3:GetObject"], "arn:aws:s3:::*/logs/*"),
    ("s3:DeleteBucket", "arn:aws:s3:::*"),
    ("read", "arn:aws:s3:::beta"),
    ("delete", "arn:aws:s3:::alpha"),
]


def any_specification(random: Random, requests: int, kind: str = "identity") -> Specification:
    """One as it comes: requests may contradict each other, and lie within the pattern of a Deny."""
    found = Specification(kind=kind, document=document(random, kind))
    for _ in range(requests):
        random.choice((found.allow, found.deny)).append(any_request(random, kind))
    return found


def document(random: Random, kind: str = "identity") -> dict[str, Any]:
    """A policy of one to eight statements."""
    count = random.randint(1, 8)
    statements = [_statement(random, kind, number) for number in range(count)]
    if kind == "scp" and random.random() < 0.7:
        statements.insert(0, {"Sid": "Full", "Effect": "Allow", "Action": "*", "Resource": "*"})
    return {"Version": "2012-10-17", "Statement": statements}


def _statement(random: Random, kind: str, number: int) -> dict[str, Any]:
    effect = "Deny" if kind == "rcp" or random.random() < 0.3 else "Allow"
    found: dict[str, Any] = {"Sid": f"S{number}", "Effect": effect}
    if kind in {"resource", "trust"}:
        people = random.sample(ROLES, random.randint(1, 2))
        found["Principal"] = random.choice(("*", {"AWS": people}, {"AWS": people[0]}))
    if kind == "rcp":
        found["Principal"] = "*"
    actions, resources = _entries(random, kind)
    found["NotAction" if _may_be_negated(random, kind) else "Action"] = _bare(random, actions)
    if kind != "trust":
        found["NotResource" if random.random() < 0.08 else "Resource"] = _bare(random, resources)
    if random.random() < 0.3:
        found["Condition"] = random.choice(_CONDITIONS)
    return found


def _may_be_negated(random: Random, kind: str) -> bool:
    return kind not in {"rcp", "trust", "resource"} and random.random() < 0.08


def _entries(random: Random, kind: str) -> tuple[list[str], list[str]]:
    if kind == "trust":
        return [random.choice(("sts:AssumeRole", "sts:TagSession"))], []
    groups = UNIVERSE[:2] if kind in {"resource", "rcp"} else UNIVERSE
    actions, resources = random.choice(groups)
    wide = (
        [own for own in _WIDE_ACTIONS if own.startswith("s3:")]
        if kind in {"resource", "rcp"}
        else _WIDE_ACTIONS
    )
    entries = random.sample(actions, random.randint(1, len(actions)))
    if random.random() < 0.3:
        entries = [random.choice(wide)]
    places = random.sample(resources, random.randint(1, len(resources)))
    if random.random() < 0.4:
        places = [random.choice(_WIDE_RESOURCES)]
    return entries, places


def _bare(random: Random, texts: list[str]) -> Any:
    return texts[0] if len(texts) == 1 and random.random() < 0.5 else texts


def any_request(random: Random, kind: str) -> dict[str, Any]:
    """A request that exists, of the kind's services."""
    if kind == "trust":
        found = {"action": "sts:AssumeRole", "resource": _ROLES[0]}
    else:
        actions, resources = random.choice(
            UNIVERSE[:2] if kind in {"resource", "rcp"} else UNIVERSE
        )
        found = {"action": random.choice(actions), "resource": random.choice(resources)}
    if kind in {"resource", "trust"} or (kind in {"scp", "rcp"} and random.random() < 0.5):
        found["principal"] = random.choice(ROLES)
    if random.random() < 0.25:
        key = random.choice(list(_VALUES))
        found["context"] = {key: random.choice(_VALUES[key])}
    return found


def place(request: dict[str, Any]) -> dict[str, Any]:
    """What must not be asked twice: a request that says no Region is one to the Region of its resource."""
    context = {**request.get("context", {})}
    region = request["resource"].split(":")[3] if request["resource"].count(":") > 3 else ""
    if region:
        context.setdefault(_REGION, region)
    return {**request, "context": context}


def may_take(asked: dict[str, Any], request: dict[str, Any]) -> bool:
    """Whether a requirement may stand for the action on the resource; a level may for every action."""
    actions, resources = (
        [own] if isinstance(own, str) else own for own in (asked["action"], asked["resource"])
    )
    if any(":" not in own for own in actions):
        return any(request["resource"].startswith(own) for own in resources)
    action, resource = request["action"].lower(), request["resource"]
    return any(matches(own.lower(), action) for own in actions) and any(
        matches(own, resource) for own in resources
    )


def _speaks_wide(statement: dict[str, Any], request: dict[str, Any], kind: str) -> bool:
    """Whether a Deny takes the request by a pattern of resources, out of which no policy can leave one."""
    entries = statement.get("Resource", "*")
    wide = [
        own
        for own in ([entries] if isinstance(entries, str) else entries)
        if "*" in own and own != "*"
    ]
    if not wide:
        return False
    alone = {**statement, "Resource": wide, "Effect": "Allow"}
    return outcome({"Version": "2012-10-17", "Statement": [alone]}, request, kind) == "Allowed"


def outcome(document_: dict[str, Any], request: dict[str, Any], kind: str) -> str:
    """The decision on a request by the policy alone, by the public door."""
    everything = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
    asked = {"principal": ROLES[0], **request}
    if kind in {"resource", "trust"}:
        # From another account the caller's own policies have to allow, too.
        is_own = f":{ACCOUNT}:" in asked["principal"]
        beside_ = {} if is_own else {"identity": [everything]}
        return evaluate(asked, {"resource": [document_], **beside_}).outcome
    layers: dict[str, Any] = {"identity": [document_ if kind == "identity" else everything]}
    beside = (
        [] if any(own["Effect"] == "Allow" for own in statements_of(document_)) else [everything]
    )
    if kind == "scp":
        layers["scp"] = [[document_, *beside]]
    elif kind == "rcp":
        full = {**everything["Statement"][0], "Principal": "*"}
        layers["rcp"] = [[document_, {"Version": "2012-10-17", "Statement": [full]}]]
    elif kind != "identity":
        layers[kind] = [document_]
    return evaluate(asked, layers).outcome


def statements_of(document_: dict[str, Any]) -> list[dict[str, Any]]:
    """The statements of a policy, which may be a single one without a list."""
    body = document_["Statement"]
    return list(body) if isinstance(body, list) else [body]


def managed_documents() -> list[dict[str, Any]]:
    """AWS's managed policies as the package ships them, in the order of their names."""
    found = (managed_policy(name) for name in managed_policy_names())
    return [json.loads(own.document) for own in found if own]


def of_document(random: Random, document_: dict[str, Any], requests: int) -> Specification | None:
    """Requests for a real policy, which a policy can meet; None where the data knows none of its actions."""
    services = _services_of(document_)
    named = [name for entry in _action_entries(document_) for name in catalog().expand(entry)][
        :500
    ]
    others = [name for service in services for name in catalog().expand(f"{service}:*")][:2_000]
    if not others:
        return None
    found = Specification(kind="identity", document=document_)
    denies = [own for own in statements_of(document_) if own["Effect"] == "Deny"]
    seen: set[str] = set()
    for _ in range(requests * 20):
        if len(seen) == requests:
            break
        request = _request_for(
            random.choice(named or others if random.random() < 0.6 else others), random
        )
        text = json.dumps(place(request), sort_keys=True)
        if text in seen or _is_fixed(request):
            continue
        seen.add(text)
        wide = any(_speaks_wide(own, request, "identity") for own in denies)
        wanted = random.random() < 0.5 and not wide
        (found.allow if wanted else found.deny).append(request)
    return found if seen else None


def _is_fixed(request: dict[str, Any]) -> bool:
    """Whether AWS decides on the request whatever the policies say."""
    everything = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
    nothing = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}],
    }
    return (
        outcome(everything, request, "identity") != "Allowed"
        or outcome(nothing, request, "identity") == "Allowed"
    )


def _action_entries(document_: dict[str, Any]) -> list[str]:
    found: list[str] = []
    for own in statements_of(document_):
        entries = own.get("Action", [])
        found += [entries] if isinstance(entries, str) else entries
    return found


def _services_of(document_: dict[str, Any]) -> list[str]:
    prefixes = {entry.partition(":")[0].lower() for entry in _action_entries(document_)}
    return sorted(own for own in prefixes if catalog().service(own))


def _request_for(action: str, random: Random) -> dict[str, Any]:
    known = catalog().action(action)
    types = resource_types_of(known) if known else ()
    templates = [own for type_ in types for own in type_.arn_formats]
    name = random.choice(("orders", "users", "example"))
    resource = example_arn(random.choice(templates), ACCOUNT) if templates else "*"
    filled = resource.replace("example", name).replace("${Partition}", "aws").replace("*", name)
    found: dict[str, Any] = {
        "action": action,
        "resource": filled if templates else "*",
        "principal": ROLES[0],
    }
    if random.random() < 0.25:
        key = random.choice(list(_VALUES))
        found["context"] = {key: random.choice(_VALUES[key])}
    return found
