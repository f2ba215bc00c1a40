#!/usr/bin/env bash
# How chappe-dataplane starts and ends by itself: what it refuses and what it says then, a second
# instance, what a killed one leaves, SIGTERM, an account to drop to or none, each kind of memory.
#
#   no network: its port is net_null or net_ring
. "$(dirname "$0")/lib/system.sh"

dataplane=$build/dataplane/chappe-dataplane
cpus=$(awk '/^Cpus_allowed_list/ { print $2 }' /proc/self/status)
LCORES=(--lcores "0@($cpus),1@($cpus)")
EAL=(--no-huge -m 128 --no-pci --vdev net_null0)

configure() { # configure USER [LINE...]
	{
		printf '[relay]\naddress = 198.18.0.2/24\n[tables]\ndevices = 64\n[worker]\nidle_sleep_us = 1000\n'
		printf '[process]\nrun_dir = %s\nuser = %s\n' "$T/run" "$1"
		shift
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} >"$T/c.ini"
}

refuses() { # refuses STATUS TEXT ARGUMENT...
	local expected=$1 text=$2 status=0
	shift 2
	timeout 30 "$dataplane" "$@" >"$T/refused.out" 2>&1 || status=$?
	[ $status -eq "$expected" ] || fail "$*: status $status, not $expected"
	grep -qF -- "$text" "$T/refused.out" || fail "$*: does not say '$text'"
}

start() { # start ARGUMENT...
	rm -f "$T/dataplane.log" # so that no earlier one's readiness is taken for this one's
	"$dataplane" --config "$T/c.ini" --pid-file "$T/pid" -- "$@" >"$T/dataplane.log" 2>&1 &
	pid=$!
	wait_for 20 "it is ready" grep -q '^chappe-dataplane: ready$' "$T/dataplane.log"
	[ "$(<"$T/pid")" -eq "$pid" ] || fail "the pid file says $(<"$T/pid"), not $pid"
	[ -S "$T/run/table.sock" ] && [ -S "$T/run/punt.sock" ] || fail "its sockets are not there"
}

stop() {
	local status=0
	kill -"${1-TERM}" "$pid"
	wait "$pid" || status=$?
	[ $status -eq 0 ] || fail "it ended with status $status"
	[ ! -e "$T/run/table.sock" ] && [ ! -e "$T/run/punt.sock" ] || fail "it left its sockets"
}

say "what it refuses"
configure nobody
refuses 2 "--config FILE is missing" -- "${EAL[@]}"
refuses 2 "EAL arguments stand after --" --config "$T/c.ini" -l 0
refuses 2 "'extra': EAL arguments stand after --" --config "$T/c.ini" extra
refuses 2 "$T/none.ini: No such file" --config "$T/none.ini"
refuses 0 "$T/c.ini: fine" --config "$T/c.ini" --check
refuses 0 "usage:" --help
configure nobody "[tables]" "devices = 1"
refuses 2 "$T/c.ini:11: devices is given twice" --config "$T/c.ini" --check
configure no-such-user
refuses 2 "no account 'no-such-user'" --config "$T/c.ini" --check
configure root
refuses 2 "is root" --config "$T/c.ini" --check
configure nobody
refuses 1 "one lcore is not enough" --config "$T/c.ini" -- --lcores "0@($cpus)" "${EAL[@]}"
refuses 1 "no port: name one" --config "$T/c.ini" -- "${LCORES[@]}" --no-huge -m 128 --no-pci
refuses 1 "EAL does not start" --config "$T/c.ini" -- "${LCORES[@]}" "${EAL[@]}" --no-such-option
configure nobody "[relay]" "address = 198.18.1.2/24 port 1"
refuses 1 "gives an address to port 1: there are 1 ports" \
	--config "$T/c.ini" -- "${LCORES[@]}" "${EAL[@]}"

say "too little memory: it says how much it takes, and that is enough"
sed -i 's/^devices = .*/devices = 40000/' "$T/c.ini"
sed -i '/198.18.1.2/d' "$T/c.ini"
refuses 1 "give EAL at least -m" --config "$T/c.ini" -- "${LCORES[@]}" "${EAL[@]}"
need=$(sed -n 's/.*at least -m \([0-9]*\).*/\1/p' "$T/refused.out")
start "${LCORES[@]}" --no-huge -m "$need" --no-pci --vdev net_null0
stop

say "a second instance, and a dead one's sockets"
configure nobody
start "${LCORES[@]}" "${EAL[@]}"
refuses 1 "is a chappe-dataplane running already?" --config "$T/c.ini" -- "${LCORES[@]}" "${EAL[@]}"
stop
start "${LCORES[@]}" --no-huge -m 128 --no-pci --vdev net_tap0,iface=tap0
mac=$(ip -o link show tap0 | grep -o 'link/ether [0-9a-f:]*') # EAL would take the TAP over
refuses 1 "is a chappe-dataplane running already?" \
	--config "$T/c.ini" -- "${LCORES[@]}" --no-huge -m 128 --no-pci --vdev net_tap0,iface=tap0
[ "$(ip -o link show tap0 | grep -o 'link/ether [0-9a-f:]*')" = "$mac" ] ||
	fail "a second instance that is refused has changed the port of the first"
kill -9 "$pid"
wait "$pid" || :
[ -S "$T/run/table.sock" ] || fail "a killed one has no way to remove its socket"
start "${LCORES[@]}" "${EAL[@]}"
[ "$(stat -c %a:%U "$T/run/table.sock")" = 600:nobody ] || fail "table.sock: $(stat -c %a:%U "$T/run/table.sock")"
for group in daemon nogroup; do # that of those who may administer the relay is no better
	! setpriv --reuid daemon --regid $group --clear-groups python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect(sys.argv[1])' "$T/run/table.sock" 2>/dev/null ||
		fail "any user of group $group may connect to table.sock"
done
stop INT

say "user = none: no capability can be gained, system calls are filtered"
configure none
start "${LCORES[@]}" "${EAL[@]}"
for task in "/proc/$pid/task"/*; do
	for field in 'NoNewPrivs:\s1' 'Seccomp:\s2' 'CapBnd:\s0000000000000000' 'CapInh:\s0000000000000000'; do
		grep -qP "^$field\$" "$task/status" || fail "task ${task##*/}: not $field"
	done
done
stop

say "started as its user, with capabilities: it gives them up as well"
configure nobody
rm -rf "$T/run" "$T/pid"
install -d -o nobody -g nogroup "$T/run"
setpriv --reuid nobody --regid nogroup --clear-groups --inh-caps +net_admin,+net_raw \
	--ambient-caps +net_admin,+net_raw "$dataplane" --config "$T/c.ini" -- "${LCORES[@]}" "${EAL[@]}" \
	>"$T/as-nobody.log" 2>&1 &
pid=$!
wait_for 20 "it is ready" grep -q '^chappe-dataplane: ready$' "$T/as-nobody.log"
for task in "/proc/$pid/task"/*; do
	for field in CapPrm CapEff CapInh CapAmb; do
		grep -qP "^$field:\s0000000000000000\$" "$task/status" || fail "task ${task##*/} has $field"
	done
done
stop
rm -rf "$T/run"

say "more workers than queues, several ports, net_ring"
configure nobody
start --lcores "0@($cpus),1@($cpus),2@($cpus),3@($cpus)" --no-huge -m 256 --no-pci \
	--vdev net_null0 --vdev net_ring0 --vdev net_af_packet0,iface=lo
grep -qE '^info port 1: .*net_ring' "$T/dataplane.log" || fail "net_ring is not there"
grep -qE '^info port 2: .*net_af_packet' "$T/dataplane.log" || fail "net_af_packet is not there"
stop

say "hugepages, where the machine can spare some"
pages=$(</proc/sys/vm/nr_hugepages)
echo 128 2>/dev/null >/proc/sys/vm/nr_hugepages || :
if [ "$(awk '/^HugePages_Free/ { print $2 }' /proc/meminfo)" -ge 100 ]; then
	start "${LCORES[@]}" -m 192 --no-pci --vdev net_null0
	grep -q '^HugetlbPages:.*[1-9]' "/proc/$pid/status" || fail "no hugepage is in use"
	stop
	[ -z "$(ls -A /dev/hugepages 2>/dev/null)" ] || fail "files are left in /dev/hugepages"
else
	say "(none: left out)"
fi
echo "$pages" >/proc/sys/vm/nr_hugepages 2>/dev/null || :
