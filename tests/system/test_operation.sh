#!/usr/bin/env bash
# What an operator meets: a wrong configuration is refused with file, line and reason; init does not
# overwrite; SIGTERM drains and ends with status 0; and the exit statuses of the device's commands
# tell apart an unreachable relay, a refusal and a missing acknowledgement.
#
#   alice 192.0.2.2 --veth-- relay: tap0 198.18.0.1, chappe-dataplane .2 --veth-- bob 198.51.100.2
. "$(dirname "$0")/lib/system.sh"

relay_namespace
attach alice e0 192.0.2.2/24 192.0.2.1/24
attach bob e0 198.51.100.2/24 198.51.100.1/24
write_configuration
mount -t tmpfs -o size=2m,mode=700 tmpfs "$state" # to be filled
chown nobody:nogroup "$state"

refused() { # refused LINE PATTERN CONFIGURATION-LINE...: by --check, with file, line and reason
	local line=$1 pattern=$2 status=0
	shift 2
	printf '%s\n' "$@" >"$T/wrong.conf"
	"$build/dataplane/chappe-dataplane" --config "$T/wrong.conf" --check >"$T/refused.out" 2>&1 || status=$?
	[ $status -ne 0 ] || fail "accepted: $*"
	grep -qF "$T/wrong.conf:$line" "$T/refused.out" || fail "no file and line $line in: $(<"$T/refused.out")"
	grep -qiE "$pattern" "$T/refused.out" || fail "no reason $pattern in: $(<"$T/refused.out")"
}

say "a wrong configuration"
"$build/dataplane/chappe-dataplane" --config "$T/dataplane.conf" --check >"$T/check.log" 2>&1 ||
	fail "a good configuration is refused: $(<"$T/check.log")"
refused 2 address "[relay]" "address = 300.1.1.1/24" "[process]" "run_dir = $run" "user = none"
refused 3 port "[relay]" "address = 198.18.0.2/24" "udp_port = 70000" "[process]" "user = none"
refused 2 "unknown|no such|not a" "[relay]" "adress = 198.18.0.2/24"
refused 4 devices "[relay]" "address = 198.18.0.2/24" "[tables]" "devices = -1"
status=0
"$build/dataplane/chappe-dataplane" --config "$T/none.conf" --check >"$T/none.out" 2>&1 || status=$?
[ $status -ne 0 ] && grep -qF "$T/none.conf" "$T/none.out" || fail "a missing configuration: $(<"$T/none.out")"
status=0
"$build/control/chappe-control" --config <(echo "[nonsense]"; echo "a = b") >"$T/none.out" 2>&1 || status=$?
[ $status -ne 0 ] || fail "control accepted nonsense"
checked() { # checked TEXT [FILE]: what control and store say of an account, or of a file
	local program
	for program in control/chappe-control store/chappe-store; do
		status=0
		"$build/$program" --config "${2-$T/wrong.conf}" --check >"$T/checked.out" 2>&1 || status=$?
		[ $status -eq 2 ] && grep -qF "$1" "$T/checked.out" || fail "$program: $status $(<"$T/checked.out")"
	done
}
printf '[process]\nuser = root\n' >"$T/wrong.conf"
checked "user = root is root"
printf '[process]\nuser = no-such-user\n' >"$T/wrong.conf"
checked "no user no-such-user"
checked "Is a directory" "$T"
status=0
"$build/control/chappe-control" --config "$T/control.conf" >"$T/keyless.out" 2>&1 || status=$?
[ $status -eq 1 ] && grep -qF "chappectl restore" "$T/keyless.out" || fail "without a key: $(<"$T/keyless.out")"

relay_start
say "init does not overwrite"
before=$(cksum <"$state/relay.key")
status=0
"$build/control/chappectl" init --state "$state" --user nobody >"$T/again.log" 2>&1 || status=$?
[ $status -eq 5 ] || fail "init on an existing relay ended with $status"
[ "$(cksum <"$state/relay.key")" = "$before" ] || fail "init changed the key"

say "the state directory's disk is full: refused, and status says so; with room it goes on"
dd if=/dev/zero of="$state/fill" bs=4k 2>/dev/null || :
status=0
ctl invite >"$T/full.out" 2>&1 || status=$?
[ $status -eq 1 ] && grep -q "No space left" "$T/full.out" || fail "invite: $status $(<"$T/full.out")"
ctl status >"$T/full.out" || fail "status with a full disk"
grep -q "COULD NOT BE WRITTEN: No space left" "$T/full.out" || fail "status: $(<"$T/full.out")"
rm "$state/fill"
ctl invite >/dev/null 2>&1 || fail "with room again: no invitation"
! ctl status | grep "COULD NOT BE WRITTEN" || fail "the message stays"

say "exit statuses of the device's commands"
device alice alice
device bob bob
contact alice bob
expect() { # expect STATUS NAME ARGUMENT...
	local want=$1 status=0
	shift
	chappe "$@" >"$T/expect.out" 2>&1 </dev/null || status=$?
	[ $status -eq "$want" ] || fail "chappe $* ended with $status, not $want: $(<"$T/expect.out")"
}
expect 9 alice send bob "nobody is listening" --live --timeout 2
expect 14 alice send stranger "hello"
expect 12 alice contact add stranger "chappe:contact/nonsense"
expect 11 alice join "$(ctl invite 2>/dev/null)"
expect 15 alice contact new bob
expect 22 bob recv --timeout 1
expect 0 alice status
expect 2 alice nonsense
invitation=$(ctl invite 2>/dev/null)
device_ns[carol]=alice
device_ns[mallory]=alice
expect 0 carol join "$invitation"
expect 8 mallory join "$invitation"

say "disclose shows what exists, and no secret"
ctl disclose --all >"$T/disclose.out" 2>&1 || fail "disclose: $(<"$T/disclose.out")"
python3 "$lib/collect_needles.py" "$T/device-alice" "$T/device-bob" >"$T/needles"
python3 "$lib/search_memory.py" --file "$T/disclose.out" "$T/needles" || fail "disclose shows a secret"
ctl disclose --all --json | json 'len(j)' >/dev/null || fail "disclose --json"

say "SIGTERM"
ended_well() { # ended_well PID NAME
	kill -TERM "$1"
	wait_for 10 "$2 ends" eval "! alive $1"
}
for job in $(jobs -p); do # the daemons are children of this shell
	case $job in
	"$dataplane_pid" | "$control_pid")
		kill -TERM "$job"
		status=0
		wait "$job" || status=$?
		[ $status -eq 0 ] || fail "process $job ended with $status at SIGTERM"
		;;
	esac
done
wait_for 1 "both are gone" eval "! alive $dataplane_pid && ! alive $control_pid"
[ ! -e "$T/dataplane.pid" ] && [ ! -e "$T/control.pid" ] || say "note: pid files stay"

say "without a relay"
expect 3 alice send bob "hello?" --live --timeout 5
expect 28 alice send bob "hello?" --timeout 5 # it is kept and goes with the next send
status=0
ctl status >"$T/down.out" 2>&1 || status=$?
[ $status -eq 3 ] || fail "chappectl without control ended with $status"
check_wire
