#!/usr/bin/env bash
# A few rounds of kill_soak with all real processes; test_store_kill.sh has hundreds of chappe-store's.
exec "$(dirname "$0")/kill_soak" --relay-rounds 10
