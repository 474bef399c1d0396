#!/usr/bin/env bash
# Runs the cases of the files $CASES, and gives their table to the job summary and, where the token may, to the pull request.
set -euo pipefail

mark='<!-- aws-iam cases -->'
written=${RUNNER_TEMP:-/tmp}/aws-iam-cases.md
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
[[ ${FAIL_ON:=high} =~ ^[A-Za-z_]+$ ]] || refuse "the input \`fail-on\` is no severity"
lines "${CASES:-}"
[ "${#found[@]}" -gt 0 ] || refuse "there is no file of cases: name them in the input \`cases\`, one a line"

status=0
table=$(aws-iam policy test --format=markdown --fail-on="$FAIL_ON" -- "${found[@]}") || status=$?
# Whatever else ended with 0 or 1 is no table of cases.
if [ "$status" -gt 1 ] || [[ $table != "# Policy tests: "* ]]; then
  echo "::error::aws-iam could not run the cases (exit status $status); see the log of this step"
  [ "$status" -gt 1 ] || status=70
  exit "$status"
fi
printf '%s\n%s\n' "$mark" "$table" >"$written"
[ -z "${GITHUB_STEP_SUMMARY:-}" ] || cat "$written" >>"$GITHUB_STEP_SUMMARY"
comment "$mark" "$written" "the table of cases"
exit "$status"
