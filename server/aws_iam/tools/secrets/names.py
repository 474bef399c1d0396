"""A secret or parameter that the caller names by name or ARN, and its spellings in generated files."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aws_iam import resources
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.aws_names import FORMS, checked_name
from aws_iam.errors import InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

ACCOUNT = "111122223333"
REGION = "eu-west-1"
_PLACEHOLDER = re.compile(r"\{\{([A-Za-z]+)\}\}")
_SUFFIX = re.compile(r"-[A-Za-z0-9]{6}")
_SECRET, _PARAMETER = "secret:", "parameter/"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretName:
    """A secret or a parameter, and where it is."""

    as_written: str
    name: str
    account: str = ACCOUNT
    region: str = REGION
    partition: str = "aws"
    is_placed: bool = False
    """Whether account and Region are the caller's, from an ARN."""
    suffix: str = ""

    @property
    def assumed(self) -> tuple[str, ...]:
        """The sample account and Region that the files contain when the caller gave only a name."""
        return () if self.is_placed else (ACCOUNT, REGION)

    @property
    def secret_pattern(self) -> str:
        """The secret in a policy: its ARN ends with six random characters."""
        return f"{self._arn('secretsmanager')}:secret:{self.name}-??????"

    @property
    def secret_reference(self) -> str:
        """The secret's full ARN, with a sample suffix to replace if only its name is known."""
        return f"{self._arn('secretsmanager')}:secret:{self.name}{self.suffix or '-AbCdEf'}"

    @property
    def parameter_arn(self) -> str:
        """The parameter's ARN; the leading slash of a path is written once in it."""
        return f"{self._arn('ssm')}:parameter/{self.name.removeprefix('/')}"

    def _arn(self, service: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}"


def secret_named(text: str, beside: str = "") -> SecretName:
    """The secret of Secrets Manager that the caller names; `beside` is the ARN of a secret of the same account and Region."""
    found = _arn_and_name(text, "secretsmanager", _SECRET)
    if found is None:
        secret = SecretName(as_written=text, name=checked_name("secret", text, "secret"))
        other = Arn.of(beside)
        if other is None:
            return secret
        return replace(
            secret,
            account=other.account,
            region=other.region,
            partition=other.partition,
            is_placed=True,
        )
    arn, name = found
    suffix = name[-7:] if _SUFFIX.fullmatch(name[-7:]) else ""
    checked_name("secret", name, "secret")
    return SecretName(
        as_written=text,
        name=name.removesuffix(suffix),
        account=arn.account,
        region=arn.region,
        partition=arn.partition,
        is_placed=True,
        suffix=suffix,
    )


def parameter_named(text: str) -> SecretName:
    """The parameter of Parameter Store that the caller names."""
    found = _arn_and_name(text, "ssm", _PARAMETER)
    if found is None:
        name = checked_name("secret", text, "secret")
        # https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
        if "/" in name and not name.startswith("/"):
            raise InputError(
                f"`secret` {quoted(name)} is no name of a parameter: one with a path begins with a slash",
                hint=f"write `/{name}`",
            )
        return SecretName(as_written=text, name=name)
    arn, name = found
    checked_name("secret", name, "secret")
    return SecretName(
        as_written=text,
        # The name of a path begins with a slash that the ARN leaves out.
        name=f"/{name}" if "/" in name else name,
        account=arn.account,
        region=arn.region,
        partition=arn.partition,
        is_placed=True,
    )


def _arn_and_name(text: str, service: str, prefix: str) -> tuple[Arn, str] | None:
    if not text.startswith("arn:"):
        return None
    arn = Arn.of(text)
    fits = (
        arn is not None
        and arn.service == service
        and arn.resource.startswith(prefix)
        and FORMS["region"].pattern.fullmatch(arn.region)
        and FORMS["account"].pattern.fullmatch(arn.account)
        and FORMS["partition"].pattern.fullmatch(arn.partition)
    )
    if arn is None or not fits:
        example = f"arn:aws:{service}:{REGION}:{ACCOUNT}:{prefix}NAME"
        raise InputError(
            f"`secret` {quoted(text)} is not an ARN of this store", hint=f"such as `{example}`"
        )
    return arn, arn.resource.removeprefix(prefix)


def filled_asset(name: str, values: Mapping[str, str]) -> str:
    """A file of `assets/secrets` with its `{{Name}}` placeholders filled."""
    text = resources.text(f"assets/secrets/{name}")
    return _PLACEHOLDER.sub(lambda placeholder: values[placeholder[1]], text)
