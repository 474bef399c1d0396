"""The secret that a caller names, by name or ARN, and what generated files call it by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_iam import resources
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.aws_names import FORMS, checked
from aws_iam.errors import InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

ACCOUNT = "111122223333"
REGION = "eu-west-1"
_HOLE = re.compile(r"\{\{([A-Za-z]+)\}\}")
_SUFFIX = re.compile(r"-[A-Za-z0-9]{6}")
_SECRET, _PARAMETER = "secret:", "parameter/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A secret or a parameter, and where it is; `assumed` are the parts that nobody gave."""

    given: str
    name: str
    account: str = ACCOUNT
    region: str = REGION
    partition: str = "aws"
    by_arn: bool = False
    suffix: str = ""

    @property
    def assumed(self) -> tuple[str, ...]:
        """What stands in the files for what the caller did not say."""
        return () if self.by_arn else (ACCOUNT, REGION)

    @property
    def secret_pattern(self) -> str:
        """The secret in a policy: six characters that nobody knows beforehand end its ARN."""
        return f"{self._arn('secretsmanager')}:secret:{self.name}-??????"

    @property
    def secret_reference(self) -> str:
        """The secret's whole ARN, with a suffix to replace where only its name is known."""
        return f"{self._arn('secretsmanager')}:secret:{self.name}{self.suffix or '-AbCdEf'}"

    @property
    def parameter_arn(self) -> str:
        """The parameter's ARN, in which the leading slash of a path is written once."""
        return f"{self._arn('ssm')}:parameter/{self.name.removeprefix('/')}"

    def _arn(self, service: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}"


def secret_named(given: str) -> Named:
    """The secret of Secrets Manager that the caller names."""
    found = _of_arn(given, "secretsmanager", _SECRET)
    if found is None:
        return Named(given=given, name=checked("secret", given, "secret"))
    arn, name = found
    suffix = name[-7:] if _SUFFIX.fullmatch(name[-7:]) else ""
    checked("secret", name, "secret")
    return Named(
        given=given,
        name=name.removesuffix(suffix),
        account=arn.account,
        region=arn.region,
        partition=arn.partition,
        by_arn=True,
        suffix=suffix,
    )


def parameter_named(given: str) -> Named:
    """The parameter of Parameter Store that the caller names."""
    found = _of_arn(given, "ssm", _PARAMETER)
    if found is None:
        return Named(given=given, name=checked("secret", given, "secret"))
    arn, name = found
    checked("secret", name, "secret")
    return Named(
        given=given,
        # A name with a path begins with a slash, which its ARN does not show twice.
        name=f"/{name}" if "/" in name else name,
        account=arn.account,
        region=arn.region,
        partition=arn.partition,
        by_arn=True,
    )


def _of_arn(given: str, service: str, prefix: str) -> tuple[Arn, str] | None:
    if not given.startswith("arn:"):
        return None
    arn = Arn.of(given)
    fits = (
        arn is not None
        and arn.service == service
        and arn.resource.startswith(prefix)
        and FORMS["region"].pattern.fullmatch(arn.region)
        and FORMS["account"].pattern.fullmatch(arn.account)
        and FORMS["partition"].pattern.fullmatch(arn.partition)
    )
    if arn is None or not fits:
        wanted = f"arn:aws:{service}:{REGION}:{ACCOUNT}:{prefix}NAME"
        raise InputError(
            f"`secret` {quoted(given)} is no ARN of this store", hint=f"such as `{wanted}`"
        )
    return arn, arn.resource.removeprefix(prefix)


def filled(name: str, values: Mapping[str, str]) -> str:
    """A file of `assets/secrets` with every hole filled."""
    text = resources.text(f"assets/secrets/{name}")
    return _HOLE.sub(lambda hole: values[hole[1]], text)
