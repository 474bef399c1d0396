#!/usr/bin/env bash
# What the steps of the action share: their inputs, and the comment on the pull request.

refuse() {
  echo "::error::$1"
  exit 2
}
[[ ${PULL_REQUEST:-} =~ ^[0-9]*$ ]] || refuse "the number of the pull request is no number"

# The lines of an input, in `found`.
lines() {
  found=()
  local line
  while IFS= read -r line; do
    # Without the carriage return and the spaces around it, as a form or an editor leaves them.
    line=${line#"${line%%[![:space:]]*}"}
    line=${line%"${line##*[![:space:]]}"}
    [ -z "$line" ] || found+=("$line")
  done <<<"$1"
}

# One comment for each mark, written anew: the mark in its first line tells it from others, and anyone may write that, but not as a bot.
comment() {
  local mark=$1 written=$2 what=$3 comments own commented=""
  if [ "${COMMENT:-true}" != true ] || [ -z "${PULL_REQUEST:-}" ] || ! command -v gh >/dev/null; then
    return 0
  fi
  comments=repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments
  if own=$(gh api --paginate "$comments" --jq ".[] | select(.body | startswith(\"$mark\")) | select(.user.type == \"Bot\") | .id" 2>/dev/null | head -n 1); then
    if [ -n "$own" ]; then
      gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$own" --field "body=@$written" && commented=1
    else
      gh api --silent --method POST "$comments" --field "body=@$written" && commented=1
    fi
  fi
  [ -n "$commented" ] || echo "::notice::the token may not comment on this pull request; $what is in the job summary"
}
