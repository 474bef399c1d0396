"""The prose of the project as data: pages, skills, their sections, links and fenced blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from helpers.folders import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PAGES = tuple(
    ROOT / "references" / f"{name}.md"
    for name in (
        "policy-design",
        "secrets-patterns",
        "kms-patterns",
        "irsa-oidc",
        "compliance-checklist",
        "shared-server",
    )
)
TOOLS = ("policy", "secrets", "kms", "irsa", "audit")
SKILLS = (ROOT / "SKILL.md", *(ROOT / "skills" / f"aws-iam-{tool}" / "SKILL.md" for tool in TOOLS))
PROSE = (*PAGES, *SKILLS)

_GENERATED = re.compile(r"<!-- generated: [a-z-]+ -->\n.*?<!-- end generated -->", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block: where it stands, what it holds, and the paragraph before it."""

    page: str
    line: int
    language: str
    content: str
    before: str

    @property
    def bad(self) -> bool:
        """Whether the text marks it as an example of what not to write."""
        return "bad example" in self.before

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def written(path: Path) -> str:
    """A page without its generated blocks."""
    return _GENERATED.sub("", path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def blocks(*languages: str) -> list[Block]:
    """Every fenced block of these languages in pages and skills."""
    return [block for path in PROSE for block in _blocks(path) if block.language in languages]


def _blocks(path: Path) -> list[Block]:
    found: list[Block] = []
    start, language, inside, before = 0, "", [""], [""]
    fenced = False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("```") and not fenced:
            fenced, start, language, inside = True, number, line[3:].strip(), []
        elif line.startswith("```"):
            fenced = False
            content = "\n".join(inside) + "\n"
            paragraph = _last_paragraph(before)
            found.append(
                Block(
                    page=name_of(path),
                    line=start,
                    language=language,
                    content=content,
                    before=paragraph,
                )
            )
            before = []
        elif fenced:
            inside.append(line)
        else:
            before.append(line)
    assert not fenced, f"{path} ends inside a fenced block"
    return found


def _last_paragraph(lines: list[str]) -> str:
    text = "\n".join(lines).strip()
    return text.split("\n\n")[-1].replace("\n", " ")


def without_blocks(text: str) -> str:
    """The text between the fenced blocks."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def sections(text: str) -> dict[str, str]:
    """The sections of a page by heading."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def anchors(path: Path) -> set[str]:
    """What a link into the page may name."""
    headings = re.findall(
        r"^#+ (.+)$", without_blocks(path.read_text(encoding="utf-8")), re.MULTILINE
    )
    return {re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-") for heading in headings}


def links(text: str) -> list[str]:
    """The targets of the Markdown links."""
    return re.findall(r"\]\(([^)\s]+)\)", without_blocks(text))
