"""SAML and OpenID Connect providers, and the settings of the latter."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - the codec reads the hints
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector
from aws_iam.account.collect.fact import Miss, many
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class Provider:
    """An identity provider; for OpenID Connect `name` is the issuer without `https://`."""

    arn: str
    name: str


@slotted
class ProviderSettings:
    """`GetOpenIDConnectProvider`: the client ids whose tokens it accepts, and its thumbprints."""

    client_ids: tuple[str, ...] = ()
    thumbprints: tuple[str, ...] = ()
    created: datetime | None = None


@slotted
class OidcProvider:
    """An OpenID Connect provider; `host` is the issuer without `https://`."""

    arn: str
    host: str
    settings: ProviderSettings | Miss


SAML_PROVIDERS = many("iam.saml_providers", Provider)
OIDC_PROVIDERS = many("iam.oidc_providers", Provider)
OIDC_SETTINGS = many("iam.oidc_settings", OidcProvider)
_GET_OPEN_ID_CONNECT_PROVIDER = "iam:GetOpenIDConnectProvider"


@collector(SAML_PROVIDERS, "iam:ListSAMLProviders")
def saml_providers(aws: Aws) -> tuple[Provider, ...]:
    """The SAML providers."""
    return _providers(aws.need("iam:ListSAMLProviders").get("SAMLProviderList", ()))


@collector(OIDC_PROVIDERS, "iam:ListOpenIDConnectProviders")
def oidc_providers(aws: Aws) -> tuple[Provider, ...]:
    """The OpenID Connect providers."""
    answer = aws.need("iam:ListOpenIDConnectProviders")
    return _providers(answer.get("OpenIDConnectProviderList", ()))


@collector(OIDC_SETTINGS, _GET_OPEN_ID_CONNECT_PROVIDER, after=(OIDC_PROVIDERS,))
def oidc_settings(aws: Aws) -> tuple[OidcProvider, ...]:
    """Client ids and thumbprints of each provider."""

    def read(provider: Provider) -> OidcProvider:
        answer = aws.value_or_miss(
            lambda: _settings(
                aws.need(_GET_OPEN_ID_CONNECT_PROVIDER, OpenIDConnectProviderArn=provider.arn)
            )
        )
        return OidcProvider(arn=provider.arn, host=provider.name, settings=answer)

    listed = aws.fact(OIDC_PROVIDERS)
    providers = aws.read_each(read, listed, _GET_OPEN_ID_CONNECT_PROVIDER)
    return tuple(provider for provider in providers if isinstance(provider, OidcProvider))


def _settings(data: dict[str, Any]) -> ProviderSettings:
    return ProviderSettings(
        client_ids=tuple(sorted(data.get("ClientIDList", ()))),
        thumbprints=tuple(sorted(data.get("ThumbprintList", ()))),
        created=data.get("CreateDate"),
    )


def _providers(listed: Any) -> tuple[Provider, ...]:
    arns = sorted(provider["Arn"] for provider in listed)
    return tuple(Provider(arn=arn, name=arn.partition("/")[2]) for arn in arns)
