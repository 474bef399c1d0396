"""A statement that is going to be: its actions, its resources, its conditions."""

from __future__ import annotations

from aws_iam.engine.language.frozen import slotted


@slotted
class Allowed:
    """One statement: every action works on every one of the resources."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    limits: tuple[int, ...] = ()
    sid: str = ""
