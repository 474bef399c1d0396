"""Whether a captured policy may leave out statements about an action.

"For some AWS services and policy types, this document includes all actions relevant to the service that processed the denied
request, but might omit actions for other services": IAM Toolbox API Reference, API_GetRequestAuthorizationPolicy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.escape import quoted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from aws_iam.engine.denied.authorization.record import AuthorizationRecord


def processing_services(record: AuthorizationRecord, operation_service: str) -> frozenset[str]:
    """The services that may have processed the request: that of the operation, else those of the evaluations."""
    actions = {evaluation.action.lower() for evaluation in record.evaluations}
    # A role is passed with a call to another service; IAM itself does not process it.
    beside = actions - {"iam:passrole"} or actions
    services = frozenset(action.partition(":")[0] for action in beside)
    # Several services have operations of the same name, so one that evaluates nothing was guessed wrong.
    return frozenset({operation_service}) if operation_service in services else services


def may_leave_out(action: str, processing: frozenset[str]) -> str:
    """Why captured policies may leave out statements about the action; empty where they do not."""
    if processing == {action.partition(":")[0].lower()}:
        return ""
    services = joined([quoted(service) for service in sorted(processing)], last="or")
    return f"{services} processed the request, and a captured policy may leave out the actions of other services"
