"""The form of each kind of name that goes into generated policies, so that wrong or hostile values are refused.

No form accepts `*`, `?`, `${` or a quote unless it says so: a value can only name one thing.
"""

from __future__ import annotations

import re

from aws_iam.engine.language.arn import PARTITIONS
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

_LONGEST = 1224


@slotted
class Form:
    """The form of a kind of name: a regular expression, and the same in words."""

    written: str
    words: str

    @property
    def pattern(self) -> re.Pattern[str]:
        """Compiled when it is asked for, and kept by `re`: a server that starts needs none."""
        return re.compile(self.written, re.ASCII)


def _form(written: str, words: str) -> Form:
    return Form(written=written, words=words)


_PARTITION = "|".join(map(re.escape, PARTITIONS))
_ACCOUNT = r"[0-9]{12}"
_REGION = r"[a-z]{2,4}(?:-[a-z]+){1,3}-[1-9][0-9]?"
_IAM_NAME = r"[A-Za-z0-9_+=,.@-]{1,64}"
_IAM_PATH = rf"(?:[A-Za-z0-9_+=,.@-]+/)*{_IAM_NAME}"
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_HOST = r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]"
# What git allows in a ref (git-check-ref-format), without quotes, `$`, `<`, `>`, `|` and `;`.
_REF = r"(?![/-])(?!.*(?:\.\.|//|@\{|\.lock(?:/|$)|/\.))[A-Za-z0-9_+=,.@#%&!()/-]+(?<![/.])"
_OWNER = r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}"
_REPOSITORY = r"(?!\.{1,2}(?:$|/))[A-Za-z0-9._-]{1,100}"
_WORDS = r"[A-Za-z0-9](?:[A-Za-z0-9 _.-]*[A-Za-z0-9_.-])?"

FORMS: dict[str, Form] = {
    "partition": _form(_PARTITION, "one of " + ", ".join(PARTITIONS)),
    "account": _form(_ACCOUNT, "12 digits, as text"),
    "region": _form(_REGION, "a Region such as eu-west-1"),
    "bucket": _form(
        r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        "a bucket name: 3 to 63 lower-case letters, digits, dots and hyphens",
    ),
    "key_prefix": _form(
        r"[A-Za-z0-9!_.'()-]+(?:/[A-Za-z0-9!_.'()-]+)*", "a key prefix without slash at either end"
    ),
    "tag_key": _form(
        r"(?!aws:)[A-Za-z0-9_.:/=+@-]{1,128}", "a tag key of letters, digits and _.:/=+@-"
    ),
    "iam_name": _form(_IAM_NAME, "an IAM name: up to 64 letters, digits and _+=,.@-"),
    "iam_path_name": _form(_IAM_PATH, "an IAM name, with its path if it has one: team/name"),
    "iam_path": _form(
        r"[A-Za-z0-9_+=,.@-]+(?:/[A-Za-z0-9_+=,.@-]+)*", "an IAM path without slash at either end"
    ),
    "service_prefix": _form(
        r"(?!(?:account|iam|organizations|sso|sts)$)[a-z][a-z0-9-]+",
        "a service prefix such as s3, other than those of identity and account services",
    ),
    "service_principal": _form(
        rf"[a-z0-9-]+(?:\.{_REGION})?\.amazonaws\.com(?:\.cn)?",
        "a service principal such as logs.eu-west-1.amazonaws.com",
    ),
    "principal_arn": _form(
        rf"arn:(?:{_PARTITION}):iam::{_ACCOUNT}:(?:role|user)/{_IAM_PATH}",
        "the ARN of a role or user",
    ),
    "role_arn": _form(
        rf"arn:(?:{_PARTITION}):iam::{_ACCOUNT}:role/{_IAM_PATH}", "the ARN of a role"
    ),
    "trusted_arn": _form(
        rf"arn:(?:{_PARTITION}):iam::{_ACCOUNT}:(?:root|(?:role|user)/{_IAM_PATH})",
        "the ARN of a role or user, or arn:PARTITION:iam::ACCOUNT:root for the account",
    ),
    "key_arn": _form(
        rf"arn:(?:{_PARTITION}):kms:{_REGION}:{_ACCOUNT}:key/(?:{_UUID}|mrk-[0-9a-f]{{32}})",
        "the ARN of a KMS key (no alias)",
    ),
    "source_arn": _form(
        rf"arn:(?:{_PARTITION}):(?!iam:|sts:)[a-z0-9-]+:(?:{_REGION})?:(?:{_ACCOUNT})?:[A-Za-z0-9_.:/@+=,-]+[*]?",
        "the ARN of the service's resource; it may end in one `*`",
    ),
    "secret": _form(r"[A-Za-z0-9/_+=.@-]{1,512}", "a secret's name without its random suffix"),
    "function": _form(r"[A-Za-z0-9_-]{1,64}", "a function name"),
    "organization": _form(r"o-[a-z0-9]{10,32}", "an organization id such as o-a1b2c3d4e5"),
    "external_id": _form(
        r"[A-Za-z0-9_+=,.@:/-]{2,1224}", "an external id: 2 to 1224 letters, digits and _+=,.@:/-"
    ),
    "cluster": _form(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", "an EKS cluster name"),
    "cluster_arn": _form(
        rf"arn:(?:{_PARTITION}):eks:{_REGION}:{_ACCOUNT}:cluster/[A-Za-z0-9][A-Za-z0-9_-]{{0,99}}",
        "the ARN of an EKS cluster",
    ),
    "namespace": _form(
        r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?",
        "a Kubernetes namespace: lower-case letters, digits and hyphens",
    ),
    "service_account": _form(
        r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?",
        "a ServiceAccount name: lower-case letters, digits, hyphens and dots",
    ),
    "eks_issuer": _form(
        r"(?:oidc\.eks\.[a-z0-9-]+\.amazonaws\.(?:com|com\.cn|eu)"
        r"|oidc-eks\.[a-z0-9-]+\.api\.(?:aws|amazonwebservices\.com\.cn|amazonwebservices\.eu))"
        r"/id/[0-9A-Z]{32}",
        "the cluster's issuer without https://, such as oidc.eks.eu-west-1.amazonaws.com/id/… (32 characters)",
    ),
    "issuer": _form(
        rf"{_HOST}(?::[0-9]{{2,5}})?(?:/[A-Za-z0-9_.~%-]+)*/?",
        "an issuer: host and path without https://, and the slash at its end if it has one",
    ),
    "audience": _form(
        r"(?!-)[A-Za-z0-9_.:/@%+=,#-]{1,255}",
        "an audience without blanks, wildcards or a leading hyphen",
    ),
    "subject": _form(
        r"(?!.*(?:[*?\"\\]|\$\{))[!-~](?:[ -~]*[!-~])?",
        "the token's exact `sub`, without wildcards",
    ),
    "github_owner": _form(_OWNER, "a GitHub owner: letters, digits and hyphens"),
    "github_repository": _form(
        _REPOSITORY, "a repository's name, alone or behind its owner as in octo/app"
    ),
    "github_environment": _form(
        r"[A-Za-z0-9_](?:[A-Za-z0-9 _.,/@#%&+=()-]{0,253}[A-Za-z0-9_.)])?", "an environment name"
    ),
    "git_ref": _form(_REF, "a branch or tag name as git allows it, without refs/heads/"),
    "workflow": _form(
        rf"{_OWNER}/{_REPOSITORY}/\.github/workflows/[A-Za-z0-9._-]+\.ya?ml"
        rf"@(?:refs/(?:heads|tags)/{_REF}|[0-9a-f]{{40}})",
        "a reusable workflow as its token names it: OWNER/REPOSITORY/.github/workflows/FILE.yml@ and refs/heads/BRANCH, "
        "refs/tags/TAG or a commit's 40 digits",
    ),
    "number_id": _form(r"[1-9][0-9]{0,18}", "a numeric id"),
    "uuid": _form(_UUID, "a UUID in lower case"),
    "braced_uuid": _form(rf"\{{{_UUID}\}}", "a UUID in lower case with its braces"),
    "gitlab_path": _form(
        r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*",
        "a GitLab path: group or group/subgroup",
    ),
    "gitlab_project": _form(
        r"[A-Za-z0-9_][A-Za-z0-9_.-]*", "a project's last path part, without its group"
    ),
    "slug": _form(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?", "a slug as in the address bar"),
    "hcp_name": _form(
        _WORDS, "an HCP Terraform name: letters, digits, blanks, hyphens and underscores"
    ),
    "platform_name": _form(
        r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.-])?",
        "a name of letters, digits, hyphens, dots and underscores",
    ),
    "azure_name": _form(
        _WORDS, "a name of letters, digits, blanks, hyphens, dots and underscores"
    ),
    "spacelift_account": _form(
        r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", "a Spacelift account, as in ACCOUNT.app.spacelift.io"
    ),
    "google_id": _form(
        r"[0-9]{5,30}",
        "the service account's unique numeric id (gcloud iam service-accounts describe EMAIL --format='value(uniqueId)')",
    ),
    "spiffe_id": _form(
        r"spiffe://[a-z0-9._-]+(?:/[A-Za-z0-9._-]+)+",
        "a SPIFFE id with a path: spiffe://TRUST_DOMAIN/PATH",
    ),
    "run_phase": _form("plan|apply", "plan or apply"),
}

_WILDCARDS = ("*", "?", "${")


_GROUPED = re.compile(r"([0-9]{4})[- ]([0-9]{4})[- ]([0-9]{4})", re.ASCII)


def checked_account(name: str, text: str) -> str:
    """The 12 digits of an account, also in groups of four as the console shows them (1111-2222-3333)."""
    return checked_name(name, ungrouped_account(text.strip()), "account")


def ungrouped_account(text: str) -> str:
    """The account without its groups of four; any other text as it is."""
    grouped = _GROUPED.fullmatch(text)
    return "".join(grouped.groups()) if grouped else text


def checked_name(name: str, value: str, form: str) -> str:
    """The value, if it has the form; otherwise InputError, which calls the value by `name`."""
    wanted = FORMS[form]
    if len(value) <= _LONGEST and wanted.pattern.fullmatch(value):
        return value
    wildcard = next((text for text in _WILDCARDS if text in value), None)
    if wildcard is None or len(value) > _LONGEST:
        raise InputError(f"`{name}` is not well formed: {quoted(value, 80)}", hint=wanted.words)
    raise InputError(
        f"`{name}` is not well formed: {quoted(value, 80)}; it cannot contain `{wildcard}`",
        hint=f"give {wanted.words}; several are given one by one",
    )
