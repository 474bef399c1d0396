"""A fix in words and commands."""

from __future__ import annotations

import pytest

from aws_iam.report.fix_steps import fix_steps
from aws_iam.tools.audit.controls.benchmark import Control, controls
from helpers.tables.each import for_each

CASES = [
    ("aws iam get-user", ["$aws iam get-user"]),
    ("List the actions.", ["List the actions."]),
    ("Do A first; then: aws ec2 do-it --id x", ["Do A first; then:", "$aws ec2 do-it --id x"]),
    ("aws a b-c; aws d e-f && aws g h-i", ["$aws a b-c", "$aws d e-f && aws g h-i"]),
    ("aws a b-c --x 'p; (q)' (only once)", ["$aws a b-c --x 'p; (q)'", "only once"]),
    ("aws a b-c (one (two) three)", ["$aws a b-c", "(one (two) three)"]),
    ("Delete it: aws a b-c, then move on", ["Delete it:", "$aws a b-c", "then move on"]),
    ("aws a b-c --d x, or make it usable again.", ["$aws a b-c --d x", "or make it usable again."]),
    ("Confirm it, or aws a b-c --x y.", ["Confirm it, or", "$aws a b-c --x y"]),
    ("aws a b-c --x y. Then wait.", ["$aws a b-c --x y", "Then wait."]),
    ("Find the user's keys: aws a b-c --x 'y; z'", ["Find the user's keys:", "$aws a b-c --x 'y; z'"]),
    ('Add "Bool": {"a": {"b": "}, or"}} to it.', ['Add "Bool":', '${"a": {"b": "}, or"}}', "to it."]),
    ('Write {"AWS": "1"}, {"Service": "s"} or "*".', ["Write", '${"AWS": "1"}', '${"Service": "s"}', 'or "*".']),
    ('Write {"AWS": ACCOUNT} there', ['Write {"AWS": ACCOUNT} there']),
    ("Run: aws-iam secrets snippet --runtime ecs", ["Run:", "$aws-iam secrets snippet --runtime ecs"]),
    ("the aws command line", ["the aws command line"]),
    ("", []),
]  # fmt: skip


@pytest.mark.parametrize(("fix", "steps"), CASES)
def test_words_and_commands_are_told_apart(fix: str, steps: list[str]) -> None:
    assert [f"{'$' if step.is_copied else ''}{step.text}" for step in fix_steps(fix)] == steps


@for_each(controls().values(), name=lambda control: control.key)
def test_no_word_of_a_control_is_lost(control: Control) -> None:
    fix = control.fix
    steps = fix_steps(fix)
    assert all(step.text in fix for step in steps)
    kept = sum(len(step.text) for step in steps)
    # Only what separates the steps is dropped.
    assert len(fix) - kept <= 4 * len(steps)
