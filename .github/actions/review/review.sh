#!/usr/bin/env bash
# Reviews the work tree against $BASE, and gives the result to the job summary and, where the token may, to the pull request.
set -euo pipefail

written=${RUNNER_TEMP:-/tmp}/aws-iam-review.md
paths=()
while IFS= read -r path; do
  [ -z "$path" ] || paths+=("$path")
done <<<"${PATHS:-.}"

if [ -z "$BASE" ]; then
  echo "::error::this event has no revision to review against: give one in the input \`base\`"
  exit 2
fi
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
git cat-file -e "$BASE^{commit}" 2>/dev/null || git fetch --quiet --no-tags --depth=1 origin "$BASE"

severity=${FAIL_ON:-high}
[ "$severity" != never ] || severity=critical
status=0
aws-iam policy review --base "$BASE" --format markdown --fail-on "$severity" -- "${paths[@]}" >"$written" || status=$?
if [ "$status" -gt 1 ]; then
  echo "::error::aws-iam could not review the change (exit status $status); see the log of this step"
  exit "$status"
fi
[ -z "${GITHUB_STEP_SUMMARY:-}" ] || cat "$written" >>"$GITHUB_STEP_SUMMARY"

# One comment, written anew: the mark in its first line tells it from others, and anyone may write that, but not as a bot.
if [ "${COMMENT:-true}" = true ] && [ -n "${PULL_REQUEST:-}" ] && command -v gh >/dev/null; then
  comments=repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments
  mark=$(head -n 1 "$written")
  if own=$(gh api --paginate "$comments" --jq ".[] | select(.body | startswith(\"$mark\")) | select(.user.type == \"Bot\") | .id" 2>/dev/null | head -n 1); then
    if [ -n "$own" ]; then
      gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$own" --field "body=@$written" && commented=1
    else
      gh api --silent --method POST "$comments" --field "body=@$written" && commented=1
    fi
  fi
  [ -n "${commented:-}" ] || echo "::notice::the token may not comment on this pull request; the review is in the job summary"
fi
[ "${FAIL_ON:-high}" != never ] || exit 0
exit "$status"
