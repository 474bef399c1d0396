"""What else to know about a decision: layers that do not bind, what is no policy, what the request leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.evaluation.beyond import crosses_accounts
from aws_iam.engine.evaluation.caller import CallerKind
from aws_iam.engine.evaluation.decision_flow import is_strict
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.supply import supplying
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.answer import Decision
    from aws_iam.engine.evaluation.layers import Layers
    from aws_iam.engine.evaluation.request import Request

_MOST_KEYS = 5


def notes(request: Request, layers: Layers, decision: Decision) -> Iterator[str]:
    """One sentence for each thing that the outcome alone does not say."""
    yield from _unbound(request, layers)
    yield from _own_policies(request, layers, decision)
    yield from _credentials(request)
    yield from _role_path(request, layers, decision)
    yield from _foreign_keys(request, decision)


def _unbound(request: Request, layers: Layers) -> Iterator[str]:
    if "scp" in layers and request.caller.account == request.management_account:
        yield "service control policies do not bind the management account"
    if "rcp" in layers and request.service not in catalog().rcp_services:
        yield f"resource control policies do not cover {request.service}"
    if {"scp", "rcp"} & set(layers.levels) and request.caller.is_service_linked:
        yield "organization policies do not bind service-linked roles"


def _own_policies(request: Request, layers: Layers, decision: Decision) -> Iterator[str]:
    """Resources that always have a policy of their own, and grants, which are none."""
    if is_strict(request) and "resource" not in layers:
        what = "a KMS key" if request.service == "kms" else "a role"
        own = "key policy" if request.service == "kms" else "trust policy"
        yield f"{what} always has a {own}, and without one nothing is allowed: give it as `resource`"
    if (
        request.service == "kms"
        and decision.outcome == "ImplicitlyDenied"
        and crosses_accounts(request.action)
    ):
        # The operations that KMS takes from other accounts and those that a grant may hold are nearly the same.
        yield "a grant of the key may allow this all the same: grants are no policies and are not judged here"
    if request.caller.kind is CallerKind.ROOT and request.action.lower() in {
        "s3:deletebucketpolicy",
        "s3:getbucketpolicy",
        "s3:putbucketpolicy",
    }:
        yield "S3 lets the root user of the bucket's account do this whatever the bucket policy denies"


def _credentials(request: Request) -> Iterator[str]:
    if request.caller.kind is CallerKind.FEDERATED and request.service == "iam":
        yield "credentials of GetFederationToken call IAM in the console only, not by API or command line"
    if (
        request.caller.kind is CallerKind.USER
        and request.context.has("aws:TokenIssueTime")
        and not request.context.has("aws:MultiFactorAuthPresent")
        and request.service == "iam"
    ):
        yield "credentials of GetSessionToken call IAM only when MFA was used to get them"


def _role_path(request: Request, layers: Layers, decision: Decision) -> Iterator[str]:
    """The ARN of a session leaves the path of its role out, and some policies name it."""
    caller = request.caller
    if caller.kind is not CallerKind.SESSION or caller.path_is_known:
        return
    name = caller.role.rpartition("/")[2]
    if "scp" in layers and name.startswith("AWSServiceRoleFor"):
        yield (
            f"{quoted(name)} looks like a service-linked role, which organization policies do not bind: give its ARN"
            " as `principal_role`"
        )
    asked = {key.lower() for key in decision.consulted_keys}
    if "aws:principalarn" in asked or decision.outcome == "Unknown":
        yield (
            f"the session's ARN does not tell the path of its role, taken as {quoted(caller.role)}: give"
            " `principal_role` if it has another one"
        )


def _foreign_keys(request: Request, decision: Decision) -> Iterator[str]:
    """Keys of the action's service that the request carries, a policy asks for, and AWS never sends."""
    action = request.action.lower()
    if catalog().tier(request.action) != "known":
        return
    found = []
    for key in decision.consulted_keys:
        prefix = key.partition(":")[0].lower()
        if prefix == request.service and request.context.has(key):
            having = supplying(prefix, key.lower())
            if having and action not in having:
                found.append(key)
    if found:
        keys = ", ".join(map(quoted, found[:_MOST_KEYS]))
        yield f"by AWS's reference requests for {request.action} never carry {keys}: without it the outcome may differ"
