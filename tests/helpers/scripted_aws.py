"""A guarded boto3 session that answers from a table, in process, and remembers what was asked.

An answer is checked against AWS's own model of the operation, so that no test rests on a field that AWS does not send.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.exceptions import ParamValidationError
from botocore.validate import validate_parameters

from aws_iam.account.calls.aws import Aws
from aws_iam.account.calls.clients import Clients
from aws_iam.account.collect.catalogue import COLLECTORS
from aws_iam.account.guard.allowlist import ALLOWED, guard
from aws_iam.account.session.api_models import trimmed_loader

if TYPE_CHECKING:
    from collections.abc import Mapping

ACCOUNT = "111122223333"
CALLER = f"arn:aws:iam::{ACCOUNT}:user/auditor"

Answer = Any
"""A response, a `Refusal`, an exception of the SDK, or a function of (parameters, Region) that gives one."""


@dataclass(frozen=True)
class Refusal:
    """An error answer."""

    code: str = "AccessDenied"
    message: str = "no"
    status: int = 403


@dataclass
class Script:
    """The table, and the calls that were made: (operation, Region, parameters)."""

    answers: Mapping[str, Answer]
    calls: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    @property
    def operations(self) -> list[str]:
        return [operation for operation, _, _ in self.calls]

    def session(self) -> boto3.Session:
        core = botocore.session.Session()
        core.register_component("data_loader", trimmed_loader(ALLOWED))
        core.set_credentials("AKIATEST", "test")
        guard(core)
        core.register("before-parameter-build", self._remember)
        core.register("before-call", self._answer)
        core.register("before-send", _nothing_leaves)
        return boto3.Session(botocore_session=core, region_name="us-east-1")

    def aws(self, *regions: str) -> Aws:
        return Aws(
            Clients(self.session()),
            account=ACCOUNT,
            partition="aws",
            home="us-east-1",
            regions=regions or ("us-east-1",),
            collectors=COLLECTORS,
            progress=lambda *_: None,
            sleep=lambda _: None,
        )

    def _remember(self, params: dict[str, Any], model: Any, context: Any, **_: Any) -> None:
        operation = f"{model.service_model.service_name}:{model.name}"
        context["asked"] = dict(params)
        self.calls.append((operation, context["client_region"], dict(params)))

    def _answer(self, model: Any, context: Any, **_: Any) -> tuple[Any, dict[str, Any]]:
        operation = f"{model.service_model.service_name}:{model.name}"
        answer = self.answers.get(operation, {})
        if callable(answer):
            answer = answer(context["asked"], context["client_region"])
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Refusal):
            return _response(
                answer.status, {"Error": {"Code": answer.code, "Message": answer.message}}
            )
        _demand_fit(operation, answer, model)
        return _response(200, deepcopy(answer))


def _demand_fit(operation: str, answer: Any, model: Any) -> None:
    try:
        validate_parameters(answer, model.output_shape)
    except ParamValidationError as misfit:
        # As an exception of the SDK it would pass for a failure of AWS.
        raise AssertionError(f"{operation} never answers so: {misfit}") from misfit


def _response(status: int, parsed: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    return SimpleNamespace(status_code=status), {
        "ResponseMetadata": {"HTTPStatusCode": status},
        **parsed,
    }


def _nothing_leaves(request: Any, **_: Any) -> None:
    raise AssertionError(f"{request.url} would have been sent")


def opening(*regions: str) -> dict[str, Answer]:
    """The answers that open an account with these Regions enabled."""
    return {
        "sts:GetCallerIdentity": {"Account": ACCOUNT, "Arn": CALLER, "UserId": "AIDA"},
        "ec2:DescribeRegions": {"Regions": [{"RegionName": region} for region in regions]},
        "iam:ListAccountAliases": {"AccountAliases": ["acme"]},
    }
