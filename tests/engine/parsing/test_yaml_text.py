"""YAML as people write it and as attackers do."""

from __future__ import annotations

import json

import pytest

from aws_iam.engine.sources.gather import gathered
from aws_iam.errors import InputError
from helpers.policy_files import ALLOW, document, file, judged

pytestmark = pytest.mark.growth

BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BOMB + "Statement: Policy", "expands to more than 300,000 values"),
        ("Statement: &a [*a]", "nested deeper than 64 levels"),
        ("Statement: " + "[" * 200 + "]" * 200, "nested deeper than 64 levels"),
        ("Statement: *nowhere", "the alias `nowhere` has no anchor"),
        ("? [Statement]\n: x", "a key is a list"),
        ("Statement: [", "not YAML"),
        ("Statement: \x01", "not YAML"),
        ("Policy: !!python/object/apply:os.system [exit 1]", "holds no policy"),
        ("- " * 70 + "Policy", "nested deeper"),
        ("? " + "k" * 2000 + "\n: Policy", "2,000 characters"),
        ("", "holds no policy"),
        ("---\n---\n", "holds no policy"),
    ],
    ids=["bomb", "itself", "deep", "alias", "key", "open", "control", "python", "list", "long", "empty", "nothing"],
)  # fmt: skip
def test_hostile_yaml_is_refused_in_one_sentence(text: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        judged(file("hostile.yaml", text))
    assert says in str(caught.value)


def test_a_hundred_thousand_keys_are_read() -> None:
    text = "".join(f"k{n}: v\n" for n in range(100_000)) + "p: " + json.dumps(document(ALLOW))
    assert [source.name for source in gathered(file("many.yaml", text)).sources] == ["/p"]
