"""Statements whose elements have any shape: what a hostile or mistaken document may hold."""

from __future__ import annotations

from hypothesis import strategies as st

SHAPES = st.recursive(
    st.none()
    | st.integers()
    | st.sampled_from(["*", "s3:*", "s3:GetObject", "Allow", "arn:aws:s3:::b/*", "a${", "delete"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["AWS", "ArnNotEquals", "aws:PrincipalArn"]), inner, max_size=2
        )
    ),
    max_leaves=4,
)
ODD_STATEMENT = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"]), "Action": st.just("s3:*") | SHAPES},
    optional={
        "Sid": SHAPES,
        "Principal": st.just("*") | SHAPES,
        "Resource": st.just("*") | SHAPES,
        "NotResource": SHAPES,
        "Condition": SHAPES,
    },
)
