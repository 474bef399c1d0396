"""Words that people use for the kinds of policies."""

from __future__ import annotations

# Whose inline policies they are says how long all of them may be together.
INLINE_LIMITS = {
    "inline": "inline",
    "inline policy": "inline",
    **{
        words.format(holder): holder
        for holder in ("role", "user", "group")
        for words in ("{} inline policy", "inline {} policy", "{} inline", "inline policy of a {}")
    },
}
KINDS = {
    **dict.fromkeys(INLINE_LIMITS, "identity"),
    "identity policy": "identity",
    "managed": "identity",
    "managed policy": "identity",
    "permission policy": "identity",
    "permission set": "identity",
    "permission set policy": "identity",
    "resource policy": "resource",
    "bucket policy": "resource",
    "key policy": "resource",
    "queue policy": "resource",
    "trust policy": "trust",
    "assume role policy": "trust",
    "service control policy": "scp",
    "resource control policy": "rcp",
    "permissions boundary": "boundary",
    "permission boundary": "boundary",
    "session policy": "session",
    "endpoint policy": "resource",
    "vpc endpoint policy": "resource",
    "identity based": "identity",
    "iam": "identity",
    "resource based": "resource",
    "s3 bucket policy": "resource",
    "kms key policy": "resource",
    "role trust policy": "trust",
}
