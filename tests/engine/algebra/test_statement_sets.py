"""One statement within another: every yes is held against requests, one by one."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aws_iam.engine.algebra.condition_sets import condition_tests_by_key, contradiction
from aws_iam.engine.algebra.statement_sets import applies_within, related, scope
from aws_iam.engine.algebra.text_sets import Effort, Texts, apart, contains, within
from aws_iam.engine.evaluation.conditions import arn_like, condition_holds
from aws_iam.engine.evaluation.context import Context, substituted, with_stand_ins
from aws_iam.engine.language.pattern import matches
from aws_iam.engine.sources.gather import one_policy
from helpers.tables.examples import examples
from helpers.work import calls

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aws_iam.engine.language.document import Condition, Statement

pytestmark = pytest.mark.growth

Shape = "Mapping[str, Any]"


def statement(**elements: Any) -> Statement:
    whole = {"Effect": "Allow", **elements}
    if "NotAction" not in elements:
        whole.setdefault("Action", "s3:GetObject")
    if "NotResource" not in elements:
        whole.setdefault("Resource", "*")
    return one_policy({"Version": "2012-10-17", "Statement": whole}).statements[0]


def conditioned(**operators: Mapping[str, Any]) -> Statement:
    return statement(
        Condition={name.replace("__", ":"): block for name, block in operators.items()}
    )


BUCKET = "arn:aws:s3:::amzn-s3-demo-bucket"
USER, TAGS = "aws:username", "aws:TagKeys"


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (statement(Action="S3:getobject"), statement(Action="s3:Get*")),
        (statement(Action="s3:GetObject"), statement(NotAction=["iam:*", "s3:Put*"])),
        (statement(NotAction=["iam:*", "s3:*"]), statement(NotAction="s3:Get*")),
        (statement(NotAction="iam:*"), statement(Action="*")),
        (statement(Resource=f"{BUCKET}/home/*"), statement(Resource=f"{BUCKET}/*")),
        (statement(Resource=f"{BUCKET}/a"), statement(NotResource=f"{BUCKET}/b*")),
        (statement(Resource=f"{BUCKET}/${{{USER}}}/a"), statement(Resource=f"{BUCKET}/*")),
        (
            statement(Resource=f"{BUCKET}/${{{USER}}}/a"),
            statement(Resource=f"{BUCKET}/${{{USER}}}/*"),
        ),
        (conditioned(StringEquals={USER: "ana"}), statement()),
        (conditioned(StringEquals={USER: "ana"}), conditioned(StringLike={USER: ["a*", "b*"]})),
        (conditioned(StringEquals={USER: "ana"}), conditioned(Null={USER: "false"})),
        (conditioned(StringEquals={USER: "ana"}), conditioned(StringNotEquals={USER: ["ben"]})),
        (conditioned(StringEquals={USER: "ana"}), conditioned(StringEqualsIfExists={USER: "ana"})),
        (
            conditioned(StringEqualsIfExists={USER: "ana"}, Null={USER: "false"}),
            conditioned(StringEquals={USER: ["ana", "ben"]}),
        ),
        (conditioned(Null={USER: "true"}), conditioned(StringNotEquals={USER: "ana"})),
        (
            conditioned(StringNotEquals={USER: ["ana", "ben"]}),
            conditioned(StringNotEquals={USER: "ben"}),
        ),
        (
            conditioned(NumericLessThan={"s3:max-keys": "5"}),
            conditioned(NumericLessThanEquals={"s3:max-keys": "5"}),
        ),
        (
            conditioned(DateGreaterThan={"aws:CurrentTime": "2026-02-01T00:00:00Z"}),
            conditioned(DateGreaterThan={"aws:CurrentTime": "2026-01-31T00:00:00Z"}),
        ),
        (
            conditioned(IpAddress={"aws:SourceIp": "10.1.0.0/16"}),
            conditioned(IpAddress={"aws:SourceIp": ["10.0.0.0/8", "192.0.2.0/24"]}),
        ),
        (
            conditioned(ForAllValues__StringEquals={TAGS: "team"}),
            conditioned(ForAllValues__StringLike={TAGS: "t*"}),
        ),
        (statement(Principal={"AWS": "111122223333"}), statement(Principal="*")),
        (
            statement(Principal={"AWS": "111122223333"}),
            statement(Principal={"AWS": ["arn:aws:iam::111122223333:root", "222233334444"]}),
        ),
    ],
)
def test_a_statement_lies_within_a_wider_one_and_not_the_reverse(
    a: Statement, b: Statement
) -> None:
    assert applies_within(a, b)
    assert not applies_within(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (statement(Action="s3:*"), statement(NotAction="s3:GetObject")),
        (statement(Resource="*"), statement(Resource="arn:aws:*")),
        # Filled up in some kinds of policy, plain text in others.
        (
            statement(Resource="arn:aws:sqs:eu-west-1:111122223333:q"),
            statement(Resource="arn:aws:sqs"),
        ),
        (statement(Resource="arn:aws:sqs"), statement(Resource="arn:aws:sqs:*:*:*")),
        (statement(Resource=f"{BUCKET}/a"), statement(Resource=f"{BUCKET}/${{{USER}}}")),
        # What the variable stands for may be longer than one character.
        (
            statement(Resource=f"{BUCKET}/${{{USER}}}"),
            statement(Resource=f"{BUCKET}/${{{USER}}}?"),
        ),
        (statement(Resource=f"{BUCKET}/${{{USER}}}"), statement(Resource=f"{BUCKET}/?")),
        (conditioned(StringEqualsIfExists={USER: "a"}), conditioned(StringEquals={USER: "a"})),
        (conditioned(StringEquals={USER: "a*"}), conditioned(StringEquals={USER: "ab"})),
        (conditioned(StringLike={USER: "a*"}), conditioned(StringEquals={USER: "a*"})),
        (
            conditioned(ForAllValues__StringEquals={TAGS: "a"}),
            conditioned(ForAnyValue__StringEquals={TAGS: "a"}),
        ),
        (
            conditioned(ForAllValues__StringEquals={TAGS: "a"}),
            conditioned(Null={TAGS: "false"}),
        ),
        # One of the caller's tags is `a`, another may be `b`.
        (conditioned(StringEquals={TAGS: "a"}), conditioned(StringNotEquals={TAGS: "b"})),
        # Naming the account leaves it to the account's own policies.
        (
            statement(Principal={"AWS": "arn:aws:iam::111122223333:user/ana"}),
            statement(Principal={"AWS": "111122223333"}),
        ),
        (
            statement(Principal={"Federated": "cognito-identity.amazonaws.com"}),
            statement(Principal="*"),
        ),
        (statement(Principal="*"), statement()),
        (statement(Action=["s3:GetObject", 7]), statement()),
        (statement(Resource={"a": "b"}), statement()),
        (statement(Condition={"StringEquals": {USER: "a", "aws:UserName": "b"}}), statement()),
        (statement(NotAction="s3:GetObject", Action="s3:GetObject"), statement()),
        (conditioned(StringEqualsX={USER: "ana"}), conditioned(StringEqualsX={USER: "ben"})),
        (statement(Resource=f"{BUCKET}/\ue000"), statement(Resource=f"{BUCKET}/*")),
    ],
)
def test_what_is_not_certain_is_denied(a: Statement, b: Statement) -> None:
    assert not applies_within(a, b)


PATTERNS = st.text(alphabet="ab?*", max_size=4).map(lambda text: text.replace("b", "${v}"))
STRINGS = ("".join(letters) for n in range(5) for letters in itertools.product("acz", repeat=n))
FILLED = tuple(STRINGS)


@settings(max_examples=examples(60))
@given(wide=PATTERNS, narrow=PATTERNS, value=st.sampled_from(["", "a", "az", "*", "?"]))
@example(wide="?", narrow="${v}", value="az")
@example(wide="${v}", narrow="${v}", value="*")
def test_a_pattern_with_variables_contains_another_for_each_of_their_values(
    wide: str, narrow: str, value: str
) -> None:
    outer, inner = (_filled(pattern, value) for pattern in (wide, narrow))
    texts = [
        *FILLED,
        with_stand_ins(value),
        with_stand_ins(value * 2),
        with_stand_ins(f"a{value}"),
    ]
    if contains(wide, narrow):
        assert all(matches(outer, text) for text in texts if matches(inner, text))
    if apart(wide, narrow):
        assert not any(matches(outer, text) and matches(inner, text) for text in texts)


def _filled(pattern: str, value: str) -> str:
    filled = substituted(pattern, Context({"v": (value,)}), escaped=True)
    assert filled is not None
    return filled


@given(
    a=st.lists(st.text(alphabet="ab*", max_size=3), min_size=1, max_size=3),
    b=st.lists(st.text(alphabet="ab*", max_size=3), min_size=1, max_size=3),
    inverted=st.tuples(st.booleans(), st.booleans()),
)
def test_lists_of_patterns_agree_with_the_texts_themselves(
    a: list[str], b: list[str], inverted: tuple[bool, bool]
) -> None:
    first, second = Texts(tuple(a), inverted=inverted[0]), Texts(tuple(b), inverted=inverted[1])
    if within(first, second, Effort()):
        strings = ("".join(s) for n in range(5) for s in itertools.product("abz", repeat=n))
        assert all(_has(second, text) for text in strings if _has(first, text))


def _has(texts: Texts, text: str) -> bool:
    return any(matches(entry, text) for entry in texts.entries) is not texts.inverted


WORDS = st.sampled_from(["a", "b", "A", "ab", "*", "a*", "?", "${aws:userid}", ""])
NUMBERS = st.sampled_from(["1", "2", "2.0", "3", "x"])
NETWORKS = st.sampled_from(
    ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "192.0.2.0/24", "2001:db8::/32"]
)
ARNS = st.sampled_from(
    ["arn:aws:a:::x", "arn:aws:a:::*", "arn:aws:*:::x", "*", "arn:aws:b:1:2:x/${aws:userid}"]
)
BOOLS = st.sampled_from(["true", "false", "TRUE"])
COMPARED = (
    "Equals",
    "NotEquals",
    "LessThan",
    "LessThanEquals",
    "GreaterThan",
    "GreaterThanEquals",
)
FAMILIES: list[tuple[tuple[str, ...], st.SearchStrategy[str]]] = [
    (
        ("StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
        WORDS,
    ),
    (tuple(f"Numeric{name}" for name in COMPARED), NUMBERS),
    (("IpAddress", "NotIpAddress"), NETWORKS),
    (("ArnLike", "ArnNotEquals", "StringLike", "StringEquals"), ARNS),
    (("Bool",), BOOLS),
]  # fmt: skip
KEYS = (USER, TAGS)


@st.composite
def conditions(draw: st.DrawFn, at_most: int = 3) -> tuple[Condition, ...]:
    operators, words = draw(st.sampled_from(FAMILIES))
    written: dict[str, dict[str, list[str]]] = {}
    for _ in range(draw(st.integers(1, at_most))):
        key = draw(st.sampled_from(KEYS))
        if draw(st.integers(0, 3)) == 0:
            written.setdefault("Null", {})[key] = draw(st.lists(BOOLS, min_size=1, max_size=2))
            continue
        name = draw(st.sampled_from(operators))
        name += "IfExists" if draw(st.integers(0, 3)) == 0 else ""
        qualifier = draw(st.sampled_from(["", "", "ForAnyValue:", "ForAllValues:"]))
        written.setdefault(qualifier + name, {})[key] = draw(
            st.lists(words, min_size=1, max_size=2)
        )
    return statement(Condition=written).conditions


def requests(*given_: tuple[Condition, ...]) -> list[Context]:
    """Requests whose values lie at and beside all that the conditions name."""
    named = {value.value for condition in itertools.chain(*given_) for value in condition.values}
    near = {
        "a",
        "b",
        "A",
        "ab",
        "",
        "z",
        "0",
        "1.5",
        "2",
        "9",
        "10.1.2.3",
        "10.9.9.9",
        "192.0.2.1",
        "2001:db8::1",
    }
    near |= {
        "true",
        "false",
        "arn:aws:a:::x",
        "arn:aws:a:::y",
        "arn:aws:b:1:2:x/a",
        "arn:aws:c:::x",
    }
    values = sorted(near | {text for text in named if "$" not in text and "/" not in text})
    one = [None, *((value,) for value in values)]
    several = [None, (), *((value,) for value in values), *itertools.combinations(values[:12], 2)]
    found = []
    for user, tags in [
        *((text, None) for text in one),
        *((None, texts) for texts in several),
        *zip(one, several, strict=False),
    ]:
        for userid in ("a", "*"):
            held: dict[str, tuple[str, ...]] = {"aws:userid": (userid,)}
            held |= {USER: user} if user is not None else {}
            held |= {TAGS: tags} if tags is not None else {}
            found.append(Context(held))
    return found


def all_hold(tested: tuple[Condition, ...], request: Context) -> bool:
    return all(condition_holds(condition, request) for condition in tested)


@settings(max_examples=examples(60), deadline=None)
@given(a=conditions(), b=conditions(at_most=1))
def test_conditions_that_follow_hold_in_every_request(
    a: tuple[Condition, ...], b: tuple[Condition, ...]
) -> None:
    if _narrow(a, b):
        for request in requests(a, b):
            assert not all_hold(a, request) or all_hold(b, request), (a, b)


def _narrow(a: tuple[Condition, ...], b: tuple[Condition, ...]) -> bool:
    whole = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    first, second = (
        one_policy({"Statement": {**whole, "Condition": _written(statement)}}).statements[0]
        for statement in (a, b)
    )
    return applies_within(first, second)


def _written(tested: tuple[Condition, ...]) -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = {}
    for condition in tested:
        found.setdefault(condition.operator.value, {})[condition.key.value] = [
            v.value for v in condition.values
        ]
    return found


@settings(max_examples=examples(60), deadline=None)
@given(tested=conditions())
def test_a_contradiction_holds_in_no_request(tested: tuple[Condition, ...]) -> None:
    found = [
        contradiction(premises, Effort()) for premises in condition_tests_by_key(tested).values()
    ]
    if any(found):
        assert not any(all_hold(tested, request) for request in requests(tested))


ENTRIES = st.sampled_from(
    ["s3:Get*", "s3:GetObject", "S3:getobject", "s3:*", "*", "iam:*", "iam:PassRole"]
)
PLACES = st.sampled_from(
    [BUCKET, f"{BUCKET}/*", f"{BUCKET}/a", "arn:aws:s3:*:*:*", "*", "arn:aws:s3"]
)
PEOPLE = st.sampled_from(["*", {"AWS": "111122223333"}, {"AWS": ["111122223333", "222233334444"]}])
STATEMENTS = st.builds(
    statement,
    Action=st.lists(ENTRIES, min_size=1, max_size=2),
    Resource=st.lists(PLACES, min_size=1, max_size=2),
    Principal=PEOPLE,
    Condition=st.one_of(st.just({}), conditions(at_most=1).map(_written)),
) | st.builds(
    statement,
    NotAction=st.lists(ENTRIES, min_size=1, max_size=2),
    NotResource=st.lists(PLACES, min_size=1, max_size=2),
    Principal=PEOPLE,
)


@settings(max_examples=examples(60), deadline=None)
@given(a=STATEMENTS, b=STATEMENTS, c=STATEMENTS)
def test_lying_within_is_reflexive_and_transitive(
    a: Statement, b: Statement, c: Statement
) -> None:
    assert applies_within(a, a)
    if applies_within(a, b) and applies_within(b, c):
        assert _whole_requests_within(a, c)


def _whole_requests_within(a: Statement, b: Statement) -> bool:
    """By requests: what cannot be decided in two steps may be certain in one, and the reverse."""
    places = [BUCKET, f"{BUCKET}/a", f"{BUCKET}/b", "arn:aws:s3:r:1:x", "*", "arn:aws:sqs:r:1:q"]
    return all(
        not _applies(a, action, place) or _applies(b, action, place)
        for action in ("s3:GetObject", "s3:PutObject", "iam:PassRole", "sqs:SendMessage")
        for place in places
    )


def _applies(tested: Statement, action: str, place: str) -> bool:
    actions = tested.actions or tested.not_actions
    resources = tested.resources or tested.not_resources
    acted = any(matches(entry.value, action, ignore_case=True) for entry in actions)
    reached = any(
        resource.value == "*" or matches(resource.value, place) or arn_like(resource.value, place)
        for resource in resources
    )
    return acted is bool(tested.actions) and reached is bool(tested.resources)


@settings(max_examples=examples(60), deadline=None)
@given(a=STATEMENTS, b=STATEMENTS)
def test_a_statement_within_another_applies_to_no_request_of_its_own(
    a: Statement, b: Statement
) -> None:
    if applies_within(a, b):
        assert _whole_requests_within(a, b)


@pytest.mark.parametrize(
    "many",
    [
        lambda n: {"Action": [f"s3:Get{number}*" for number in range(n)]},
        lambda n: {"Resource": [f"{BUCKET}/*{number}*" for number in range(n)]},
        lambda n: {"NotResource": [f"{BUCKET}/*{number}*" for number in range(n)]},
        lambda n: {"Resource": [BUCKET + "*?a" * n]},
        lambda n: {"Condition": {"StringLike": {USER: [f"*{number}*" for number in range(n)]}}},
        lambda n: {
            "Condition": {
                "StringLike": {f"aws:PrincipalTag/{number}": "*x*" for number in range(n)}
            }
        },
    ],
    ids=["actions", "resources", "not-resources", "long", "values", "keys"],
)
def test_comparing_large_statements_is_bounded(many: Callable[[int], dict[str, Any]]) -> None:
    a, b = (scope(statement(**many(n))) for n in (20_000, 20_001))
    assert a is not None
    assert b is not None
    assert calls(lambda: applies_within(a, b)) < 400_000


RELATED = [
    "*",
    "ec2:*",
    "ec2:Describe*",
    "ec2:DescribeInstances",
    "iam:PassRole",
    "s3:*",
    "s3:?etObject",
    "s3:Get*",
    "S3:getobject",
    "s3:GetObject",
    "s3:Put${aws:username}*",
    "s3:PutObject",
    "s3*:Get*",
]


@given(st.lists(st.lists(st.sampled_from(RELATED), min_size=1, max_size=3), max_size=5))
def test_statements_that_share_an_entry_are_related(lists: list[list[str]]) -> None:
    statements = [statement(Action=actions) for actions in lists]
    found = set(related(statements))
    for (one, inner), (other, outer) in itertools.permutations(enumerate(statements), 2):
        whole = scope(outer)
        assert whole is not None
        if any(
            within(Texts((word.lower(),)), whole.actions, Effort()) for word in inner.action_words
        ):
            assert {one, other} <= found


@pytest.mark.parametrize(
    ("lists", "found"),
    [
        ([["s3:GetObject"], ["s3:PutObject"], ["ec2:*"]], []),
        ([["s3:Get*"], ["s3:PutObject"]], []),
        ([["s3:Get*"], ["s3:PutObject"], ["S3:getObject"]], [0, 2]),
        ([["s3:GetObject", "s3:PutObject"], ["ec2:*"], ["s3:putobject"]], [0, 2]),
    ],
)
def test_statements_of_one_service_need_not_be_related(
    lists: list[list[str]], found: list[int]
) -> None:
    assert list(related([statement(Action=actions) for actions in lists])) == found
