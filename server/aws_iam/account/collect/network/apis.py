"""API Gateway: REST APIs, HTTP APIs and their stages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_iam.account.calls.aws import Aws


@slotted
class ApiStage:
    """A stage of an API and where its access logs go; None: nowhere."""

    name: str
    destination: str | None = None


@slotted
class Api:
    """An API of API Gateway: `REST` with its endpoint types, `HTTP` or `WEBSOCKET`."""

    id: str
    name: str
    protocol: str
    endpoints: tuple[str, ...] = ()
    stages: tuple[ApiStage, ...] | Miss = ()

    @property
    def is_public(self) -> bool:
        """Whether it can be reached from outside a VPC."""
        return "PRIVATE" not in self.endpoints


REST_APIS = many_in("apigateway.apis", Api)
HTTP_APIS = many_in("apigatewayv2.apis", Api)
_GET_REST_STAGES = "apigateway:GetStages"
_GET_HTTP_STAGES = "apigatewayv2:GetStages"


@collector_in(REST_APIS, "apigateway:GetRestApis", _GET_REST_STAGES)
def rest_apis(aws: Aws, region: str) -> tuple[Api, ...]:
    """The REST APIs."""

    def stages(api: dict[str, Any]) -> tuple[ApiStage, ...]:
        answer = aws.need(_GET_REST_STAGES, region=region, restApiId=api["id"])
        return _stages(
            (stage["stageName"], stage.get("accessLogSettings", {}).get("destinationArn"))
            for stage in answer.get("item", ())
        )

    listed = aws.items("apigateway:GetRestApis", "items", region=region)
    listed.sort(key=lambda api: str(api["id"]))
    return tuple(
        Api(
            id=api["id"],
            name=api.get("name", ""),
            protocol="REST",
            endpoints=tuple(api.get("endpointConfiguration", {}).get("types", ())),
            stages=read_stages,
        )
        for api, read_stages in zip(
            listed, aws.read_each(stages, listed, _GET_REST_STAGES), strict=True
        )
    )


@collector_in(HTTP_APIS, "apigatewayv2:GetApis", _GET_HTTP_STAGES)
def http_apis(aws: Aws, region: str) -> tuple[Api, ...]:
    """The HTTP and WebSocket APIs; no control judges the stages of the latter."""

    def stages(api: dict[str, Any]) -> tuple[ApiStage, ...]:
        listed = aws.items(_GET_HTTP_STAGES, "Items", region=region, ApiId=api["ApiId"])
        return _stages(
            (stage["StageName"], stage.get("AccessLogSettings", {}).get("DestinationArn"))
            for stage in listed
        )

    listed = aws.items("apigatewayv2:GetApis", "Items", region=region)
    listed.sort(key=lambda api: str(api["ApiId"]))
    http = [api for api in listed if api.get("ProtocolType") == "HTTP"]
    stages_of: dict[str, tuple[ApiStage, ...] | Miss] = {
        api["ApiId"]: read_stages
        for api, read_stages in zip(
            http, aws.read_each(stages, http, _GET_HTTP_STAGES), strict=True
        )
    }
    return tuple(
        Api(
            id=api["ApiId"],
            name=api.get("Name", ""),
            protocol=api.get("ProtocolType", ""),
            stages=stages_of.get(api["ApiId"], ()),
        )
        for api in listed
    )


def _stages(destinations: Iterable[tuple[str, str | None]]) -> tuple[ApiStage, ...]:
    api_stages = (
        ApiStage(name=name, destination=destination or None) for name, destination in destinations
    )
    return tuple(sorted(api_stages, key=lambda stage: stage.name))
