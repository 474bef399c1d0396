"""What `policy denied` says of each layer: what the refusal means, who can change it, where to look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_GUIDE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/"
_ORGANIZATIONS = "https://docs.aws.amazon.com/organizations/latest/userguide/"
PAGE = f"{_GUIDE}troubleshoot_access-denied.html"
SECTION = "references/policy-design.md#access-denied"
DECODE = "https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html"
DECODE_CALL = "aws sts decode-authorization-message --encoded-message MESSAGE --query DecodedMessage --output text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One policy type in sentences. `implicit` and `explicit` say what the refusal means."""

    implicit: str
    explicit: str
    owner: str
    look_at: tuple[str, ...]
    source: str


WORDS: Mapping[str, Words] = {
    "service control policy": Words(
        implicit="at some level of the organization (root, an OU, the account) no attached SCP allows the action",
        explicit="a Deny in an SCP of the caller's organization matches",
        owner="the administrator of the caller's organization",
        look_at=(
            "every level on the way to the caller's account: FullAWSAccess may be replaced by a list of actions",
            "a Region restriction: global services count as us-east-1",
            "conditions on aws:PrincipalArn",
            "the management account and service-linked roles are not bound by SCPs",
        ),
        source=f"{_ORGANIZATIONS}orgs_manage_policies_scps_evaluation.html",
    ),
    "resource control policy": Words(
        implicit="an RCP level does not allow it, which RCPFullAWSAccess should prevent",
        explicit="a Deny in an RCP of the organization that owns the resource matches",
        owner="the administrator of the organization that owns the resource",
        look_at=(
            "a perimeter on aws:PrincipalOrgID: the caller may be outside the organization",
            "a missing exemption of AWS services (aws:PrincipalIsAWSService)",
            "a condition on TLS (aws:SecureTransport) or on the source account",
        ),
        source=f"{_ORGANIZATIONS}orgs_manage_policies_rcps_evaluation.html",
    ),
    "vpc endpoint policy": Words(
        implicit="the request went through a VPC endpoint whose policy does not let it pass",
        explicit="the request went through a VPC endpoint whose policy denies it",
        owner="the owner of the VPC endpoint, who may be another account",
        look_at=(
            "which endpoint the subnet's route or the private DNS name leads to",
            "its principals, actions and resources",
        ),
        source="https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html",
    ),
    "permissions boundary": Words(
        implicit="the permissions boundary of the user or role does not cover the action; it limits, and grants nothing",
        explicit="a Deny in the permissions boundary of the user or role matches",
        owner="whoever owns the boundary",
        look_at=(
            "the boundary was set on purpose: never remove it",
            "the boundary of the caller, not of the resource",
            "the identity policies must allow it, too",
        ),
        source=f"{_GUIDE}access_policies_boundaries.html",
    ),
    "session policy": Words(
        implicit="the session was made with a session policy that does not cover the action",
        explicit="a Deny in the session policy matches",
        owner="whoever makes the session (the call of AssumeRole or GetFederationToken), not the role's owner",
        look_at=(
            "the Policy and PolicyArns of the call that made the session, in CloudTrail",
            "a federated user session without a session policy has no permissions at all",
        ),
        source=f"{_GUIDE}access_policies.html",
    ),
    "resource-based policy": Words(
        implicit="the resource's own policy had to allow the caller and does not",
        explicit="a Deny in the resource's own policy matches",
        owner="the owner of the resource",
        look_at=(
            "the principal: the exact ARN with its path; an id that begins with AROA or AIDA is of a deleted one",
            "the resource: bucket or object, key, queue",
            "its conditions: organization, VPC, source account",
        ),
        source=f"{_GUIDE}reference_policies_evaluation-logic-cross-account.html",
    ),
    "role trust policy": Words(
        implicit="the role does not trust this caller under these conditions",
        explicit="a Deny in the role's trust policy matches",
        owner="the owner of the role",
        look_at=(
            "the principal: a role that was deleted and made again is another one",
            "the external id, MFA, and for web identities the values of aud and sub",
            "sts:TagSession and sts:SetSourceIdentity when the call passes tags or a source identity",
        ),
        source=f"{_GUIDE}troubleshoot_roles.html",
    ),
    "identity-based policy": Words(
        implicit="no policy of the user, of its groups or of the role allows the action on this resource",
        explicit="a Deny in a policy of the user, of its groups or of the role matches",
        owner="whoever manages the user or role",
        look_at=(
            "the resource: bucket or object (`/*`), Region, account",
            "conditions on a key that the request does not carry",
            "that the policy is attached to this user or role",
        ),
        source=f"{_GUIDE}access_policies_identity-vs-resource.html",
    ),
}

REMARKS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "s3": (
        (
            "without s3:ListBucket S3 answers Access Denied for an object that does not exist",
            "S3 Block Public Access, object ownership and ACLs, Requester Pays and the KMS key of an object answer the same",
        ),
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html",
    ),
    "kms": (
        (
            "the state of a key and its Region are no policies, and grants may allow what no policy does",
        ),
        "https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html",
    ),
    "execute-api": (
        (
            "API Gateway weighs its resource policy together with the authorizer, by tables of its own",
            "an anonymous caller means an unsigned request, or a signature that was not accepted",
        ),
        "https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html",
    ),
}
"""What is no policy and looks like one, by service, and the page that says so."""
