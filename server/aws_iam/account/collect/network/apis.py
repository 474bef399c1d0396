"""API Gateway: REST APIs, HTTP APIs and their stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_iam.account.calls.aws import Aws


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiStage:
    """A stage of an API and where its access logs go; None: nowhere."""

    name: str
    destination: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """An API of API Gateway: `REST` with its endpoint types, `HTTP` or `WEBSOCKET`."""

    id: str
    name: str
    protocol: str
    endpoints: tuple[str, ...] = ()
    stages: tuple[ApiStage, ...] | Miss = ()

    @property
    def is_public(self) -> bool:
        """Whether it can be reached from outside of VPCs."""
        return "PRIVATE" not in self.endpoints


REST_APIS = many_in("apigateway.apis", Api)
HTTP_APIS = many_in("apigatewayv2.apis", Api)
REST_STAGES = "apigateway:GetStages"
HTTP_STAGES = "apigatewayv2:GetStages"


@collector_in(REST_APIS, "apigateway:GetRestApis", REST_STAGES)
def rest_apis(aws: Aws, region: str) -> tuple[Api, ...]:
    """The REST APIs."""

    def stages(api: dict[str, Any]) -> tuple[ApiStage, ...]:
        answer = aws.need(REST_STAGES, region=region, restApiId=api["id"])
        return _stages(
            (each["stageName"], each.get("accessLogSettings", {}).get("destinationArn"))
            for each in answer.get("item", ())
        )

    listed = aws.pages("apigateway:GetRestApis", "items", region=region)
    listed.sort(key=lambda api: str(api["id"]))
    return tuple(
        Api(
            id=api["id"],
            name=api.get("name", ""),
            protocol="REST",
            endpoints=tuple(api.get("endpointConfiguration", {}).get("types", ())),
            stages=found,
        )
        for api, found in zip(listed, aws.each(stages, listed, REST_STAGES), strict=True)
    )


@collector_in(HTTP_APIS, "apigatewayv2:GetApis", HTTP_STAGES)
def http_apis(aws: Aws, region: str) -> tuple[Api, ...]:
    """The HTTP and WebSocket APIs; the stages of the latter have no part in any control."""

    def stages(api: dict[str, Any]) -> tuple[ApiStage, ...]:
        listed = aws.pages(HTTP_STAGES, "Items", region=region, ApiId=api["ApiId"])
        return _stages(
            (each["StageName"], each.get("AccessLogSettings", {}).get("DestinationArn"))
            for each in listed
        )

    listed = aws.pages("apigatewayv2:GetApis", "Items", region=region)
    listed.sort(key=lambda api: str(api["ApiId"]))
    asked = [api for api in listed if api.get("ProtocolType") == "HTTP"]
    read: dict[str, tuple[ApiStage, ...] | Miss] = {
        api["ApiId"]: found
        for api, found in zip(asked, aws.each(stages, asked, HTTP_STAGES), strict=True)
    }
    return tuple(
        Api(
            id=api["ApiId"],
            name=api.get("Name", ""),
            protocol=api.get("ProtocolType", ""),
            stages=read.get(api["ApiId"], ()),
        )
        for api in listed
    )


def _stages(named: Iterable[tuple[str, str | None]]) -> tuple[ApiStage, ...]:
    found = (ApiStage(name=name, destination=where or None) for name, where in named)
    return tuple(sorted(found, key=lambda stage: stage.name))
