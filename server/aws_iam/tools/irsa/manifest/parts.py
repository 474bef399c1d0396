"""What a manifest is made of: the request that it answers, its files, and what they run, pinned."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.answer import Artifact
from aws_iam.tools.irsa.providers.asset_files import filled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.engine.tokens.role_trust import PodCaller, TokenCaller
    from aws_iam.tools.irsa.providers.names import Names

# Where nobody says which Region is meant: one of the partition's, to be replaced.
_SAMPLE_REGIONS = {
    "aws": "eu-west-1",
    "aws-cn": "cn-north-1",
    "aws-us-gov": "us-gov-west-1",
    "aws-eusc": "eusc-de-east-1",
}
_LANGUAGES = {"tf": "hcl", "sh": "bash", "ini": "ini"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """For whom the files are: the role, the names, and what the names come to: a token's caller or pods."""

    role: str
    names: Names
    region: str | None = None
    caller: TokenCaller | None = None
    pods: PodCaller | None = None

    @property
    def partition(self) -> str:
        """The role's partition."""
        return self.role.split(":")[1]

    @property
    def written_region(self) -> str:
        """The Region that the files name: the known one, else a sample to replace."""
        return self.region or _SAMPLE_REGIONS.get(self.partition, "REGION")

    @property
    def audience(self) -> str:
        """The audience that the role's trust tests."""
        return self.caller.audience if self.caller else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A generated file, and where it belongs."""

    artifact: Artifact
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The files of one provider, the names in them to replace, and what to know of them."""

    files: tuple[File, ...]
    source: str
    placeholders: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def file(
    asset: str,
    name: str,
    checked_by: str,
    *,
    place: str,
    values: Mapping[str, str | None],
    blocks: Mapping[str, str | None] | None = None,
) -> File:
    """The asset filled."""
    ending = asset.rpartition(".")[2]
    artifact = Artifact(
        name=name,
        language=_LANGUAGES.get(ending, "yaml"),
        content=filled(f"manifest/{asset}", values, blocks),
        checked_by=checked_by,
    )
    return File(artifact=artifact, place=place)


def pinned_action(name: str) -> str:
    """The action at its commit, with the version for the reader."""
    pin = _pins()["actions"][name]
    return f"{name}@{pin['sha']} # {pin['version']}"


def versioned_image(name: str) -> str:
    """The image at its version."""
    return f"{name}:{_pins()['images'][name]['version']}"


def pinned_image(name: str) -> str:
    """The image at its version and digest."""
    return f"{versioned_image(name)}@{_pins()['images'][name]['digest']}"


def pins_as_of() -> str:
    """The date of the pins."""
    return str(_pins()["as_of"])


@cache
def _pins() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(resources.text("assets/data/ci-pins.json"))
    return data
