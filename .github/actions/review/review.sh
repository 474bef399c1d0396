#!/usr/bin/env bash
# Reviews the work tree against $BASE, and gives the result to the job summary and, where the token may, to the pull request.
set -euo pipefail

mark='<!-- aws-iam review -->'
written=${RUNNER_TEMP:-/tmp}/aws-iam-review.md
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
lines "${PATHS:-.}"
paths=("${found[@]}")
[ "${#paths[@]}" -gt 0 ] || paths=(.)

[ -n "${BASE:-}" ] || refuse "this event has no revision to review against: give one in the input \`base\`"
# What an option, several revisions or a place to write to would begin with or hold.
[[ $BASE != [-+^]* && $BASE != *[:*?[:space:]]* ]] || refuse "the input \`base\` is no revision"
[[ ${FAIL_ON:=high} =~ ^[A-Za-z_]+$ ]] || refuse "the input \`fail-on\` is no severity"
more=()
[ "${FAIL_ON_UNKNOWN:-false}" != true ] || more+=(--fail-on-unknown)
[ "${FAIL_ON_UNREAD:-false}" != true ] || more+=(--fail-on-unread)

if [[ $BASE =~ ^0+$ ]]; then # the first push of a branch: what it does to the default branch
  git fetch --quiet --no-tags origin HEAD
  BASE=$(git merge-base HEAD FETCH_HEAD || git rev-parse FETCH_HEAD)
  if [ "$BASE" = "$(git rev-parse HEAD)" ]; then
    none="Not reviewed: this push has no commit that the default branch lacks, and there is no earlier one to compare with."
    echo "::notice::$none"
    [ -z "${GITHUB_STEP_SUMMARY:-}" ] || echo "$none" >>"$GITHUB_STEP_SUMMARY"
    exit 0
  fi
fi
# A checkout of one commit has no base; what is missing is fetched, and nothing is changed.
git cat-file -e "$BASE^{commit}" 2>/dev/null || git fetch --quiet --no-tags --depth=1 --end-of-options origin "$BASE"

status=0
aws-iam policy review --base="$BASE" --format=markdown --fail-on="$FAIL_ON" "${more[@]}" -- "${paths[@]}" >"$written" || status=$?
# A review begins with the mark: whatever else ended with 0 or 1 is none.
if [ "$status" -gt 1 ] || [ "$(head -n 1 "$written")" != "$mark" ]; then
  echo "::error::aws-iam could not review the change (exit status $status); see the log of this step"
  [ "$status" -gt 1 ] || status=70
  exit "$status"
fi
[ -z "${GITHUB_STEP_SUMMARY:-}" ] || cat "$written" >>"$GITHUB_STEP_SUMMARY"

comment "$mark" "$written" "the review"
exit "$status"
