"""Settings that hand out roles within session policies, from short data: `pods`, `profiles`, `transfer` and `studios` of a case.

    {"pods": [{"id": "cart", "role": "app", "policy": [statements]}]}   →   an association of the service account `cart`

`policy` is a list of statements; a text stands as it is.
"""

from __future__ import annotations

from typing import Any

from helpers.cis_snapshots import ACCOUNT, arn, facts_of, policy

ASSOCIATION = f"arn:aws:eks:us-east-1:{ACCOUNT}:podidentityassociation/shop/"
CLUSTER = f"arn:aws:eks:us-east-1:{ACCOUNT}:cluster/shop"
_PROFILE = f"arn:aws:rolesanywhere:us-east-1:{ACCOUNT}:profile/"
_TRANSFER = f"arn:aws:transfer:us-east-1:{ACCOUNT}:"
_STUDIO = f"arn:aws:elasticmapreduce:us-east-1:{ACCOUNT}:studio/"
_SHORT = (ASSOCIATION, _PROFILE, _STUDIO, f"{_TRANSFER}user/s-1/", f"arn:aws:iam::{ACCOUNT}:")


def short(text: str) -> str:
    """The name of a session, a user or a role in a case, by its ARN."""
    for start in _SHORT:
        text = text.removeprefix(start)
    return text


def facts_with_sessions(case: dict[str, Any]) -> dict[str, Any]:
    """The facts of an account with these settings; a bucket `books` has no policy."""
    pods = [_association(own) for own in case.get("pods", ())]
    named = {"name": "shop", "addons": [], "nodegroups": [], "fargate": []}
    cluster = {**named, "details": {"arn": CLUSTER}, "associations": pods}
    facts = {
        "s3.bucket_policies": [{"bucket": "books", "document": _text(case.get("bucket"))}],
        "s3.bucket_encryption": [{"bucket": "books", "algorithm": "AES256"}],
        "eks.clusters": {"us-east-1": [cluster] if pods else []},
        "rolesanywhere.profiles": {"us-east-1": [_profile(own) for own in case.get("profiles", ())]},
        "emr.studios": {"us-east-1": [_studio(own) for own in case.get("studios", ())]},
        "transfer.servers": {
            "us-east-1": [
                {
                    "arn": f"{_TRANSFER}server/s-1",
                    "users": [_user(own) for own in case.get("transfer", ())],
                }
            ]
        },
    }  # fmt: skip
    return facts_of({**case, "facts": facts | case.get("facts", {})})


def _text(written: Any) -> str | None:
    return written if written is None or isinstance(written, str) else policy(written)


def _association(own: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": own["id"],
        "arn": f"{ASSOCIATION}{own['id']}",
        "namespace": "shop",
        "service_account": own["id"],
        "details": {
            "role": arn(f"role/{own['role']}"),
            "target_role": arn(f"role/{own['target']}") if "target" in own else None,
            "has_policy": "policy" in own,
            "session_tags": "policy" not in own,
        },
        "policy": _text(own.get("policy")),
    }


def _profile(own: dict[str, Any]) -> dict[str, Any]:
    return {
        "arn": f"{_PROFILE}{own['name']}",
        "name": own["name"],
        "roles": [arn(f"role/{name}") for name in own["roles"]],
        "policy": _text(own.get("policy")),
        "managed": own.get("managed", []),
    }


def _studio(own: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": own["id"],
        "name": own["id"],
        "details": {"arn": f"{_STUDIO}{own['id']}", "role": own["role"]},
        "assignments": [
            {
                "name": name,
                "is_group": name.isupper(),
                "policy": policy if policy.startswith("arn:") else arn(f"policy/{policy}"),
            }
            for name, policy in own["assigned"].items()
        ],
    }


def _user(own: dict[str, Any]) -> dict[str, Any]:
    return {
        "arn": f"{_TRANSFER}user/s-1/{own['name']}",
        "name": own["name"],
        "role": arn(f"role/{own['role']}"),
        "home": own.get("home"),
        "policy": own["policy"] if isinstance(own["policy"], dict) else _text(own["policy"]),
    }
