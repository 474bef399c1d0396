"""Results that are kept by word: worked out once, and neither more nor longer words than there may be."""

from __future__ import annotations

from aws_iam.engine.language.memo import ByWord


def test_each_word_is_worked_out_once_within_the_limits() -> None:
    asked: list[str] = []

    def length(word: str) -> int:
        asked.append(word)
        return len(word)

    lengths = ByWord(length, of_reference=False, most=3)
    long = "s3:" + "a" * 1_000
    assert [*map(lengths.__getitem__, ("a", "bb", "a", "bb"))] == [1, 2, 1, 2]
    assert asked == ["a", "bb"]
    assert lengths[long] == lengths[long] == len(long)
    assert asked[2:] == [long, long]
    for number in range(1_000):
        assert lengths[f"{number}"] == len(f"{number}")
        assert len(lengths) <= 3
