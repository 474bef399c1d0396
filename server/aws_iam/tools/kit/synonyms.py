"""Words that people use for the choices of arguments that several actions share; those of one action stand beside it."""

from __future__ import annotations

# Actions that one tool alone has under their name; `policy` also has `denied`, which irsa has too.
TOOL_OF_ACTION = {
    **dict.fromkeys(("lookup", "validate", "evaluate", "compare", "review", "test"), "policy"),
    **dict.fromkeys(("explain", "denied", "repair", "generate", "shrink", "template"), "policy"),
    **dict.fromkeys(("snippet", "rotation"), "secrets"),
    **dict.fromkeys(("key_policy", "lockout", "envelope"), "kms"),
    **dict.fromkeys(("trust_policy", "manifest"), "irsa"),
    **dict.fromkeys(("run", "report", "control", "checklist", "cloudtrail"), "audit"),
    **dict.fromkeys(("access_analyzer", "principals", "access", "rightsize"), "audit"),
}
LANGUAGES = {
    "py": "python",
    "python3": "python",
    "boto3": "python",
    "ts": "typescript",
    "javascript": "typescript",
    "js": "typescript",
    "node": "typescript",
    "nodejs": "typescript",
    "golang": "go",
    "kotlin": "java",
    "csharp": "dotnet",
    "c#": "dotnet",
    ".net": "dotnet",
    "net": "dotnet",
}
FORMATS = {
    "tf": "terraform",
    "hcl": "terraform",
    "opentofu": "terraform",
    "cfn": "cloudformation",
    "cf": "cloudformation",
    "yaml": "cloudformation",
    "bash": "cli",
    "shell": "cli",
    "sh": "cli",
    "awscli": "cli",
}
"""How resources are created."""
REPORT_FORMATS = {"md": "markdown"}
"""Of report files."""
TEXT = "text"
"""What an answer is without a report file."""
