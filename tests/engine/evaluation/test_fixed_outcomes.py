"""What no policy decides, held to what AWS's API models say."""

from __future__ import annotations

import re

import botocore.session

from aws_iam.engine.evaluation.fixed_outcomes import works_across_accounts
from aws_iam.engine.reference.catalog import catalog

_USE = re.compile(r"Cross-account use</b>:?\s*(?:<[^>]*>)*:?\s*(Yes|No)\b")


def test_the_operations_of_kms_that_cross_accounts_are_those_that_the_api_says() -> None:
    model = botocore.session.Session().get_service_model("kms")
    said = {
        name: found[1]
        for name in model.operation_names
        if (found := _USE.search(model.operation_model(name).documentation))
    }
    assert len(said) > 40
    kms = catalog().service("kms")
    assert kms is not None
    for name, word in said.items():
        actions = ("ReEncryptFrom", "ReEncryptTo") if name == "ReEncrypt" else (name,)
        for action in actions:
            assert action.lower() in kms.actions
            assert works_across_accounts(f"kms:{action}") is (word == "Yes"), action
