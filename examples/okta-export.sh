#!/usr/bin/env bash
# Write all users of an Okta organisation to export.csv, for `userdrop convert --mapping okta`. It needs curl and jq.
#
#   OKTA_URL=https://YOUR-ORGANISATION.okta.com OKTA_TOKEN=… examples/okta-export.sh
#
# Okta does not list users with the status DEPROVISIONED. The file holds personal data: only its owner can read it.
set -euo pipefail
umask 077
: "${OKTA_URL:?}" "${OKTA_TOKEN:?}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

next="$OKTA_URL/api/v1/users?limit=200"
while [ -n "$next" ]; do
  # The token is read from standard input, so that the list of processes does not show it.
  curl -fsS --retry 5 -D "$work/headers" -H @- "$next" <<<"Authorization: SSWS $OKTA_TOKEN" >>"$work/pages"
  next=$(sed -n 's/^[Ll]ink: <\([^>]*\)>; rel="next".*/\1/p' "$work/headers")
done

jq -rs '
  ["id", "status", "login", "email", "firstName", "lastName", "displayName", "nickName", "mobilePhone", "locale",
   "timezone"] as $names
  | $names + ["credentials.provider.type"],
    (.[][] | [(.profile + {id, status})[$names[]], .credentials.provider.type])
  | @csv' "$work/pages" >export.csv
