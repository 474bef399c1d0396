"""`python -m aws_iam` is the command `aws-iam`."""

from __future__ import annotations

import sys

from aws_iam.cli import main

if __name__ == "__main__":
    sys.exit(main())
