"""Starts the MCP server of a bundle.

Hosts hand on a field that the user left empty as an empty variable, or as its placeholder. The AWS SDK takes either for
the name of a profile and finds none.
"""

import os
import sys

for name in ("AWS_PROFILE", "AWS_REGION"):
    value = os.environ.get(name, "").strip()
    if not value or value.startswith("${"):
        os.environ.pop(name, None)

from aws_iam.__main__ import serve  # noqa: E402 - after the environment is clean

sys.exit(serve())
