"""What the checks of workload identity judge: a trust policy, and an account with its service accounts."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any, TypeVar

from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aws_iam.account.collect.fact import Fact
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.engine.language.document import Policy
    from aws_iam.engine.sources.ci_jobs import Workflow
    from aws_iam.engine.sources.kubernetes_objects import Administrator, Pods, ServiceAccount

T = TypeVar("T")


@slotted
class Repository:
    """The repository that holds the workflows: `name` is OWNER/NAME; from a checkout, `host` is where it comes from."""

    name: str
    host: str = ""


FACTS: tuple[Fact[Any], ...] = (AUTHORIZATION,)
"""What every check of a trust policy needs of an account: its roles."""


@slotted
class Trust:
    """One trust policy. None means not known: a document alone says nothing about its role.

    `writes` is whether the role may change anything, `is_powerful` whether it is an administrator or can become one;
    `client_ids` are those of the account's providers by issuer, `tags` whether pods send session tags.
    `stands_for_any`: its values are placeholders for ones that are unknown until deployment.
    """

    policy: Policy
    role: str = ""
    writes: bool | None = None
    is_powerful: bool | None = None
    client_ids: Mapping[str, tuple[str, ...]] | None = None
    tags: bool | None = None
    stands_for_any: bool = False


@slotted
class Workloads:
    """An account, and the service accounts of its clusters (None: the caller passed none).

    `complete`: they are all of the cluster's, as its API lists them; `pods`, `workflows` and `administrators` (of the
    ConfigMap aws-auth) come from manifests.
    `trusts` are trust policies that were passed beside them, in place of the roles of an account, each with the ARN of its
    role where the document has it; `repository` is that of the workflows, None where it is not known.
    """

    account: Account
    service_accounts: tuple[ServiceAccount, ...] | None = None
    complete: bool = False
    pods: tuple[Pods, ...] = ()
    workflows: tuple[Workflow, ...] = ()
    administrators: tuple[Administrator, ...] = ()
    trusts: tuple[Trust, ...] | None = None
    repository: Repository | None = None
    derived: dict[str, Any] = field(init=False, default_factory=dict, compare=False, repr=False)

    def once(self, name: str, compute: Callable[[], T]) -> T:
        """A value that several checks need, computed by the first."""
        if name not in self.derived:
            self.derived[name] = compute()
        found: T = self.derived[name]
        return found
