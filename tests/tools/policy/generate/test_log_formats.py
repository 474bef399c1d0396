"""`policy generate` reads CloudTrail records from whatever holds them: files, answers of commands, rows of queries."""

from __future__ import annotations

import csv
import gzip
import io
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.answer import to_json
from aws_iam.engine.explain.statement_risk import RISK_CODES
from aws_iam.errors import InputError
from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS
from helpers.trail_records import ACCOUNT, call, record

if TYPE_CHECKING:
    from pathlib import Path

    from aws_iam.answer import Answer

pytestmark = pytest.mark.process

TABLE = f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/orders"
READ = call(
    "dynamodb", "GetItem", {"tableName": "orders"}, eventID="1", resources=[{"ARN": TABLE}]
)
REFUSED = call(
    "dynamodb", "DeleteTable", {"tableName": "orders"}, eventID="2", errorCode="AccessDenied"
)
ROLE = f"arn:aws:iam::{ACCOUNT}:role/app"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/app/i-1"
IDENTITY = (
    f"{{type=AssumedRole, principalid=AROAEXAMPLE:i-1, arn={SESSION}, accountid={ACCOUNT}, invokedby=null, "
    "accesskeyid=ASIAEXAMPLE, username=null, sessioncontext={attributes={mfaauthenticated=false, "
    "creationdate=2026-11-02T09:00:00Z}, sessionissuer={type=Role, principalid=AROAEXAMPLE, "
    f"arn={ROLE}, accountid={ACCOUNT}, username=app}}, ec2roledelivery=null}}}}"
)
COLUMNS = [
    *("eventid", "eventsource", "eventname", "awsregion", "useridentity", "errorcode", "requestparameters"),
    *("resources", "eventtype", "recipientaccountid"),
]  # fmt: skip


def _cells(event: dict[str, Any], parameters: str) -> dict[str, str]:
    """A record as the cells of a row, all of them text."""
    listed = ", ".join(
        f"{{arn={row['ARN']}, accountid={ACCOUNT}, type=x}}"
        for row in event.get("resources") or ()
    )
    return {
        "eventid": event["eventID"],
        "eventsource": event["eventSource"],
        "eventname": event["eventName"],
        "awsregion": event["awsRegion"],
        "useridentity": IDENTITY,
        "errorcode": event.get("errorCode", ""),
        "requestparameters": parameters,
        "resources": f"[{listed}]" if listed else "",
        "eventtype": "AwsApiCall",
        "recipientaccountid": ACCOUNT,
    }


def _lake(parameters: str, *without: str) -> dict[str, Any]:
    rows = [_cells(event, parameters) for event in (READ, REFUSED)]
    return {
        "QueryStatus": "FINISHED",
        "QueryResultRows": [
            [{name: text} for name, text in row.items() if name not in without] for row in rows
        ],
    }


def _athena() -> dict[str, Any]:
    rows = [_cells(event, json.dumps(event["requestParameters"])) for event in (READ, REFUSED)]
    texts = [COLUMNS, *([row[name] for name in COLUMNS] for row in rows)]
    # Athena leaves out the value of an empty cell.
    cells = [{"Data": [{"VarCharValue": text} if text else {} for text in row]} for row in texts]
    return {
        "ResultSet": {
            "Rows": cells,
            "ResultSetMetadata": {"ColumnInfo": [{"Name": n} for n in COLUMNS]},
        }
    }


def _csv() -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(
        _cells(event, json.dumps(event["requestParameters"])) for event in (READ, REFUSED)
    )
    return file.getvalue()


def _ocsf(event: dict[str, Any], version: str) -> dict[str, Any]:
    """An event as Security Lake writes it; the first version keeps the ARN in another place, and no parameters."""
    first = version == "1.0.0-rc.2"
    user = (
        {"type": "AssumedRole", "uid": "AROAEXAMPLE:i-1", "uuid": SESSION}
        if first
        else {"type": "AssumedRole", "uid": SESSION}
    )
    request = {} if first else {"request": {"data": json.dumps(event["requestParameters"])}}
    return {
        "actor": {"user": user, "session": {"issuer": ROLE}},
        "api": {
            "operation": event["eventName"],
            "service": {"name": event["eventSource"]},
            "response": {"error": event.get("errorCode")},
            **request,
        },
        "class_uid": 6003,
        "cloud": {"region": "eu-west-1", "provider": "AWS"},
        "metadata": {
            "product": {"name": "CloudTrail"},
            "uid": event["eventID"],
            "event_code": "AwsApiCall",
            "version": version,
        },
        "resources": [{"uid": row["ARN"]} for row in event.get("resources") or ()],
        "unmapped": {"recipientAccountId": ACCOUNT, "requestParameters.tableName": "orders"}
        if first
        else {},
    }


def _security_lake(event: dict[str, Any]) -> dict[str, Any]:
    """A row of Security Lake's table as Athena prints it."""
    arns = ", ".join(f"{{uid={row['ARN']}, type=x}}" for row in event.get("resources") or ())
    return {
        "time": "1762074000000",
        "api": f"{{response={{error={event.get('errorCode', 'null')}, message=null}}, operation={event['eventName']}, "
        f"service={{name={event['eventSource']}}}, request={{data={json.dumps(event['requestParameters'])}, uid=1}}}}",
        "actor": f"{{user={{type=AssumedRole, uid={SESSION}}}, session={{issuer={ROLE}}}, invoked_by=null}}",
        "metadata": f"{{product={{name=CloudTrail, vendor_name=AWS}}, uid={event['eventID']}, event_code=AwsApiCall}}",
        "cloud": f"{{region=eu-west-1, provider=AWS, account={{uid={ACCOUNT}}}}}",
        "resources": f"[{arns}]",
    }


BOTH = [READ, REFUSED]
FORMS: dict[str, Any] = {
    "log file": {"Records": BOTH},
    "CloudTrail Lake, structures": _lake("{tableName=orders, consistentRead=true}"),
    "CloudTrail Lake, JSON": _lake(json.dumps({"tableName": "orders"})),
    "CloudTrail Lake, whole record": {
        "QueryResultRows": [[{"eventJson": json.dumps(event)}] for event in BOTH]
    },
    "Athena": _athena(),
    "CSV of Athena": _csv(),
    "CSV of CloudTrail Lake, whole record": "eventJson\n"
    + "".join('"' + json.dumps(event).replace('"', '""') + '"\n' for event in BOTH),
    "filter-log-events": {
        "events": [
            {"logStreamName": "x", "timestamp": 1, "message": json.dumps(event)} for event in BOTH
        ]
    },
    "subscription": {
        "messageType": "DATA_MESSAGE",
        "logEvents": [{"id": "1", "message": json.dumps(event)} for event in BOTH],
    },
    "Logs Insights": {
        "results": [
            [
                {"field": "@timestamp", "value": "x"},
                {"field": "@message", "value": json.dumps(event)},
            ]
            for event in BOTH
        ]
    },
    "Logs Insights, columns": {
        "results": [
            [
                {"field": "eventSource", "value": event["eventSource"]},
                {"field": "eventName", "value": event["eventName"]},
                {"field": "awsRegion", "value": "eu-west-1"},
                {"field": "errorCode", "value": event.get("errorCode", "")},
                {"field": "userIdentity.type", "value": "AssumedRole"},
                {"field": "userIdentity.arn", "value": SESSION},
                {"field": "requestParameters.tableName", "value": "orders"},
            ]
            for event in BOTH
        ]
    },
    "JSON after JSON": json.dumps(READ, indent=1)
    + json.dumps(REFUSED)
    + "\n\n"
    + json.dumps({"Records": [READ]}),
    "text with a mark": "\ufeff" + json.dumps(BOTH),
    "OCSF 1.1": [_ocsf(event, "1.1.0") for event in BOTH],
    "OCSF 1.0": [_ocsf(event, "1.0.0-rc.2") for event in BOTH],
    "rows of Security Lake": {
        "QueryResultRows": [
            [{name: text} for name, text in _security_lake(event).items()] for event in BOTH
        ]
    },
    "OCSF in lines": "\n".join(json.dumps(_ocsf(event, "1.5.0")) for event in BOTH),
}


def generated(events: Any, principal: str | None = None) -> Answer:
    return tool.run({"action": "generate", "events": events, "principal": principal})


def _granted(answer: Answer) -> list[tuple[Any, Any]]:
    return [
        (row["Action"], row["Resource"])
        for artifact in answer.artifacts
        for row in json.loads(artifact.content)["Statement"]
    ]


@pytest.mark.parametrize("given", FORMS.values(), ids=FORMS)
def test_every_form_of_the_same_events_gives_the_same_policy(given: Any) -> None:
    answer = generated(given)
    assert _granted(answer) == [("dynamodb:GetItem", TABLE)]
    shown = to_json(answer)["facts"]
    assert shown["replay"] == {"events": 1, "allowed": 1}
    assert [row["call"] for row in shown["denied_calls"]] == ["dynamodb.amazonaws.com DeleteTable"]
    assert {"missing_columns", "not_judged"}.isdisjoint(shown)


def test_columns_that_a_query_did_not_select_are_named() -> None:
    answer = generated(_lake("", "errorcode", "requestparameters"))
    assert (
        "no column `errorcode`: calls that AWS refused count as successful here" in answer.summary
    )
    assert "no request parameters" in answer.summary
    assert to_json(answer)["facts"]["missing_columns"] == ["errorCode", "requestParameters"]


def test_entries_that_are_no_records_are_counted() -> None:
    answer = generated(
        {
            "events": [
                {"message": json.dumps(READ)},
                {"message": json.dumps(READ)[:60]},
                {"message": "START RequestId: 1"},
            ]
        }
    )
    assert "Not read: 2 entries; see `not_judged`." in answer.summary
    (row,) = to_json(answer)["facts"]["not_judged"]
    assert row["place"] == "2 entries"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("name,size\na,1\n", "is not JSON"),
        ("eventsource,eventname\ns3.amazonaws.com,GetObject\n", "a row without the columns"),
        (
            "eventsource,eventname,useridentity\ns3.amazonaws.com,GetObject,{type=\n",
            "a row whose values cannot be read",
        ),
        (json.dumps(READ) + '{"eventSource": ', "is not JSON at line 1:"),
        ({"QueryResultRows": [[{"count": "3"}]]}, "contains no CloudTrail event"),
        (
            {
                "ResultSet": {
                    "Rows": [{"Data": [{"VarCharValue": "n"}]}, {"Data": [{"VarCharValue": "1"}]}]
                }
            },
            "contains no CloudTrail event",
        ),
    ],
)
def test_what_holds_no_record_is_refused_with_the_reason(given: Any, says: str) -> None:
    with pytest.raises(InputError) as refused:
        generated(given)
    assert says in str(refused.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_is_read_in_every_encoding_that_marks_itself(tmp_path: Path, encoding: str) -> None:
    mark = {"utf-16-le": "\ufeff", "utf-16-be": "\ufeff"}.get(encoding, "")
    path = tmp_path / "events.json"
    path.write_bytes((mark + json.dumps({"Records": [READ]})).encode(encoding))
    done = _run("generate", "--events", str(path))
    assert (done.returncode, b"dynamodb:GetItem" in done.stdout) == (0, True), done.stderr


def test_the_file_that_an_athena_query_writes_is_read_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "result.csv").write_text(_csv(), encoding="utf-8")
    (tmp_path / "result.csv.metadata").write_bytes(b"\x00")
    done = _run("generate", "--events", str(tmp_path))
    assert b"dynamodb:GetItem" in done.stdout


def _rows() -> Any:
    return json.loads((TESTS / "cases/events/allowed.json").read_text(encoding="utf-8"))


def _run(*words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "aws_iam", "policy", *words]
    return subprocess.run(command, input=given, capture_output=True, check=False)


def test_a_compressed_log_pipes_into_the_validator(tmp_path: Path) -> None:
    path = tmp_path / "trail.json.gz"
    events = [record(**case["record"]) for case in _rows()[:20]]
    path.write_bytes(gzip.compress(json.dumps({"Records": events}).encode()))
    made = _run("generate", "--events", str(path))
    assert made.returncode == 0, made.stderr
    assert _run("generate", "--events", "-", given=path.read_bytes()).stdout == made.stdout
    judged = json.loads(_run("validate", "--json", "--document", "-", given=made.stdout).stdout)
    assert {finding["code"] for finding in judged["findings"]} <= set(RISK_CODES)


def test_a_folder_of_logs_is_read_and_what_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "2026").mkdir()
    (tmp_path / "2026/a.json.gz").write_bytes(
        gzip.compress(json.dumps({"Records": [call("s3", "ListBuckets")]}).encode())
    )
    looked_up = {
        "Events": [{"EventName": "x", "CloudTrailEvent": json.dumps(call("ec2", "DescribeVpcs"))}]
    }
    (tmp_path / "b.json").write_text(json.dumps(looked_up), encoding="utf-8")
    (tmp_path / "c.jsonl").write_text(
        "\n".join(json.dumps(call("ec2", n)) for n in ("DescribeTags", "DescribeHosts")),
        encoding="utf-8",
    )
    (tmp_path / "digest.json").write_text('{"digestEndTime": "x"}', encoding="utf-8")
    (tmp_path / "broken.json.gz").write_bytes(gzip.compress(b"x" * 999)[:-9])
    done = _run("generate", "--events", str(tmp_path), "--json", "--detail", "full")
    answer = json.loads(done.stdout)
    (policy,) = (json.loads(artifact["content"]) for artifact in answer["artifacts"])
    assert policy["Statement"][0]["Action"] == [
        "ec2:DescribeHosts",
        "ec2:DescribeTags",
        "ec2:DescribeVpcs",
        "s3:ListAllMyBuckets",
    ]
    unread, entries = answer["facts"]["not_judged"]
    assert unread["place"].endswith("broken.json.gz")
    assert "damaged" in unread["why"]
    assert entries["place"] == "1 entry"


def test_a_small_file_that_holds_gigabytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b" " * 80_000_000))
    done = _run("generate", "--events", str(path))
    assert done.returncode == 2
    assert b"more than 64,000,000 bytes" in done.stderr
