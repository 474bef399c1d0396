"""What an access level means in a need: AWS's level, and for `read`, `write` and `manage` what an engineer means.

    read     Read and List, also of what the resource holds: the objects of a bucket, the indexes of a table
    write    Write, without what deletes or destroys the resource, gives up its protection or changes who has access
    manage   all of Write, Tagging and Permissions management
    list, tagging, permissions-management    AWS's level

Which actions `write` leaves out follows from their names, levels and resource types: a list would be out of date when
AWS adds the next action.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aws_iam.engine.reference.catalog import Action, ResourceType
    from aws_iam.engine.reference.catalog_file import Level

DELETES = "deletes, or takes out of service"
UNPROTECTS = "changes how long data is kept or how it is protected"
EXPOSES = "changes who has access, or gives out credentials or root access"
SETS_UP = "changes the resource itself, not its contents"
TAGS = "sets tags"
DOES_MORE = "does more than read, although AWS counts it as Read"
REPLICATES = "is for the AWS service that replicates or delivers"
PASSES = "passes a role to a service"

_LEVELS: Mapping[str, tuple[Level, ...]] = {
    "read": ("Read", "List"),
    "write": ("Write",),
    "list": ("List",),
    "manage": ("Write", "Tagging", "Permissions management"),
    "tagging": ("Tagging",),
    "permissions-management": ("Permissions management",),
}
LEVEL_NAMES = tuple(_LEVELS)
NAMED_ACTION = "action"
"""What the data file has in place of a level for a need that names an action."""


@slotted
class AccessLevel:
    """An access level as a need names it."""

    name: str

    @property
    def levels(self) -> tuple[Level, ...]:
        """AWS's access levels that it draws from."""
        return _LEVELS[self.name]

    def includes(self, action: Action) -> bool:
        """Whether it includes the action, wherever the action works."""
        return action.level in self.levels and not self._exclusion(action)

    def why_not(self, action: Action) -> str:
        """Why someone who asks for it may miss the action; empty if it is included, or nobody would expect it."""
        if self.name == "read":
            return self._exclusion(action) if action.level in self.levels else ""
        if self.name == "write":
            beyond = {"Tagging": TAGS, "Permissions management": EXPOSES}
            return beyond.get(action.level, "") or self._exclusion(action)
        return self._exclusion(action)

    def _exclusion(self, action: Action) -> str:
        if action.level not in self.levels:
            return ""
        rules = _EXCLUSIONS.get(self.name, ())
        return next((why for why, applies in rules if applies(action)), "")


def access_level(name: str) -> AccessLevel | None:
    """The access level of this name, however its words are joined; None if there is none."""
    plain = name.lower().replace("_", "-").replace(" ", "-")
    return AccessLevel(name=plain) if plain in _LEVELS else None


def actions_of_verb(verb: str, types: Iterable[str]) -> tuple[str, ...]:
    """What a verb means on a resource of one of the types where the names of actions do not say it: `pull` on a repository."""
    return next(
        (
            tuple(row["actions"])
            for type_ in types
            for row in _tables()["verbs"]
            if row["of"] == type_.lower() and verb.lower() in row["verbs"]
        ),
        (),
    )


# The verb of a name, behind the words that some services put before it; API Gateway's is `DELETE`.
_DELETING = re.compile(
    r"^(?:Batch|Bulk|Admin|Start)?(?:DELETE"
    r"|Delete|Purge|Terminate|Destroy|Drop|Deregister|Erase|Truncate|Wipe|Decommission|Deprovision|Forget|Close)(?![a-z])"
    r"|^(?:Schedule|Start)\w*Deletion$|AndDelete(?=[A-Z])|BulkDelete|^PartiQLDrop|^RemoveAll|^Remove\w*Regions?$|^RemoveRegions"
    r"|^Revoke(?:Certificate|Signature|SigningProfile)$|^Reset(?:Database|Graph)$|ReplaceRootVolume|^Rebuild(?:Environment|Workspaces)$"
    r"|^Release(?:\w*Address|Hosts|\w*Ip|PhoneNumber|SenderId)$"
)
# What is deleted one by one in the course of writing; anything else that is deleted is a resource or its settings.
_CONTENT = re.compile(
    r"Delete(?:\w*[a-z])?(?:Items?|Messages?|Records?|Documents?|Rows?|Vectors|Attributes)$"
)
_TAKING_OUT = re.compile(r"^(?:Disable|Remove)((?:(?!(?:From|For|To)[A-Z])\w)+)$")
_DELETED = re.compile(r"Delete(\w+?)s?$")
_UNPROTECTING = re.compile(
    r"^(?:Put|Set|Update|Modify|Decrease|Disable|Stop|Reset|Change)\w*"
    r"(?:Lifecycle(?:Configuration|Policy)|Retention|LegalHold|ObjectLock|TimeToLive|Protection|Versioning|Backups?(?![a-z]))"
    r"|LegalHold$|^(?:Lock|Unlock)Rule$|^DisableKeyRotation$|^Stop\w*Encryption$|^DisassociateKmsKey$|^(?:Stop|Disable)\w*Logging$|^(?:Lock|Unlock)Snapshot|^Bypass"
)
_EXPOSING = re.compile(
    r"(?:Put|Set|Delete|Update|Attach|Detach|Associate|Disassociate)\w*(?:Resource|Bucket|Repository|Permissions|Cluster|Key|Access)Policy$"
    r"|^(?:Create|Put)\w*(?:Resource|Application|Channel|Contact|Destination|Endpoint|Feed|Group|Mesh|Profile|Project|Sink)Policy$"
    r"|^ModifyVerifiedAccess\w+Policy$"
    r"|Permissions?(?![a-z])(?!Boundary)|AccessKey|LoginProfile|Password|ServiceSpecificCredential|MFADevice"
    r"|UserToGroup|UserFromGroup|SSHPublicKey|SigningCertificate|ClientSecret$|IamInstanceProfile|FunctionUrlConfig$"
    r"|AccessEntry$|PodIdentityAssociation$|IdentityProvider|AccountAssignment$|ResourceShare|DelegatedAdministrator$"
    r"|AccountFromOrganization$|(?:Project|Share|Workspace)Visibility$|RootAccess$"
)
# On what stores data: the verbs that change the store, and the nouns of its data.
_SETTING_UP = re.compile(
    r"^(?:Associate|Cancel|Create|Decrease|Disable|Disassociate|Enable|Export|Import|Increase|Merge|Modify|Register"
    r"|Replicate|Restore|Rotate|Set|Split|Start|Stop|Synchronize|Update)(?![a-z])|(?:Configuration|Mutability)$"
)
_DATA = re.compile(r"(?:Items?|Messages?|MessageMoveTask|Records?)$")
_DOING_MORE = re.compile(
    r"^(?:Allow|Approve|Assume|Authorize|Complete|Create|Pass|Send|Unmask)(?![a-z])"
)
_REPLICATING = re.compile(
    r"ForReplication$|^Replication(?:Read|Write)$|^Replicate(?:Object|Delete|Settings|Image)|^AllowVendedLogDelivery"
)


def is_deleting(action: Action) -> bool:
    """Whether the action deletes anything, be it one item of what a resource holds."""
    return _is_about_itself(action, _TAKING_OUT) or bool(_DELETING.search(action.name))


def _deletes(action: Action) -> bool:
    is_content = _CONTENT.search(action.name) and not _is_about_itself(action, _DELETED)
    return is_deleting(action) and not is_content


def _is_about_itself(action: Action, named: re.Pattern[str]) -> bool:
    """Whether what the name says to be deleted is the resource of the action: the document of `ssm:DeleteDocument`."""
    found = named.search(action.name)
    noun = found[1].lower() if found else ""
    return any(noun.endswith(_plain(name)) for name in action.resource_types)


def _unprotects(action: Action) -> bool:
    return bool(_UNPROTECTING.search(action.name))


def _exposes(action: Action) -> bool:
    listed = _risky("credentials exposure") | _risky("resource exposure")
    return action.full_name in listed or bool(_EXPOSING.search(action.name))


def _sets_up(action: Action) -> bool:
    """Whether it changes something that is there to hold others, such as a bucket or a queue, and not what it holds."""
    own = {f"{action.service}:{name}".lower() for name in action.resource_types}
    if any(held.holds and held.of in own and held.type not in own for held in contents()):
        return True
    is_data = _DATA.search(action.name) or not _SETTING_UP.search(action.name)
    return bool(own & _stores()) and not is_data


def _hands_out_credentials(action: Action) -> bool:
    return action.full_name in _risky("credentials exposure")


def _does_more(action: Action) -> bool:
    return action.level == "Read" and bool(_DOING_MORE.search(action.name))


def _replicates(action: Action) -> bool:
    return bool(_REPLICATING.search(action.name))


def _passes_role(action: Action) -> bool:
    return action.full_name == "iam:PassRole"


_EXCLUSIONS: Mapping[str, tuple[tuple[str, Any], ...]] = {
    "read": (
        (REPLICATES, _replicates),
        (DOES_MORE, _does_more),
        (EXPOSES, _hands_out_credentials),
    ),
    "write": (
        (PASSES, _passes_role),
        (EXPOSES, _exposes),
        (DELETES, _deletes),
        (UNPROTECTS, _unprotects),
        (REPLICATES, _replicates),
        (SETS_UP, _sets_up),
    ),
    "manage": ((PASSES, _passes_role),),
}


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name)).lower()


@cache
def _risky(risk: str) -> frozenset[str]:
    row = resources.data("action-risks.json")["risks"][risk]
    return frozenset(row["actions"]) - frozenset(row.get("minor", ()))


@slotted
class Content:
    """What a resource type holds, or how its parts are addressed; `holds` if the resource is there for nothing else."""

    of: str
    type: str
    tail: str
    # An ARN with this pattern in it needs no tail.
    unless: str
    levels: tuple[str, ...]
    holds: bool


@cache
def contents() -> tuple[Content, ...]:
    """The types that a level on a resource reaches besides its own."""
    return tuple(
        Content(
            of=row["of"],
            type=row["type"],
            tail=row["tail"],
            unless=row.get("unless", f"{re.escape(row['tail'])}$"),
            levels=tuple(row["levels"]),
            holds=row["holds"],
        )
        for row in _tables()["contents"]
    )


@cache
def _stores() -> frozenset[str]:
    return frozenset(row["of"] for row in _tables()["stores"])


def rows_for(table: str, level: AccessLevel, types: Iterable[ResourceType]) -> Iterator[Any]:
    """The rows of a table of the data file about this level on one of these types."""
    names = {f"{type_.service}:{type_.name}".lower() for type_ in types}
    return (row for row in _tables()[table] if row["of"] in names and level.name in row["levels"])


def rows_for_actions(
    table: str, actions: Iterable[Action], types: Iterable[ResourceType]
) -> Iterator[Any]:
    """The rows about actions that a need names, on one of these types."""
    of = {f"{type_.service}:{type_.name}".lower() for type_ in types}
    named = {action.full_name for action in actions}
    return (row for row in _tables()[table] if row["of"] in of and named & {*row.get("named", ())})


def _tables() -> Any:
    return resources.data("access-levels.json")
