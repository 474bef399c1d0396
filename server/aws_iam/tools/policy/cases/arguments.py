"""The arguments of `policy test`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from aws_iam.errors import InputError
from aws_iam.report.catalogue import case_formats
from aws_iam.tools.kit.synonyms import REPORT_FORMATS, TEXT
from aws_iam.tools.kit.tool import Json, Parameter


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseArguments:
    """Cases, the policies that they ask where they name none, and what is written."""

    cases: Annotated[
        Json,
        Parameter(
            "cases: list of name, request, expect (Allowed, Denied, …); or object with cases and document",
            brief="YAML or JSON: [{name, request, expect}]",
            document=True,
            policies=True,
            also=("tests", "test_cases", "case", "requests"),
            by_position=True,
        ),
    ] = None
    document: Annotated[
        Json,
        Parameter(
            "policy that is asked: JSON value or text; the ARN or name of an AWS managed policy",
            document=True,
            policies=True,
            also=("policy_document", "policy_json", "policy_text", "content"),
        ),
    ] = None
    policies: Annotated[
        Json,
        Parameter(
            "policy, list, or object by layer: identity, resource, scp, rcp, boundary, session, vpc_endpoint",
            document=True,
            also=("layers",),
        ),
    ] = None
    policy: Annotated[
        str | None, Parameter("of several policies in a file: logical id, address, name")
    ] = None
    format: Annotated[
        str | None,
        Parameter("report file", choices=case_formats, synonyms=REPORT_FORMATS, left_out=TEXT),
    ] = None
    init: Annotated[
        bool,
        Parameter(
            "write first cases of a policy: what it allows today, and near misses", cli_only=True
        ),
    ] = False
    out: Annotated[
        str | None,
        Parameter("write the file to PATH; several go into a folder PATH", cli_only=True),
    ] = None

    allow: Annotated[
        Json, Parameter("requests that must be allowed", document=True, unlisted=True)
    ] = None
    deny: Annotated[
        Json, Parameter("requests that must be denied", document=True, unlisted=True)
    ] = None

    @property
    def all_cases(self) -> object:
        """The cases, or what has their place: requests by what must become of them."""
        sides = {"allow": self.allow, "deny": self.deny}
        given = {name: value for name, value in sides.items() if value is not None}
        if given and self.cases is not None:
            raise InputError(
                f"`cases` and `{min(given)}` are both given",
                hint="put the requests under `allow` and `deny` of the object with `cases`",
            )
        # Imported here: listing the tools must not load it.
        from aws_iam.tools.policy.evaluate.requests import listed_requests

        example = '["s3:GetObject on ARN"]'
        listed = {
            name: listed_requests(name, value, example=example) for name, value in given.items()
        }
        return listed or self.cases

    @property
    def first_of(self) -> object:
        """What `init` writes first cases of: there are no cases yet, so what stands in their place is the policy."""
        if self.policies is not None or (self.cases is not None and self.document is not None):
            raise InputError(
                "`init` takes one document, and neither cases nor layers",
                hint="give the policy that the cases are to be about",
            )
        return self.cases if self.document is None else self.document
