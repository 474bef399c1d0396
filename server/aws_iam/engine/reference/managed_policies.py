"""The AWS managed policies, each with the document of its default version: `assets/data/managed-policies.zip`.

    index.json   {"as_of", "source", "policies": {name: [path, version, day of its last change, number of its member]}}
    NUMBER.json  {name: document}, a few dozen policies in each member

The file is opened when a policy is asked for; only the member of that policy is read.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

from aws_iam.engine.reference import archives
from aws_iam.errors import InputError, nearest
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Mapping

ASSET: Final = "assets/data/managed-policies.zip"
SOURCE: Final = "https://docs.aws.amazon.com/aws-managed-policy/latest/reference/"
_POLICY_ARN = re.compile(r"arn:([a-z-]*):iam::([^:]*):policy/(.*)")


@slotted
class ManagedPolicy:
    """One AWS managed policy."""

    name: str
    arn: str
    # The default version, such as `v3`, and the day on which the policy changed last.
    version: str
    changed: str
    # The document as JSON text.
    document: str

    @property
    def title(self) -> str:
        """Name, version and day, for people."""
        return f"AWS managed policy {self.name} ({self.version} of {self.changed})"


@dataclass(frozen=True)
class _File:
    members: zipfile.ZipFile
    as_of: str
    rows: Mapping[str, tuple[str, str, str, int]]
    spelled: Mapping[str, str]


@cache
def _file() -> _File:
    members = archives.shipped(ASSET)
    index: dict[str, Any] = json.loads(members.read("index.json"))
    rows = {name: tuple(row) for name, row in index["policies"].items()}
    return _File(
        members=members,
        as_of=index["as_of"],
        rows=rows,
        spelled={name.lower(): name for name in rows},
    )


def managed_policies_as_of() -> str:
    """The day of the newest change in the file."""
    return _file().as_of


def managed_policy_names() -> tuple[str, ...]:
    """The names of all AWS managed policies."""
    return tuple(_file().rows)


def managed_policy(name: str) -> ManagedPolicy | None:
    """The AWS managed policy with that name, whatever its case."""
    file = _file()
    spelled = file.spelled.get(name.lower())
    return None if spelled is None else _policy(spelled)


# 6 ms to 50 ns: a tree attaches one policy in many places, and each is asked for several times.
@lru_cache(maxsize=256)
def _policy(spelled: str) -> ManagedPolicy:
    file = _file()
    path, version, changed, number = file.rows[spelled]
    document = json.loads(file.members.read(f"{number}.json"))[spelled]
    return ManagedPolicy(
        name=spelled,
        arn=f"arn:aws:iam::aws:policy{path}{spelled}",
        version=version,
        changed=changed,
        document=json.dumps(document, indent=2),
    )


def near_managed_policies(name: str) -> tuple[str, ...]:
    """The names of up to three AWS managed policies that a wrong name may mean."""
    return nearest(name, managed_policy_names())


def is_policy_arn(text: str) -> bool:
    """Whether the text is the ARN of an IAM policy, of AWS or of an account."""
    return _POLICY_ARN.fullmatch(text.strip()) is not None


def managed_policy_of_arn(arn: str) -> ManagedPolicy:
    """The AWS managed policy with that ARN; `InputError` for an ARN that names none."""
    parts = _POLICY_ARN.fullmatch(arn.strip())
    partition, account, path = parts.groups() if parts else ("", "", "")
    if account != "aws":
        raise InputError(
            f"{quoted(arn)} is not an AWS managed policy, so its document is in the account",
            hint="give the document: `aws iam get-policy-version --policy-arn ARN --version-id VERSION` prints it",
        )
    name = path.rpartition("/")[2]
    policy = managed_policy(name)
    if policy and partition == "aws" and policy.arn == arn.strip():
        return policy
    if policy and partition != "aws":
        raise InputError(
            f"{quoted(arn)} is a policy of the partition {quoted(partition)}; only those of `aws` are known",
            hint=f"give its document, or `{policy.arn}` if the partition does not matter",
        )
    near = [policy] if policy else [managed_policy(other) for other in near_managed_policies(name)]
    names = [f"`{other.arn}`" for other in near if other]
    raise InputError(
        f"{quoted(arn)} is not an AWS managed policy of {managed_policies_as_of()}",
        hint=f"did you mean {' or '.join(names)}?" if names else "give the document itself",
    )
