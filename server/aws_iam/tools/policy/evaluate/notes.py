"""Notes on a decision: layers that do not apply, causes outside policies, what the request leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.evaluation.caller import CallerKind
from aws_iam.engine.evaluation.decision_flow import needs_resource_policy
from aws_iam.engine.evaluation.fixed_outcomes import works_across_accounts
from aws_iam.engine.evaluation.unsigned_requests import means_of_anyone, takes_unsigned
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.key_support import actions_with_key
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.answer import Decision
    from aws_iam.engine.evaluation.layers import Layers
    from aws_iam.engine.evaluation.request import Request

_MOST_KEYS = 5


def notes(request: Request, layers: Layers, decision: Decision) -> Iterator[str]:
    """One sentence for each thing that the outcome alone does not show."""
    yield from parts_without_effect(request, layers, decision)
    yield from _outside_policies(request, decision)
    yield from _credentials(request)
    yield from _role_path(request, layers, decision)


def parts_without_effect(request: Request, layers: Layers, decision: Decision) -> Iterator[str]:
    """What of the layers and the request cannot decide, or decides for want of a policy that there always is."""
    yield from _layers_that_do_not_apply(request, layers)
    yield from _missing_resource_policies(request, layers)
    yield from _foreign_keys(request, decision)


def _layers_that_do_not_apply(request: Request, layers: Layers) -> Iterator[str]:
    if "scp" in layers and request.caller.account == request.management_account:
        yield "service control policies do not apply to the management account"
    if "rcp" in layers and request.service not in catalog().rcp_services:
        yield f"resource control policies do not cover {request.service}"
    if {"scp", "rcp"} & set(layers.levels) and request.caller.is_service_linked:
        yield "organization policies do not apply to service-linked roles"


def _missing_resource_policies(request: Request, layers: Layers) -> Iterator[str]:
    """Resources that always have a policy of their own."""
    if needs_resource_policy(request) and "resource" not in layers:
        what = "a KMS key" if request.service == "kms" else "a role"
        own = "key policy" if request.service == "kms" else "trust policy"
        yield f"{what} always has a {own}, and nothing is allowed without it: give it as `resource`"


def _outside_policies(request: Request, decision: Decision) -> Iterator[str]:
    """What allows a request although no policy does."""
    if (
        request.service == "kms"
        and decision.outcome == "ImplicitlyDenied"
        and works_across_accounts(request.action)
    ):
        # The operations that KMS accepts from other accounts are nearly those that a grant can allow.
        yield "a grant on the key may still allow this: grants are not policies and are not evaluated here"
    if request.caller.kind is CallerKind.ROOT and request.action.lower() in {
        "s3:deletebucketpolicy",
        "s3:getbucketpolicy",
        "s3:putbucketpolicy",
    }:
        yield "S3 lets the root user of the bucket's account do this even if the bucket policy denies it"


def _credentials(request: Request) -> Iterator[str]:
    if request.caller.kind is CallerKind.ANONYMOUS and not takes_unsigned(request.action):
        yield (
            f"`*` stands for anyone {means_of_anyone(request.action)}, without the keys of an identity such as"
            " aws:PrincipalOrgID: give the ARN of a caller for an exact answer"
        )
    if (
        request.caller.kind is CallerKind.USER
        and request.context.has("aws:TokenIssueTime")
        and not request.context.has("aws:MultiFactorAuthPresent")
        and request.service == "iam"
    ):
        yield "credentials from GetSessionToken can call IAM only if MFA was used to get them"


def _role_path(request: Request, layers: Layers, decision: Decision) -> Iterator[str]:
    """The ARN of a session does not include the path of its role, which some policies name."""
    caller = request.caller
    if caller.kind is not CallerKind.SESSION or caller.path_is_known:
        return
    name = caller.role.rpartition("/")[2]
    if "scp" in layers and name.startswith("AWSServiceRoleFor"):
        yield (
            f"{quoted(name)} looks like a service-linked role, to which organization policies do not apply: give its"
            " ARN as `principal_role`"
        )
    consulted = {key.lower() for key in decision.consulted_keys}
    if "aws:principalarn" in consulted or decision.outcome == "Unknown":
        yield (
            f"the session's ARN does not include the path of its role; {quoted(caller.role)} is assumed: give"
            " `principal_role` if the role has a different path"
        )


def _foreign_keys(request: Request, decision: Decision) -> Iterator[str]:
    """Keys in the request that a policy consults, but that AWS never sends with this action."""
    action = request.action.lower()
    if catalog().tier(request.action) != "known":
        return
    foreign = []
    for key in decision.consulted_keys:
        prefix = key.partition(":")[0].lower()
        if prefix == request.service and request.context.has(key):
            supplying_actions = actions_with_key(prefix, key.lower())
            if supplying_actions and action not in supplying_actions:
                foreign.append(key)
    if foreign:
        keys = ", ".join(map(quoted, foreign[:_MOST_KEYS]))
        yield f"according to AWS's reference, requests for {request.action} never include {keys}: without it the outcome may differ"
