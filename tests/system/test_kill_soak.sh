#!/usr/bin/env bash
# Rounds of kill_soak with all real processes, each of which is killed six times or more;
# test_store_kill.sh has hundreds of chappe-store's.
exec "$(dirname "$0")/kill_soak" --relay-rounds 60
