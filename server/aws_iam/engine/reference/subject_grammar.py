"""How the subjects of an issuer's tokens are written: which part names the project, and which part the run."""

from __future__ import annotations

import re
from dataclasses import field
from typing import Any, Literal

from aws_iam.engine.language.pattern import is_literal, matches
from aws_iam.engine.reference.subject_forms import SubjectForms, subject_forms
from aws_iam.frozen import slotted

# No issuer sends a longer subject.
_LONGEST = 1_024
_STARS = re.compile(r"\*+")
_NAMED = re.compile(r"[^:/|]+[:/|][^:/|]+[:/|]")


@slotted
class SubjectParts:
    """The parts of a subject or pattern; `names_project` is False when it stops at the tenant."""

    project: str
    run: str | None
    names_project: bool


@slotted
class Remark:
    """Subjects of which more is known than their form says: why, and what to write instead."""

    text: re.Pattern[str]
    why: str
    fix: str = ""


@slotted
class SubjectGrammar:
    """The grammar of a subject, from `subject_grammar` in `assets/data/oidc-issuers/*.json`.

        organization:ORG:pipeline:PIPELINE:ref:refs/heads/main:commit:SHA:step:STEP
        ╰───────────── project ──────────╯ ╰──────────────── run ────────────────╯

    In the JSON `labels` are the words in front of the project's names (`organization`, `pipeline`), and `separator`
    stands between words and names; where there are no words, `parts` is the pattern itself.
    """

    parts: re.Pattern[str] | None = None
    before_tenant: str = ""
    """The text before the tenant's name: `organization:`."""
    tenant_ends: str = ""
    """The characters that can follow the tenant's name; by default the separator."""
    tenant: re.Pattern[str] | None = None
    """Text that names a tenant in full wherever it stands, for issuers whose subjects can be put together freely."""
    named_project: re.Pattern[str] | None = None
    """The same for a project; `named_run` for a run, `named_workflow` for a workflow that is called."""
    named_run: re.Pattern[str] | None = None
    named_workflow: re.Pattern[str] | None = None
    every_run: tuple[str, ...] = ()
    """Runs of different kinds: a pattern that matches all of them admits every run of the project."""
    every_run_begins: tuple[str, ...] = ()
    """Beginnings of patterns that admit every run of the project, for issuers without samples of runs."""
    one_kind: tuple[str, ...] = ()
    """Patterns that admit every run of one kind: every branch, every tag."""
    several_runs: re.Pattern[str] | None = None
    """Subjects that admit several runs of the project, whatever the other parts of the run say; `runs` says which."""
    runs: str = ""
    runs_begin: re.Pattern[str] | None = None
    """How the subjects of these runs begin, where they have a form of their own, `runs_form`."""
    runs_form: str = ""
    """The form of a complete subject of these runs, where others have another form."""
    kinds_of_run: tuple[tuple[str, SubjectForms], ...] = ()
    """What can run, in the plural, and how the run of a subject of each kind is written."""
    single_kinds: frozenset[str] = frozenset()
    """The kinds among them with one subject only: of pull requests."""
    complete_project: re.Pattern[str] | None = None
    """A subject's beginning up to a project's id of fixed length: `complete_project_ends` follows it in every subject."""
    complete_project_ends: str = ""
    open_run: Literal["exact", "phases"] = "exact"
    """How much any other pattern admits: one caller, or plan and apply of one workspace."""
    known_by_name: re.Pattern[str] | None = None
    """Subjects with a name of the project that somebody else can take over later."""
    changing_end: re.Pattern[str] | None = None
    """Subjects whose end changes with every run; the group `fixed` is what stays."""
    form: str = ""
    """The form of a complete subject, to suggest instead of a wide one."""
    run_fields: int | None = None
    """How many fields of the run name it, where others follow: the ref, before the commit and the step."""
    forms: SubjectForms = field(default_factory=SubjectForms)
    """The forms that the issuer sends; empty where they are not known, or any text can be a subject."""
    custom_forms: SubjectForms = field(default_factory=SubjectForms)
    """Forms that it sends only if it is configured to, which whoever writes them knows."""
    doubtful_forms: SubjectForms = field(default_factory=SubjectForms)
    """Such forms that are more often a mistake; `doubt` says why."""
    doubt: str = ""
    otherwise: str = ""
    """Why any other subject is doubtful at most, where customers write templates of every form."""
    impossible: tuple[Remark, ...] = ()
    """Text that no subject contains, though its form allows it."""
    whole_tenant: tuple[Remark, ...] = ()
    """Subjects, even if written out, that any project of the tenant can send."""
    unconfirmed: tuple[Remark, ...] = ()
    """Subjects that the issuer sends, of which it is not known whether it does so for AWS."""
    audiences: tuple[tuple[re.Pattern[str], str], ...] = ()
    """Subjects, and the audience that their tokens have; it may repeat groups of the subject."""

    def read(self, pattern: str) -> SubjectParts | None:
        """The parts of a subject or pattern; None when it has another form."""
        found = self.parts.fullmatch(self._with_end_of_project(pattern)) if self.parts else None
        if found is None:
            return None
        *names, run = found.groups()[1:]
        return SubjectParts(project=found["project"], run=run, names_project=None not in names)

    def _with_end_of_project(self, pattern: str) -> str:
        """The pattern with the separator that its wildcard stands for behind a complete id."""
        found = self.complete_project.match(pattern) if self.complete_project else None
        return (
            f"{found[0]}{self.complete_project_ends}{pattern[found.end() :]}" if found else pattern
        )

    def kinds_in(self, run: str) -> tuple[str, ...]:
        """The kinds of run that a pattern of the run admits."""
        return tuple(kind for kind, forms in self.kinds_of_run if forms.meet(run, {}))

    def form_for(self, pattern: str) -> str:
        """The form of a complete subject, to suggest instead of the pattern."""
        return self.runs_form if self.runs_begin and self.runs_begin.match(pattern) else self.form

    def is_one_run(self, run: str) -> bool:
        """Whether every subject that the pattern of the run admits is the same."""
        kinds = self.kinds_in(run)
        return len(kinds) == 1 and kinds[0] in self.single_kinds

    @property
    def tells_runs_apart(self) -> bool:
        """Whether the subject says which run of the project it is."""
        return bool(self.every_run or self.every_run_begins or self.several_runs)

    def sends(self, pattern: str) -> bool:
        """Whether some subject of an issuer that all its customers share may match the pattern."""
        if not self.forms:
            return True
        # Hostile patterns are long, and each form is compared with each character.
        short = _STARS.sub("*", pattern)
        forms = (self.forms, self.custom_forms, self.doubtful_forms)
        return len(short) <= _LONGEST and any(form.meet(short, {}) for form in forms)

    def names_tenant(self, pattern: str) -> bool:
        """Whether at most one tenant has subjects that match the pattern."""
        if not self.sends(pattern):
            return True
        if self.tenant:
            return self.tenant.search(pattern) is not None
        literal = is_literal(pattern)
        head = pattern if literal else re.split(r"[*?]", pattern, maxsplit=1)[0]
        if not self.before_tenant:
            # Where nothing is known of the form: a word, what it names, and the separator behind that.
            return literal or _NAMED.match(head) is not None
        # A literal of another form is an id.
        begun = head.removeprefix(self.before_tenant)
        return literal or (begun != head and any(end in begun for end in self.tenant_ends))

    def never_sent(self, pattern: str) -> str:
        """Why no subject has the text, though its form allows it; empty when one may."""
        return next((never.why for never in self.impossible if never.text.search(pattern)), "")

    def remark_on(self, pattern: str) -> Remark | None:
        """Why every project of the tenant can send the subject; None when it is not one of these."""
        return next((remark for remark in self.whole_tenant if remark.text.match(pattern)), None)

    def audience_of(self, subject: str) -> str:
        """The audience that every token with the subject has; empty where it is not known."""
        if len(subject) > _LONGEST:
            return ""
        found = ((text.match(subject), audience) for text, audience in self.audiences)
        return next((match.expand(audience) for match, audience in found if match), "")

    def run_name(self, run: str) -> str:
        """The part of a run, or of its pattern, that names it."""
        return ":".join(run.split(":")[: self.run_fields])

    def lets_every_run_in(self, run: str) -> bool:
        """Whether a pattern of the run admits every run of the project."""
        if self.every_run_begins:
            return run == "*" or run.startswith(self.every_run_begins)
        return bool(self.every_run) and all(matches(run, sample) for sample in self.every_run)


def subject_grammar(row: dict[str, Any]) -> SubjectGrammar:
    """The grammar that the JSON describes."""
    labels, separator = row.get("labels", []), row.get("separator", ":")
    known, end = row.get("known_by_name"), row.get("changing_end")
    parts = row.get("parts")
    return SubjectGrammar(
        parts=_parts(labels, separator) if labels else re.compile(parts) if parts else None,
        before_tenant=f"{labels[0]}{separator}" if labels else "",
        tenant_ends=row.get("tenant_ends", separator),
        tenant=_compiled(row, "tenant"),
        named_project=_compiled(row, "named_project"),
        named_run=_compiled(row, "named_run"),
        named_workflow=_compiled(row, "named_workflow"),
        every_run=tuple(row.get("every_run", ())),
        every_run_begins=tuple(row.get("every_run_begins", ())),
        one_kind=tuple(row.get("one_kind", ())),
        several_runs=_compiled(row, "several_runs"),
        runs=row.get("runs", ""),
        runs_begin=_compiled(row, "runs_begin"),
        runs_form=row.get("runs_form", ""),
        kinds_of_run=tuple(
            (kind, subject_forms(forms)) for kind, forms in row.get("kinds_of_run", {}).items()
        ),
        single_kinds=frozenset(
            kind
            for kind, forms in row.get("kinds_of_run", {}).items()
            if not any("<" in form for form in forms)
        ),
        complete_project=_compiled(row, "complete_project"),
        complete_project_ends=row.get("complete_project_ends", ""),
        open_run=row.get("open_run", "exact"),
        known_by_name=re.compile(known) if known else None,
        changing_end=re.compile(f"(?P<fixed>{end['after']}){end['end']}") if end else None,
        form=row.get("form", ""),
        run_fields=row.get("run_fields"),
        forms=subject_forms(row.get("forms", ())),
        custom_forms=subject_forms(row.get("custom_forms", ())),
        doubtful_forms=subject_forms(row.get("doubtful_forms", ())),
        doubt=row.get("doubt", ""),
        otherwise=row.get("otherwise", ""),
        impossible=_remarks(row, "impossible"),
        whole_tenant=_remarks(row, "whole_tenant"),
        unconfirmed=_remarks(row, "unconfirmed"),
        audiences=tuple(
            (re.compile(text), sent) for text, sent in row.get("audiences", {}).items()
        ),
    )


def _remarks(row: dict[str, Any], name: str) -> tuple[Remark, ...]:
    return tuple(
        Remark(text=re.compile(given["text"]), why=given["why"], fix=given.get("fix", ""))
        for given in row.get(name, ())
    )


def _compiled(row: dict[str, Any], name: str) -> re.Pattern[str] | None:
    return re.compile(row[name]) if name in row else None


def _parts(labels: list[str], separator: str) -> re.Pattern[str]:
    """One group for the project, one for each of its names, and the last for the run."""
    name = f"([^{separator}]+)"
    first, *others = (f"(?:{label}){separator}{name}" for label in labels)
    optional = "".join(f"(?:{separator}{other})?" for other in others)
    return re.compile(f"(?P<project>{first}{optional})(?:{separator}(?P<run>.*))?", re.DOTALL)
