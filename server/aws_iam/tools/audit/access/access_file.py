"""The answer of `audit access` as a file: what its facts say, as paths that the report formats print and draw."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Artifact
from aws_iam.engine.language.arn import Arn
from aws_iam.report.access_report import AccessCut, AccessNode, AccessReport, AccessStep
from aws_iam.report.catalogue import report_formats
from aws_iam.tools.audit.paths.hop import ADMIN
from aws_iam.version import __version__
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from aws_iam.answer import Answer
    from aws_iam.report.access_report import Way

    Row = Mapping[str, Any]

# The file lists these.
_LISTED = frozenset(
    {"principals", "outsiders", "services", "paths", "becomes", "cuts", "anyone_can"}
)
_CALLERS = ("principals", "outsiders", "services")
_GOAL = "administrator access"
_MOST_NAMED = 3
_ANYONE = "*"
_SERVICE = ".amazonaws.com"
_KINDS = ("user", "role", "group")
_ASSOCIATION = "podidentityassociation/"
_OF_STS = ("assumed-role", "federated-user")
_NOBODY_ELSE = "nobody has the role today but by sessions under session policies"


def as_file(answer: Answer, format_: str) -> Answer:
    """The answer with a file in place of the rows that the file lists."""
    chosen = report_formats()[format_]
    if chosen.access is None:
        message = f"the format {chosen.name} holds no access"
        raise ValueError(message)
    content = chosen.access(access_report(answer))
    facts = {name: fact for name, fact in answer.facts.items() if name not in _LISTED}
    name = f"aws-iam-access{chosen.ending}"
    return replace(
        answer,
        facts=facts,
        artifacts=(Artifact(name=name, language=chosen.language, content=content),),
    )


def access_report(answer: Answer) -> AccessReport:
    """The report of an answer on who can do something, who reaches something, or what a principal becomes."""
    facts = answer.facts
    paths = tuple(sorted(_paths(facts), key=len))
    outside, sessions = _outside(facts), dict(_sessions(facts))
    nodes = {
        id_: sessions.get(id_) or _node(id_, outside=id_ in outside)
        for path in paths
        for step in path
        for id_ in (step.start, step.end)
    }
    for id_ in _administrators(facts) & nodes.keys():
        nodes[id_] = replace(nodes[id_], is_administrator=True)
    return AccessReport(
        version=__version__,
        question=_question(facts),
        account=facts["account"],
        collected_at=datetime.fromisoformat(facts["collected_at"]),
        as_of=answer.as_of or "",
        summary=answer.summary,
        nodes=nodes,
        paths=paths,
        cuts=tuple(_cuts(facts, {(step.start, step.end) for path in paths for step in path})),
        left_out=facts.get("paths_left_out", 0) + facts.get("becomes_left_out", 0),
        not_judged=list(_not_judged(facts)),
        not_considered=facts.get("not_considered", ""),
        becoming=facts["counts"].get("can_become", 0) if facts.get("to") == ADMIN else 0,
        answer=answer,
    )


def _not_judged(facts: Row) -> Iterator[Row]:
    """What was not judged, with the keys that are not read of any resource of their kind."""
    told = facts.get("not_judged", ())
    places = {row["place"] for row in told}
    yield from told
    yield from (row for row in facts.get("keys_not_looked_at", ()) if row["place"] not in places)


def _question(facts: Row) -> str:
    if "principal" in facts:
        return f"What {facts['principal']} can become"
    if "to" in facts:
        if "who_can" in facts:
            return f"Who can get to perform {_actions(facts)} on {facts['to']}"
        goal = "an administrator" if facts["to"] == ADMIN else facts["to"]
        return f"Who can become {goal}"
    return f"Who can perform {_actions(facts)} on {facts['on']}"


def _actions(facts: Row) -> str:
    return joined(facts["who_can"], "or", shown=_MOST_NAMED)


def _paths(facts: Row) -> Iterator[Way]:
    for name in ("paths", "becomes", *_CALLERS):
        for row in facts.get(name, ()):
            if hops := _hops(row):
                *before, last = hops
                yield (*(_hop(own, own["to"]) for own in before), _hop(last, _end(row, facts)))
            elif "on" in row:
                yield from ((step,) for step in _callers_steps(row, facts["on"]))
                for own in _able_sessions(row):
                    yield from ((step,) for step in _callers_steps(own, facts["on"]))
    if "anyone_can" in facts:
        yield from ((step,) for step in _callers_steps(facts["anyone_can"], facts["on"]))


def _hop(row: Row, end: str) -> AccessStep:
    return AccessStep(
        start=row["from"],
        end=end,
        actions=tuple(row["actions"]),
        through=tuple(row.get("through", ())),
        statement=row["statement"],
        conditions=(*row["conditions"], *row.get("assuming", ())),
        why_unknown=row.get("why", ""),
    )


def _end(path: Row, facts: Row) -> str:
    """Where a path leads: who changes itself in the last step gets to what was asked for."""
    last = path["hops"][-1]
    if last["from"] != last["to"]:
        return str(last["to"])
    is_administrator = path.get("administrator") or facts.get("to") == ADMIN
    return _GOAL if is_administrator else str(facts.get("to", last["to"]))


def _cuts(facts: Row, steps: Container[tuple[str, str]]) -> Iterator[AccessCut]:
    """The cuts of steps in the report; where one changes itself, its step ends in what it gets to."""
    for row in facts.get("cuts", ()):
        ends = (row["to"], _GOAL, facts["to"]) if row["from"] == row["to"] else (row["to"],)
        for end in [own for own in ends if (row["from"], own) in steps][:1]:
            yield AccessCut(
                start=row["from"],
                end=end,
                actions=tuple(row["actions"]),
                closes=row["closes"],
                stops=row["stops"],
                statement=row.get("statement", ""),
            )


def _callers_steps(row: Row, on: str) -> Iterator[AccessStep]:
    proof = row.get("proof", {})
    allowing = [own for own in proof.get("because", ()) if own["effect"] == "Allow"]
    alone = (_NOBODY_ELSE,) if row.get("only_by_sessions") else ()
    for part in (row, *row.get("besides", ())):
        yield AccessStep(
            start=row["principal"],
            end=on,
            actions=tuple(part["actions"]),
            through=tuple(place for place in part["on"] if place != on),
            statement="; ".join(f"{own['policy']} {own['pointer']}" for own in allowing),
            conditions=(*part["conditions"], *alone),
            why_unknown=part.get("why", "") if part["verdict"] == "unknown" else "",
        )


def _able_sessions(row: Row) -> Iterator[Row]:
    """The sessions of a caller that can, or perhaps can, within their session policy, as callers of their own."""
    for own in row.get("sessions", ()):
        if own["verdict"] != "cannot":
            yield {**own, "principal": f"{row['principal']} as {own['whose']}"}


def _sessions(facts: Row) -> Iterator[tuple[str, AccessNode]]:
    """The sessions under session policies: each has less than its role, so it is named by what limits it."""
    for row in facts.get("principals", ()):
        for own in _able_sessions(row):
            yield _session(own["principal"], row["principal"], f": {own['whose']}")
    # Whoever gets to a session does so through its role.
    limited = {
        hop["to"]: through
        for name in ("paths", "becomes", "outsiders")
        for row in facts.get(name, ())
        for hop in _hops(row)
        for through in hop.get("through", ())
        if _is_association(hop["to"]) and ":role/" in through
    }
    if "principal" in facts and "role" in facts:
        limited[facts["principal"]] = facts["role"]
    for id_, role in limited.items():
        yield _session(id_, role, f" limited by {_resource(id_)}")


def _session(id_: str, role: str, limit: str) -> tuple[str, AccessNode]:
    name, account = f"session of {_resource(role)}{limit}", role.split(":")[4]
    return id_, AccessNode(id=id_, name=name, kind="session", account=account)


def _resource(arn: str) -> str:
    return arn.split(":", 5)[5]


def _hops(row: Row) -> Iterable[Row]:
    """The hops of a path; of a principal there is their number."""
    hops: Any = row.get("hops", ())
    return () if isinstance(hops, int) else hops


def _is_association(id_: str) -> bool:
    arn = Arn.of(id_)
    return arn is not None and arn.service == "eks" and arn.resource.startswith(_ASSOCIATION)


def _outside(facts: Row) -> set[str]:
    """Those outside the estate."""
    rows: Iterable[Row] = facts.get("outsiders", ())
    return {row.get("principal") or row["from"] for row in rows} | {_ANYONE}


def _administrators(facts: Row) -> set[str]:
    rows = (*facts.get("paths", ()), *facts.get("becomes", ()))
    ends = {_end(row, facts) for row in rows if row.get("administrator")}
    known = {
        row["principal"]
        for row in facts.get("principals", ())
        if row.get("verdict") == "administrator"
    }
    return ends | known


def _node(id_: str, *, outside: bool) -> AccessNode:
    if id_ == _GOAL:
        return AccessNode(id=id_, name=id_, kind="goal")
    arn = Arn.of(id_)
    of_iam = arn is not None and arn.service in {"iam", "sts"}
    kind = arn.resource.partition("/")[0] if arn is not None and of_iam else ""
    if outside:
        kind = "outsider"
    elif kind in _OF_STS:
        kind = "session"
    elif id_.endswith(_SERVICE):
        kind = "service"
    elif kind not in _KINDS:
        kind = "resource"
    name = arn.resource if arn is not None and of_iam else id_
    return AccessNode(id=id_, name=name or id_, kind=kind, account=arn.account if arn else "")
