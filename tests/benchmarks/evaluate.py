"""`aws_iam.evaluate` beside @cloud-copilot/iam-simulate: one request against ten policies, in one run.

python -m tests.benchmarks.evaluate [ROUNDS]

The other simulator comes from npm into a temporary folder and runs as a process of its own, by turns with ours; nothing of
it stays. Both get the same requests and policies and read them before the clock starts as far as their interface lets
them: ours once as text that is parsed and once as policies made ready; theirs as objects. Each request runs a few
hundred times unmeasured first. The clock counts elapsed time, for a process of node works in several threads.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from tests.benchmarks.measure import against, environment, machine, need, say

PACKAGE = "@cloud-copilot/iam-simulate"
MOST = 0.3
ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/app"
NAMES = (
    "AmazonS3ReadOnlyAccess",
    "AmazonSQSFullAccess",
    "AmazonDynamoDBReadOnlyAccess",
    "CloudWatchLogsFullAccess",
    "AmazonSNSReadOnlyAccess",
    "AWSLambda_ReadOnlyAccess",
    "AmazonEC2ContainerRegistryReadOnly",
    "AmazonSSMReadOnlyAccess",
    "AmazonKinesisReadOnlyAccess",
    "AWSXrayWriteOnlyAccess",
)
REQUESTS = (
    ("s3:GetObject", "arn:aws:s3:::amzn-s3-demo-bucket/report.csv", "Allowed"),
    ("sqs:SendMessage", f"arn:aws:sqs:us-east-1:{ACCOUNT}:orders", "Allowed"),
    ("dynamodb:GetItem", f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/orders", "Allowed"),
    ("s3:DeleteObject", "arn:aws:s3:::amzn-s3-demo-bucket/report.csv", "ImplicitlyDenied"),
    (
        "lambda:InvokeFunction",
        f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f",
        "ImplicitlyDenied",
    ),
)

OURS = """
import json, sys, time
from aws_iam.engine.evaluation.evaluate import evaluate, evaluate_request
from aws_iam.engine.evaluation.layers import layers_of
from aws_iam.engine.evaluation.request import request_of
case = json.load(open(sys.argv[1], encoding="utf-8"))
layers = layers_of({"identity": case["policies"]})
ready = sys.argv[2] == "ready"
def judge(request):
    if ready:
        return evaluate_request(request_of(request), layers).decision.outcome
    return evaluate(request, {"identity": case["policies"]}).outcome
for request in case["requests"]:
    for _ in range(300):
        outcome = judge(request)
    begun = time.perf_counter()
    for _ in range(500):
        judge(request)
    print((time.perf_counter() - begun) * 2, outcome)
"""
THEIRS = """
import { readFileSync } from "node:fs"
import { runSimulation } from "@cloud-copilot/iam-simulate"
const given = JSON.parse(readFileSync(process.argv[2], "utf-8"))
for (const request of given.requests) {
  const simulation = {
    request: {
      principal: request.principal,
      action: request.action,
      resource: { resource: request.resource, accountId: given.account },
      contextVariables: {},
    },
    identityPolicies: given.policies.map((policy, at) => ({ name: `policy ${at}`, policy })),
    serviceControlPolicies: [],
    resourceControlPolicies: [],
  }
  let answer
  for (let turn = 0; turn < 300; turn++) answer = await runSimulation(simulation, {})
  const begun = performance.now()
  for (let turn = 0; turn < 500; turn++) await runSimulation(simulation, {})
  const words = { Allowed: "Allowed", ImplicitlyDenied: "ImplicitlyDenied", ExplicitlyDenied: "ExplicitlyDenied" }
  const result = answer.overallResult ?? answer.analysis?.result ?? answer.resultType
  console.log((performance.now() - begun) / 500, words[result] ?? JSON.stringify(answer).slice(0, 300))
}
"""


def case() -> dict[str, Any]:
    """The requests and the policies."""
    managed = json.loads(aws_managed_policies_data)
    return {
        "account": ACCOUNT,
        "policies": [managed[name]["Document"] for name in NAMES],
        "requests": [
            {"principal": ROLE, "action": action, "resource": resource}
            for action, resource, _ in REQUESTS
        ],
    }


def told(command: list[str], **more: Any) -> list[tuple[float, str]]:
    """Milliseconds and the outcome of each request, as the process prints them."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, **more)
    if done.returncode:
        raise SystemExit(f"the measured code failed:\n{done.stderr[-2000:]}")
    rows = (line.split(" ", 1) for line in done.stdout.splitlines())
    return [(float(number), outcome) for number, outcome in rows]


def show(name: str, rounds: list[list[tuple[float, str]]]) -> float:
    """A line for each request, and the median of them all."""
    outcomes = [outcome for _, outcome in rounds[0]]
    times = [statistics.median(r[at][0] for r in rounds) for at in range(len(outcomes))]
    say(name)
    for (action, _, expected), taken, outcome in zip(REQUESTS, times, outcomes, strict=True):
        verdict = "" if outcome == expected else f", {expected} was expected"
        say(f"  {action}: {taken:.3f} ms, {outcome}{verdict}")
    return statistics.median(times)


def main() -> None:
    """All of it."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    need("node", "npm")
    say(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given = folder / "case.json"
        given.write_text(json.dumps(case()), encoding="utf-8")
        script = folder / "simulate.mjs"
        script.write_text(THEIRS, encoding="utf-8")
        (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(
            [*command, PACKAGE], cwd=folder, check=False, capture_output=True, text=True
        )
        if done.returncode:
            raise SystemExit(f"npm could not install {PACKAGE}:\n{done.stderr[-2000:]}")
        parsed, ready, other = [], [], []
        own = {"env": environment()}
        for _ in range(rounds):
            parsed.append(told([sys.executable, "-c", OURS, str(given), "parsed"], **own))
            ready.append(told([sys.executable, "-c", OURS, str(given), "ready"], **own))
            other.append(told(["node", str(script), str(given)], cwd=folder))
        whole = show("ours, policies parsed in each call", parsed)
        warm = show("ours, policies ready", ready)
        theirs = show(PACKAGE, other)
        against("one request against ten policies, ready", warm, MOST, "ms")
        agreed = sum(a[1] == b[1] for a, b in zip(ready[0], other[0], strict=True))
        say(f"the same outcome for {agreed} of {len(REQUESTS)} requests")
        say(f"ratio to ours, parsed each time: {theirs / whole:.1f}; ready: {theirs / warm:.1f}")


if __name__ == "__main__":
    main()
