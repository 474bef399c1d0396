"""The search from one principal: what it gains serves for the next step, until nothing new is found.

    Search(book, goal, certain=True).run(start)   →   Found(number, state), or None

A step is made by a principal that is controlled, as changes so far have made it, and gives control of more principals or more
changes: the policy of a group and its membership may come from different ones. Both are finite and only grow, so the search
ends. The shortest derivations come first. An administrator ends a path; it is never gone through.

A step may need several things that different steps gave (a group's policy and its membership, a trust policy and a permission).
No edge of a graph says that, so this is no search of a graph; what each can do alone is one, in `single_steps`.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from aws_iam.frozen import positional, slotted
from aws_iam.tools.audit.paths.assuming import LETS_IN_ANOTHER
from aws_iam.tools.audit.paths.changes import UNCHANGED, Change, State
from aws_iam.tools.audit.paths.entities import bits
from aws_iam.tools.audit.paths.powers import Call, Power
from aws_iam.tools.audit.paths.states import applicable, states_of, touched
from aws_iam.tools.audit.paths.trusts import ASSUME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from aws_iam.tools.audit.paths.actor import Actor
    from aws_iam.tools.audit.paths.book import PowerBook
    from aws_iam.tools.audit.paths.changes import Gain

MOST_STATES = 4_000
"""Principals, each as some changes make it, that one search looks at; as they are, it looks at all."""
MOST_ALIKE = 20
"""Principals that one search looks at of those that are alike for it."""
Banned = frozenset[tuple[int, tuple[str, ...], int]]
"""Steps that a search leaves out: who makes them, its actions, and the target."""


@slotted
class Goal:
    """What a search looks for: principals as they are, or as changes make them; `changed` is None where nobody knows."""

    principals: int
    perhaps: int = 0
    """The principals of whom nobody knows whether they are what is looked for."""
    changed: Callable[[int, State], bool | None]
    is_knowable: bool = True
    """Whether anybody can be known to reach it: of a resource that nobody is known to have, nobody can."""
    ends: frozenset[str] | None = None
    """The accounts whose administrators end a path; None for all."""
    powers: Callable[[Actor], Iterable[Power]] | None = None
    """What somebody can do towards this goal alone, beside what the book has."""
    able: int = 0
    """The principals that can do something towards it as they are."""


@positional
class Found:
    """Where a search ended."""

    number: int
    state: State


@positional
class Step:
    """A power that was used, by whom, and what it gave; `trusted` says that a trust policy was rewritten for it."""

    actor: int
    state: State
    power: Power
    gained: int
    trusted: bool = False


@dataclass(slots=True)
class Search:
    """One search; `certain` leaves out what nobody knows whether it works."""

    book: PowerBook
    goal: Goal
    certain: bool = True
    banned: Banned = frozenset()
    controlled: int = 0
    have: dict[tuple[Gain, str], int] = field(default_factory=lambda: defaultdict(int))
    """The changes that can be made: the targets of each kind."""
    steps: dict[tuple[Gain, str], list[Step]] = field(default_factory=lambda: defaultdict(list))
    administrators: list[Found] = field(default_factory=list)
    """The principals that changes make administrators."""
    was_doubtful: bool = False
    """Whether something was left out because nobody knows whether it works."""
    was_stopped: bool = False
    _queue: deque[tuple[int, State]] = field(default_factory=deque)
    _trusts: deque[Step] = field(default_factory=deque)
    """The steps that rewrite trust policies: whom they let in besides is looked at last."""
    _seen: dict[tuple[int, State], None] = field(default_factory=dict)
    """In the order in which they were found."""
    _touched: int = 0
    _changed: int = 0
    _actors: set[int] = field(default_factory=set)
    _made: dict[tuple[Gain, str], dict[int, Step]] = field(default_factory=dict)

    def run(self, start: int) -> Found | None:
        """Search from a principal; the first thing found that is looked for."""
        self.controlled = 1 << start
        self._enqueue(start, UNCHANGED)
        while self._queue or self._trusts:
            if not self._queue:
                letting_in = self._letting_in(self._trusts.popleft())
                found = self._control(letting_in) if letting_in else None
                if found is not None:
                    return found
                continue
            number, state = self._queue.popleft()
            for step in self._steps(number, state):
                is_principal = step.power.gain == "principal"
                found = self._control(step) if is_principal else self._change(step)
                if found is not None:
                    return found
        return None

    def _is_end(self, number: int, state: State = UNCHANGED) -> bool:
        """Whether it is an administrator with whom a path ends."""
        ends = self.goal.ends
        if ends is not None and self.book.entities.account_of(number) not in ends:
            return False
        if not state:
            return bool(self.book.known_administrators[0] >> number & 1)
        return bool(self.book.is_administrator(number, state))

    def _is_found(self, number: int, state: State) -> bool:
        """Whether somebody who is changed is what is looked for."""
        reaches = self.goal.changed(number, state)
        if reaches is None:
            self.was_doubtful = True
            return not self.certain
        return reaches

    def _steps(self, number: int, state: State) -> Iterable[Step]:
        for power in self.powers(number, state):
            if not power.is_certain and self.certain:
                self.was_doubtful = True
                continue
            yield Step(number, state, power, power.targets)
        if self.have.get(("trust", "")):
            yield from self._trusting(number, state, self.have["trust", ""])

    def powers(self, number: int, state: State) -> Iterator[Power]:
        """What a principal can do in one step, towards the goal too."""
        yield from self.book.powers(number, state)
        if self.goal.powers is not None:
            yield from self.goal.powers(self.book.actor(number, state))

    def _trusting(self, number: int, state: State, roles: int) -> Iterable[Step]:
        """The roles whose rewritten trust policy can name the principal."""
        roles &= ~self.controlled
        if not roles:
            return
        sure, possible = self.book.assumable(number, state)
        self.was_doubtful |= bool(possible & ~sure & roles) and self.certain
        usable = roles & (sure if self.certain else possible)
        if usable:
            power = Power(
                gain="principal",
                targets=usable,
                calls=(Call(action=ASSUME),),
                is_certain=not usable & ~sure,
            )
            yield Step(number, state, power, usable, trusted=True)

    def _letting_in(self, step: Step) -> Step | None:
        """The roles whose trust policy somebody rewrites that none of those controlled can assume, for somebody else."""
        roles = step.gained & ~self.controlled
        sure, possible = self.book.open_to_strangers(roles)
        self.was_doubtful |= bool(possible & ~sure) and self.certain
        usable = sure if self.certain else possible
        if not usable:
            return None
        power = Power(
            gain="principal",
            targets=usable,
            calls=(),
            assuming=(LETS_IN_ANOTHER,),
            is_certain=not usable & ~sure,
        )
        return Step(step.actor, step.state, power, usable, trusted=True)

    def _control(self, step: Step) -> Found | None:
        """Control the targets; one that is looked for."""
        new = self._allowed(step) & ~self.controlled
        if not new:
            return None
        entities = self.book.entities
        self.controlled |= new
        self.steps["principal", ""].append(_with(step, new))
        wanted = self.goal.principals | (0 if self.certain else self.goal.perhaps)
        if new & wanted:
            return Found(next(bits(new & wanted)), UNCHANGED)
        self.was_doubtful |= bool(new & self.goal.perhaps)
        going_on = new & ~entities.created & ~self.goal.principals
        for number in self._worth(going_on, self.book.idle & ~self.goal.able):
            if not self._is_end(number):
                self._enqueue(number, UNCHANGED)
        return self._enqueue_touched(going_on & self._touched)

    def _worth(self, numbers: int, alike: int) -> Iterator[int]:
        """The numbers without most of those that are alike, which give no more than some of them do."""
        yield from bits(numbers & ~alike)
        yield from islice(bits(numbers & alike), MOST_ALIKE)

    def _change(self, step: Step) -> Found | None:
        """Note the changes, and look again at the principals that they touch."""
        power = step.power
        key = (power.gain, power.what)
        new = self._allowed(step) & ~self.have.get(key, 0)
        if not new:
            return None
        self.have[key] |= new
        self.steps[key].append(_with(step, new))
        if power.gain == "trust":
            # Who rewrites a trust policy names itself, if it then gets in.
            for number, state in ((step.actor, step.state), *self._seen):
                for own in self._trusting(number, state, new):
                    found = self._control(own)
                    if found is not None:
                        return found
            self._trusts.append(_with(step, new))
            return None
        touches = touched(self.book.entities, power.gain, new, self.have)
        self._touched |= touches
        return self._enqueue_touched(touches & self.controlled & ~self.book.entities.created)

    def _allowed(self, step: Step) -> int:
        """The targets of a step without those that are banned."""
        targets = step.gained
        if self.banned:
            actions = actions_of(step)
            for actor, own, target in self.banned:
                if actor == step.actor and own == actions:
                    targets &= ~(1 << target)
        return targets

    def _enqueue_touched(self, numbers: int) -> Found | None:
        """Look at the principals that changes concern; one that they make what is looked for."""
        joining = 0
        for number in sorted(bits(numbers), key=self._first_of_all):
            if self._is_end(number):
                continue
            found = applicable(self.book.entities, number, self.have)
            if found.joined:
                joining += 1
                if joining > MOST_ALIKE:
                    # Whoever joins a group has what it gives; hardly ever does it matter who joins.
                    self.was_stopped = True
                    found.joined.clear()
            for state in states_of(found):
                if (number, state) in self._seen:
                    continue
                if self._is_found(number, state):
                    self._seen[number, state] = None
                    return Found(number, state)
                if self._is_end(number, state):
                    self._seen[number, state] = None
                    self.administrators.append(Found(number, state))
                    continue
                self._enqueue(number, state)
        return None

    def _first_of_all(self, number: int) -> tuple[bool, bool]:
        """Who is looked at first: those who did something themselves, and those without a boundary."""
        return number not in self._actors, bool(self.book.entities.with_boundary >> number & 1)

    def _enqueue(self, number: int, state: State) -> None:
        if (number, state) in self._seen:
            return
        if state:
            self._changed += 1
            if self._changed > MOST_STATES:
                self.was_stopped = True
                return
        self._seen[number, state] = None
        self._actors.add(number)
        self._queue.append((number, state))

    def made_by(self, change: Change) -> Step:
        """The first step that made a change, or gave control of a principal; to ask once the search has ended."""
        key = change.gain, change.what
        if key not in self._made:
            self._made[key] = {
                target: step for step in self.steps[key] for target in bits(step.gained)
            }
        return self._made[key][change.target]


def actions_of(step: Step) -> tuple[str, ...]:
    """The actions of a step."""
    return tuple(call.action for call in step.power.calls)


def _with(step: Step, gained: int) -> Step:
    return Step(step.actor, step.state, step.power, gained, step.trusted)
