#!/bin/sh
# Who answers for this coordinate? WANGGE_URL and WANGGE_TOKEN say where and as whom to ask.
set -eu
curl --fail-with-body --silent --get "$WANGGE_URL/api/v1/assign" \
    --header "Authorization: Bearer $WANGGE_TOKEN" \
    --data-urlencode "lon=$1" --data-urlencode "lat=$2" --data-urlencode "crs=$3" \
    --data-urlencode "accuracy_m=15"
