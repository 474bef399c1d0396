"""Words that people use for the kinds of policies."""

from __future__ import annotations

KINDS = {
    "identity policy": "identity",
    "managed": "identity",
    "managed policy": "identity",
    "inline policy": "identity",
    "permission policy": "identity",
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
