"""Spoil examples and feed them to every reader; end with 1 if one meets an input that it neither answers nor refuses in words.

    python -m tests.fuzz [--seconds 60] [--seed N] [--target NAME]

An input that fails is written to a file in the current folder. It fails if anything but AwsIamError comes out, or if it
takes more than ten seconds of processor time.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fuzz.spoiling import spoilt
from tests.fuzz.targets import TARGETS

from aws_iam.errors import AwsIamError

if TYPE_CHECKING:
    from tests.fuzz.targets import Target

PROCESSOR_SECONDS = 10


class Late(BaseException):
    """The reader has taken too long; not an Exception, so that no handler of one catches it."""


def late(_number: int, _frame: object) -> None:
    raise Late


def failure(target: Target, text: str) -> str:
    """What is wrong with how the reader takes the text; empty if it answers, or refuses in words."""
    signal.setitimer(signal.ITIMER_PROF, PROCESSOR_SECONDS)
    try:
        target.read(text)
    except AwsIamError as error:
        return "" if error.message.strip() else "an error without words"
    except Late:
        return f"more than {PROCESSOR_SECONDS} seconds of processor time"
    except Exception as error:  # noqa: BLE001 - what may come out is what is tested
        return "".join(traceback.format_exception(error))
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--target", choices=[target.name for target in TARGETS], default=None)
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(2**32) if given.seed is None else given.seed
    chosen = [target for target in TARGETS if given.target in {None, target.name}]
    signal.signal(signal.SIGPROF, late)
    failed = [
        target.name for target in chosen if not _holds(target, seed, given.seconds / len(chosen))
    ]
    if failed:
        sys.stdout.write(f"seed {seed}: {', '.join(failed)} failed\n")
        return 1
    sys.stdout.write(f"seed {seed}: every input was answered or refused in words\n")
    return 0


def _holds(target: Target, seed: int, seconds: float) -> bool:
    """Whether the reader takes every input for so long."""
    source = random.Random(f"{seed} {target.name}")  # noqa: S311 - it repeats by its seed
    until = time.monotonic() + seconds
    inputs = 0
    while time.monotonic() < until:
        text = spoilt(source, target.examples) if inputs else target.examples[0]
        inputs += 1
        if why := failure(target, text):
            path = Path(f"fuzz-{target.name.replace(' ', '-')}.txt")
            path.write_bytes(text.encode("utf-8", "surrogatepass"))
            sys.stdout.write(f"{target.name}: input {inputs} of seed {seed}, in {path}: {why}\n")
            return False
    sys.stdout.write(f"{target.name}: {inputs:,} inputs\n")
    sys.stdout.flush()
    return True


if __name__ == "__main__":
    sys.exit(main())
