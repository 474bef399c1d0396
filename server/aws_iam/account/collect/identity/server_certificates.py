"""TLS certificates stored in IAM."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - the codec reads the hints
from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector
from aws_iam.account.collect.fact import many
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class ServerCertificate:
    """A TLS certificate stored in IAM (not in ACM)."""

    name: str
    arn: str
    expiration: datetime | None = None


SERVER_CERTIFICATES = many("iam.server_certificates", ServerCertificate)


@collector(SERVER_CERTIFICATES, "iam:ListServerCertificates")
def server_certificates(aws: Aws) -> tuple[ServerCertificate, ...]:
    """The certificates stored in IAM."""
    listed = aws.items("iam:ListServerCertificates", "ServerCertificateMetadataList")
    certificates = (
        ServerCertificate(
            name=data["ServerCertificateName"], arn=data["Arn"], expiration=data.get("Expiration")
        )
        for data in listed
    )
    return tuple(sorted(certificates, key=lambda certificate: certificate.arn))
