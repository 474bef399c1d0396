"""aws-iam: checked answers about AWS IAM, as a library, a command and an MCP server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.version import __version__

if TYPE_CHECKING:
    from aws_iam.engine.comparison.compare import compare
    from aws_iam.engine.evaluation.evaluate import evaluate
    from aws_iam.rules.policy.run import validate

__all__ = ["__version__", "compare", "evaluate", "validate"]


def __getattr__(name: str) -> object:
    # On first use: importing the package for its version must not load the policy engine.
    if name == "validate":
        from aws_iam.rules.policy.run import validate

        return validate
    if name == "compare":
        from aws_iam.engine.comparison.compare import compare

        return compare
    if name == "evaluate":
        from aws_iam.engine.evaluation.evaluate import evaluate

        return evaluate
    message = f"module `aws_iam` has no attribute `{name}`"
    raise AttributeError(message)
