"""The proposals as files: the policies of a principal after the change as one document, and the changes in a tool's language."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aws_iam.answer import Artifact
from aws_iam.tools.audit.rightsize.combined_policy import one_document
from aws_iam.tools.audit.rightsize.proof import proved_words

if TYPE_CHECKING:
    from aws_iam.tools.audit.rightsize.judged_principals import JudgedPrincipal
    from aws_iam.tools.audit.rightsize.recorded_use import Window


def proposal_name(principal: JudgedPrincipal) -> str:
    """The name of a principal's file, which holds its own."""
    return f"{principal.kind}-{principal.identity.name}.json"


def proposal(principal: JudgedPrincipal, window: Window) -> Artifact:
    """What the principal's policies allow together after the change."""
    content = json.dumps(one_document(principal.documents), indent=2, ensure_ascii=False)
    return Artifact(
        name=proposal_name(principal),
        language="json",
        content=f"{content}\n",
        checked_by=f"policy compare: {proved_words(window)}",
    )
