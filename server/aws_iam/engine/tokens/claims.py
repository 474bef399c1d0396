"""The claims of a web identity token as values, and the condition keys that AWS makes of them.

    claims_of({"iss": "https://…", "sub": "…", "aud": "…"})  →  Claims

Sources: IAM User Guide, reference_policies_iam-condition-keys (what is mapped; `azp` wins over `aud`) and
id_roles_providers_oidc (a token counts for five minutes beyond its `exp`).
"""

from __future__ import annotations

import json
import math
from dataclasses import field
from typing import TYPE_CHECKING, Any

from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.reference.issuers import mapped_claims
from aws_iam.errors import InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_CHARACTERS = 1_000_000
MOST_CLAIMS = 10_000
MOST_VALUES = 1_000
LONGEST = 8_192
SKEW = 300
"""Seconds for which IAM takes a token beyond its end."""
_TEXTS = ("iss", "sub", "azp")
_TIMES = ("exp", "nbf", "iat")
# The last second of the year 9999.
_LAST = 253_402_300_799
_SCHEME = "https://"


@slotted
class Claims:
    """What a token says: texts by claim, and its times in seconds since 1970. Never shown as a whole."""

    values: Mapping[str, tuple[str, ...]] = field(repr=False)
    times: Mapping[str, float] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """A claim of one value; empty when the token lacks it."""
        return next(iter(self.values.get(name, ())), "")

    @property
    def host(self) -> str:
        """The issuer without https://, as a provider's ARN and condition keys write it."""
        return self.text("iss").removeprefix(_SCHEME)

    @property
    def is_https(self) -> bool:
        """Whether the issuer is an https URL, as IAM demands."""
        return self.text("iss").startswith(_SCHEME)

    @property
    def audience(self) -> tuple[str, ...]:
        """What AWS compares with the provider's client ids: `azp` where the token has it, else `aud`."""
        return self.values.get("azp") or self.values.get("aud", ())

    def keys(self, host: str) -> dict[str, tuple[str, ...]]:
        """The condition keys that AWS makes of this token under an issuer; every other claim is lost."""
        mapped = mapped_claims(host)
        found = {name: self.values[name] for name in mapped if name in self.values}
        if self.audience and "aud" in mapped:
            found["aud"] = self.audience
        if "azp" in self.values and "oaud" in mapped and "aud" in self.values:
            found["oaud"] = self.values["aud"]
        return {f"{host}:{name}": value for name, value in sorted(found.items())}


def claims_of(given: object, name: str = "claims") -> Claims:
    """The claims in JSON (value or text); InputError names what is wrong and repeats no value."""
    found = _object(given, name)
    if len(found) > MOST_CLAIMS:
        raise InputError(f"`{name}` has {len(found):,} claims", hint=f"at most {MOST_CLAIMS:,}")
    for each in _TEXTS:
        if each in found and not isinstance(found[each], str):
            raise _wrong(name, each, "text")
    if "aud" in found and not _is_audience(found["aud"]):
        raise _wrong(name, "aud", "text or a list of texts")
    times = {time: _time(name, time, found[time]) for time in _TIMES if time in found}
    values = {
        str(each): texts
        for each, value in found.items()
        if each not in _TIMES and (texts := _values(name, str(each), value))
    }
    return Claims(values=values, times=times)


def _object(given: object, name: str) -> dict[str, Any]:
    if isinstance(given, str):
        given = _read(given, name)
    if not isinstance(given, dict):
        raise InputError(f"`{name}` must be an object: claim to value")
    return given


def _read(text: str, name: str) -> object:
    if len(text) > MOST_CHARACTERS:
        raise InputError(
            f"`{name}` has {len(text):,} characters", hint=f"at most {MOST_CHARACTERS:,}"
        )
    if name == "claims" and text.strip().count(".") and not text.lstrip().startswith(("{", "[")):
        raise InputError(
            "`claims` is no JSON object", hint="a token as it is goes into the argument `token`"
        )
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except RecursionError:
        raise InputError(f"`{name}` is nested too deeply") from None
    except json.JSONDecodeError as error:
        # The parser's own words, never a part of the text.
        at = f"line {error.lineno}, column {error.colno}"
        raise InputError(f"`{name}` is no JSON from {at} on") from None
    except ValueError as error:
        raise InputError(f"`{name}` is not readable: {_known(error)}") from None


class _TwiceError(ValueError):
    pass


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _TwiceError
    return found


def _no_number(_text: str) -> float:
    raise ValueError


def _known(error: ValueError) -> str:
    return "a name stands twice" if isinstance(error, _TwiceError) else "a number is none"


def _is_audience(value: object) -> bool:
    listed = value if isinstance(value, list) else [value]
    return bool(listed) and all(isinstance(each, str) for each in listed)


def _time(name: str, claim: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong(name, claim, "a number of seconds since 1970")
    if not 0 <= value <= _LAST or not math.isfinite(value):
        raise _wrong(name, claim, "a time between the years 1970 and 9999")
    return float(value)


def _values(name: str, claim: str, value: object) -> tuple[str, ...]:
    """The value as texts; none of what is nested or null, which AWS makes no condition key of."""
    listed = value if isinstance(value, list) else [value]
    if len(listed) > MOST_VALUES:
        raise _wrong(name, claim, f"at most {MOST_VALUES:,} values")
    if not all(isinstance(each, (str, int, float)) for each in listed):
        return ()
    texts = tuple(_text(each) for each in listed)
    if any(len(each) > LONGEST for each in texts):
        raise _wrong(name, claim, f"at most {LONGEST:,} characters")
    return texts


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _wrong(name: str, claim: str, wanted: str) -> InputError:
    return InputError(f"claim {quoted(claim)} of `{name}` must be {wanted}")
