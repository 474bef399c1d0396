"""The claims of a web identity token, and the condition keys that AWS derives from them.

    claims_of({"iss": "https://…", "sub": "…", "aud": "…"})  →  Claims

Sources: IAM User Guide, reference_policies_iam-condition-keys (what is mapped; `azp` wins over `aud`) and
id_roles_providers_oidc (a token is accepted for five minutes after its `exp`).
"""

from __future__ import annotations

import json
import math
from dataclasses import field
from typing import TYPE_CHECKING, Any

from aws_iam.engine.reference.issuers import mapped_claims
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_CHARACTERS = 1_000_000
MOST_CLAIMS = 10_000
MOST_VALUES = 1_000
LONGEST_VALUE = 8_192
SKEW = 300
"""Seconds for which IAM accepts a token after it expired."""
_TEXTS = ("iss", "sub", "azp")
_TIMES = ("exp", "nbf", "iat")
# The last second of the year 9999.
_LAST = 253_402_300_799
_SCHEME = "https://"


@slotted
class Claims:
    """The claims of a token: texts by name, and times in seconds since 1970. Never shown as a whole."""

    values: Mapping[str, tuple[str, ...]] = field(repr=False)
    times: Mapping[str, float] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """The value of a claim; empty when the token lacks it."""
        return next(iter(self.values.get(name, ())), "")

    @property
    def host(self) -> str:
        """The issuer without https://, as in the ARN of a provider and in condition keys."""
        return self.text("iss").removeprefix(_SCHEME)

    @property
    def is_https(self) -> bool:
        """Whether the issuer is an https URL, as IAM requires."""
        return self.text("iss").startswith(_SCHEME)

    @property
    def audience(self) -> tuple[str, ...]:
        """What AWS compares with the client ids of the provider: `azp` if the token has it, else `aud`."""
        return self.values.get("azp") or self.values.get("aud", ())

    def keys(self, host: str) -> dict[str, tuple[str, ...]]:
        """The condition keys that AWS derives for this token under an issuer; it ignores every other claim."""
        mapped = mapped_claims(host)
        found = {name: self.values[name] for name in mapped if name in self.values}
        if self.audience and "aud" in mapped:
            found["aud"] = self.audience
        if "azp" in self.values and "oaud" in mapped and "aud" in self.values:
            found["oaud"] = self.values["aud"]
        return {f"{host}:{name}": value for name, value in sorted(found.items())}


def claims_of(given: object, name: str = "claims") -> Claims:
    """The claims in a JSON object or its text; InputError says what is wrong without repeating a value."""
    found = _object(given, name)
    if len(found) > MOST_CLAIMS:
        raise InputError(f"`{name}` has {len(found):,} claims", hint=f"at most {MOST_CLAIMS:,}")
    for claim in _TEXTS:
        if claim in found and not isinstance(found[claim], str):
            raise _wrong(name, claim, "text")
    if "aud" in found and not _is_audience(found["aud"]):
        raise _wrong(name, "aud", "text or a list of texts")
    times = {time: _time(name, time, found[time]) for time in _TIMES if time in found}
    values = {
        str(claim): texts
        for claim, value in found.items()
        if claim not in _TIMES and (texts := _values(name, str(claim), value))
    }
    return Claims(values=values, times=times)


def _object(given: object, name: str) -> dict[str, Any]:
    if isinstance(given, str):
        given = _parsed(given, name)
    if not isinstance(given, dict):
        raise InputError(f"`{name}` must be an object of claims and their values")
    return given


class _UnreadableError(ValueError):
    """JSON that Python reads and that a token must not contain."""


def _parsed(text: str, name: str) -> object:
    if len(text) > MOST_CHARACTERS:
        raise InputError(
            f"`{name}` has {len(text):,} characters", hint=f"at most {MOST_CHARACTERS:,}"
        )
    if name == "claims" and text.strip().count(".") and not text.lstrip().startswith(("{", "[")):
        raise InputError("`claims` is not a JSON object", hint="pass an encoded token as `token`")
    try:
        return json.loads(
            text, object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant
        )
    except RecursionError:
        raise InputError(f"`{name}` is nested too deeply") from None
    except json.JSONDecodeError as error:
        # The place only: the parser's message may quote the token.
        at = f"line {error.lineno}, column {error.colno}"
        raise InputError(f"`{name}` is not JSON at {at}") from None
    except _UnreadableError as error:
        raise InputError(f"`{name}` is not readable: {error}") from None
    except ValueError:
        raise InputError(f"`{name}` is not readable: it contains a huge number") from None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # PyJWT and json silently keep the last of several members with one name.
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _UnreadableError("a name occurs twice")
    return found


def _refuse_constant(_text: str) -> float:
    raise _UnreadableError("it contains NaN or Infinity")


def _is_audience(value: object) -> bool:
    listed = value if isinstance(value, list) else [value]
    return bool(listed) and all(isinstance(item, str) for item in listed)


def _time(name: str, claim: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong(name, claim, "a number of seconds since 1970")
    if not 0 <= value <= _LAST or not math.isfinite(value):
        raise _wrong(name, claim, "a time between the years 1970 and 9999")
    return float(value)


def _values(name: str, claim: str, value: object) -> tuple[str, ...]:
    """The value as texts; empty for nested values and null, which do not become condition keys."""
    listed = value if isinstance(value, list) else [value]
    if len(listed) > MOST_VALUES:
        raise _wrong(name, claim, f"at most {MOST_VALUES:,} values")
    if not all(isinstance(item, (str, int, float)) for item in listed):
        return ()
    texts = tuple(map(_text, listed))
    if any(len(text) > LONGEST_VALUE for text in texts):
        raise _wrong(name, claim, f"at most {LONGEST_VALUE:,} characters")
    return texts


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _wrong(name: str, claim: str, wanted: str) -> InputError:
    return InputError(f"claim {quoted(claim)} of `{name}` must be {wanted}")
