#!/usr/bin/env bash
# What action.yml runs: `mlgate judge` with the inputs, which come as environment, and its verdict as outputs and summary.
set -euo pipefail
python="$RUNNER_TEMP/mlgate/bin/python"
folder=$(mktemp -d "$RUNNER_TEMP/verdict.XXXXXX")

options=(--label-column="$LABEL" --fail-on="$FAIL_ON" --json="$folder/verdict.json" --markdown="$folder/verdict.md")
if [ -n "$ANSWERS" ]; then
    options+=(--answers="$ANSWERS" --production-column="$PRODUCTION_COLUMN" --candidate-column="$CANDIDATE_COLUMN")
fi
if [ -n "$PRODUCTION" ]; then options+=(--production="$PRODUCTION"); fi
if [ -n "$CANDIDATE" ]; then options+=(--candidate="$CANDIDATE"); fi
if [ -n "$DATA" ]; then options+=(--data="$DATA" --text-column="$TEXT"); fi
if [ -n "$SLICE" ]; then options+=(--slice-column="$SLICE"); fi
if [ -n "$CLUSTER" ]; then options+=(--cluster-column="$CLUSTER"); fi
if [ -n "$POLICY" ]; then options+=(--policy="$POLICY"); fi

status=0
"$python" -m mlgate judge "${options[@]}" || status=$?

if [ -f "$folder/verdict.md" ]; then cat "$folder/verdict.md" >> "$GITHUB_STEP_SUMMARY"; fi
"$python" - "$folder/verdict.json" "$status" >> "$GITHUB_OUTPUT" <<'END'
import json, os, sys

path, status = sys.argv[1:]
print(f"exit-code={status}")
if os.path.exists(path):
    with open(path, encoding="utf-8") as file:
        verdict = json.load(file)
    difference = verdict["difference"] or {}
    print(f"verdict={path}\ndecision={verdict['decision']}\nrows={verdict['rows']['digest']}")
    print("".join(f"{to}={difference.get(it, '')}\n" for to, it in
                  (("difference", "estimate"), ("low", "low"), ("high", "high"))), end="")
END
exit "$status"
