# The library of the system tests; each test sources it first.
#
# A test runs in mount, network and process namespaces of its own: whatever it starts, mounts or
# names dies with it, and neither other tests nor the machine's network see any of it. Inside,
# `namespace NAME` makes further network namespaces.
#
# Everything waits for events with a limit (wait_for); nothing sleeps for luck.
# shellcheck shell=bash disable=SC2034

if [ -z "${CHAPPE_SYSTEM_TEST-}" ]; then
	if [ "$(id -u)" -ne 0 ]; then
		exec sudo --preserve-env=BUILD,KEEP "$BASH" "$0" "$@"
	fi
	export CHAPPE_SYSTEM_TEST=1
	exec unshare --mount --net --pid --fork --kill-child --mount-proc "$BASH" "$0" "$@"
fi

set -euo pipefail
export LC_ALL=C
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
lib=$top/tests/system/lib
build=$top/${BUILD-build}
test_name=$(basename "$0" .sh)

T=$(mktemp -d "/tmp/chappe-$test_name.XXXXXX")
chmod 711 "$T"
mkdir -p /run/netns /run/dpdk
mount -t tmpfs tmpfs /run/netns
mount -t tmpfs tmpfs /run/dpdk
ip link set lo up

# ---- Ends and waits ----

say() {
	printf '%s %s\n' "$(date +%T.%3N)" "$*"
}

fail() {
	say "FAILED: $*"
	exit 1
}

skip() {
	say "SKIPPED: $*"
	exit 0
}

cleanup() {
	local status=$? log job
	trap - EXIT
	set +e
	if grep -lE 'ERROR: (Address|Leak)Sanitizer|runtime error:' "$T"/*.log "$T"/*.out 2>/dev/null; then
		say "FAILED: a sanitizer complained"
		status=1
		LOG_LINES=60
	fi
	if [ $status -ne 0 ]; then
		for log in "$T"/*.log "$T"/*.out; do
			[ -s "$log" ] || continue
			echo "---- $(basename "$log")"
			tail -n "${LOG_LINES-15}" "$log"
		done
	fi
	# Whatever else runs in this process namespace ends with this shell, its first process.
	for job in $(jobs -p); do kill -9 "$job" 2>/dev/null; done
	wait 2>/dev/null
	awk -v t="$T/" 'index($2, t) == 1 { print $2 }' /proc/self/mounts | sort -r | xargs -r umount -l
	[ -n "${KEEP-}" ] && echo "kept: $T" || rm -rf "$T"
	[ $status -eq 0 ] && say "passed: $test_name"
	exit $status
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# wait_for SECONDS WHAT COMMAND...: until the command succeeds; fails when it does not in time
wait_for() {
	local limit=$1 what=$2 until
	shift 2
	until=$((${EPOCHREALTIME/./} + limit * 1000000))
	until "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME/./}" -lt "$until" ] || fail "not within ${limit}s: $what"
		read -rt 0.02 <> <(:) || :
	done
}

# now_ms: for what has to happen within a time
now_ms() {
	echo $((${EPOCHREALTIME/./} / 1000))
}

alive() { # alive PID
	[ -d "/proc/$1" ] && ! grep -q '^State:.*zombie' "/proc/$1/status"
}

# ---- Network ----

namespace() { # namespace NAME
	ip netns add "$1"
	ip -n "$1" link set lo up
	in_ns "$1" sysctl -q -w net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
}

in_ns() { # in_ns NAME COMMAND...
	local ns=$1
	shift
	ip netns exec "$ns" "$@"
}

# The same for a program in the background: $! is the program itself.
spawn_in() { # spawn_in NAME COMMAND... &
	local ns=$1
	shift
	exec ip netns exec "$ns" "$@"
}

# The relay's namespace routes between the TAP's kernel side and the devices' subnets.
relay_namespace() {
	namespace relay
	in_ns relay sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
		net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
}

# attach NAME INTERFACE ADDRESS/LEN GATEWAY/LEN: a device's namespace (made if need be) on a subnet
# of its own, its gateway the relay's namespace
attach() {
	local ns=$1 interface=$2 address=$3 gateway=$4
	ip netns list | grep -qw "^$ns" || namespace "$ns"
	ip -n relay link add "$ns-$interface" type veth peer name "$interface" netns "$ns"
	ip -n relay addr add "$gateway" dev "$ns-$interface"
	ip -n "$ns" addr add "$address" dev "$interface"
	ip -n relay link set "$ns-$interface" up
	ip -n "$ns" link set "$interface" up
	ip -n "$ns" route replace default via "${gateway%/*}" dev "$interface"
}

# ---- The relay ----

# What a test may set before relay_start:
RELAY_ADDRESSES=("198.18.0.2/24" "2001:2::2/64") # of the dataplane
KERNEL_ADDRESSES=("198.18.0.1/24" "2001:2::1/64") # of the other side
RELAY_NAMES=("198.18.0.2:4460") # what invitations and links carry
DEVICES=256
WORKERS=1
VDEV=net_tap0,iface=tap0 # DPDK's port; `tap0` is also what is captured
PORT_NS=relay            # the namespace that the dataplane runs in
WIRE=tap0                # the interface of namespace relay to capture on
MEMORY=(--no-huge -m 256)
IDLE_SLEEP_US=100
EAL_EXTRA=()
STORE=yes # with a message store

run=$T/run
depot=$T/store # of chappe-store
state=$T/state
control_socket=$run/control.sock

ctl() {
	"$build/control/chappectl" --socket "$control_socket" "$@"
}

json() { # json EXPRESSION: of the Python value j read from standard input
	python3 -c "import json,sys; j = json.load(sys.stdin); print($1)"
}

write_configuration() {
	local address
	mkdir -p "$run" "$state" "$depot"
	chown nobody:nogroup "$run" "$state" "$depot"
	chmod 700 "$depot"
	{
		echo "[relay]"
		for address in "${RELAY_ADDRESSES[@]}"; do echo "address = $address"; done
		printf '%s\n' "udp_port = 4460" "[tables]" "devices = $DEVICES" "routes_per_device = 32" \
			"[worker]" "idle_sleep_us = $IDLE_SLEEP_US" "[process]" "run_dir = $run" "user = nobody"
	} >"$T/dataplane.conf"
	printf '%s\n' "[store]" "state_dir = $state" "[dataplane]" "run_dir = $run" \
		"[api]" "socket = $control_socket" "group = nogroup" \
		"[process]" "user = nobody" "[relay]" "${RELAY_NAMES[@]/#/name = }" >"$T/control.conf"
	printf '%s\n' "[store]" "dir = $depot" "[dataplane]" "run_dir = $run" \
		"[process]" "user = nobody" >"$T/store.conf"
}

# The lcores share all of the processors: a test machine has two.
lcores() {
	local cpus lcore list
	cpus=$(awk '/^Cpus_allowed_list/ { print $2 }' /proc/self/status)
	list="0@($cpus)"
	for ((lcore = 1; lcore <= WORKERS; lcore++)); do list+=",$lcore@($cpus)"; done
	echo "$list"
}

dataplane_start() {
	wait_for 10 "no earlier tap0 is left" no_tap
	rm -f "$T/dataplane.pid"
	spawn_in "$PORT_NS" "$build/dataplane/chappe-dataplane" --config "$T/dataplane.conf" \
		--pid-file "$T/dataplane.pid" -- "${MEMORY[@]}" --no-pci --no-telemetry \
		--file-prefix chappe --lcores "$(lcores)" --vdev "$VDEV" ${EAL_EXTRA[@]+"${EAL_EXTRA[@]}"} \
		>>"$T/dataplane.log" 2>&1 &
	wait_for 20 "dataplane is up" test -s "$T/dataplane.pid" -a -S "$run/table.sock"
	dataplane_pid=$(<"$T/dataplane.pid")
	[[ $VDEV != net_tap* ]] || kernel_side_up
}

# The other kinds of port hang on one end of a pair, p1; p0 is the kernel's side. The kernel sees what
# arrives at p1 as well, and would forward it in a circle: p1 is in a namespace that does not route.
pair_up() {
	local address
	PORT_NS=port
	namespace port
	ip -n relay link add p0 type veth peer name p1 netns port
	# What leaves p0 is read by a driver that does not know of checksums left to hardware.
	in_ns relay python3 "$lib/checksums.py" p0
	in_ns port sysctl -q -w net.ipv6.conf.p1.disable_ipv6=1 net.ipv4.ip_forward=0
	for address in "${KERNEL_ADDRESSES[@]}"; do
		ip -n relay addr add "$address" dev p0
	done
	ip -n relay link set p0 up
	ip -n port link set p1 up
}

# A process that was killed has not ended before its TAP is gone.
no_tap() {
	! ip -n relay link show tap0
}

# The TAP's kernel side is made by the dataplane, and anew with each one.
kernel_side_up() {
	local address
	wait_for 10 "tap0 is there" ip -n relay link show tap0
	in_ns relay sysctl -q -w "net.ipv6.conf.tap0.accept_dad=0"
	for address in "${KERNEL_ADDRESSES[@]}"; do
		ip -n relay addr replace "$address" dev tap0
	done
	ip -n relay link set tap0 up
}

control_start() {
	rm -f "$T/control.pid"
	"$build/control/chappe-control" --config "$T/control.conf" --pid-file "$T/control.pid" \
		>>"$T/control.log" 2>&1 &
	wait_for 20 "control answers" control_answers
	control_pid=$(<"$T/control.pid")
}

control_answers() { # with or without a dataplane
	local status=0
	ctl status || status=$?
	[ $status -eq 0 ] || [ $status -eq 7 ]
}

store_start() {
	local before
	before=$(grep -c 'store.sock: chappe-store connected' "$T/dataplane.log" || :)
	rm -f "$T/store.pid"
	"$build/store/chappe-store" --config "$T/store.conf" --pid-file "$T/store.pid" \
		>>"$T/store.log" 2>&1 &
	wait_for 20 "the store is up" test -s "$T/store.pid"
	store_pid=$(<"$T/store.pid")
	wait_for 10 "the store has found the dataplane" store_attached $((before + 1))
}

store_attached() { # store_attached N: for the Nth time since the test began
	[ "$(grep -c 'store.sock: chappe-store connected' "$T/dataplane.log")" -ge "$1" ]
}

# The processes, in step, and the capture of the wire.
relay_start() {
	ip netns list | grep -qw ^relay || relay_namespace
	write_configuration
	"$build/control/chappectl" init --state "$state" --user nobody >"$T/init.log" 2>&1 ||
		fail "chappectl init: $(<"$T/init.log")"
	dataplane_start
	capture_start
	control_start
	[ -z "$STORE" ] || store_start
	relay_ready
}

# Control and dataplane have each other's tables.
relay_ready() {
	wait_for 10 "control and dataplane are in step" in_step
}

in_step() {
	[ "$(ctl status --json | json 'j["dataplane"]["in_step"]')" = True ]
}

counter() { # counter NAME: of the dataplane, all workers together
	ctl stats --json | json "j['total']['$1']"
}

# ---- The wire ----

captures=()
capture_start() {
	local file=$T/wire.${#captures[@]}.pcap
	captures+=("$file")
	spawn_in relay python3 "$lib/capture.py" "$WIRE" "$file" >"$file.out" 2>&1 &
	capture_pid=$!
	wait_for 20 "capture runs" grep -q capturing "$file.out"
}

capture_stop() {
	[ -n "${capture_pid-}" ] || return 0
	kill -TERM "$capture_pid"
	wait "$capture_pid" || fail "capture lost frames: $(<"${captures[-1]}.out")"
	capture_pid=
}

# What must hold in every test, whatever it does: check_wire [--without ADDRESS]...
check_wire() {
	local check
	capture_stop
	for check in counters sizes common; do
		python3 "$lib/check_wire.py" "$check" "$@" "${captures[@]}" || fail "the wire: $check"
	done
}

# ---- Devices ----

declare -A device_ns device_pid device_in

device() { # device NAME NAMESPACE: invited and joined
	local name=$1 invitation
	device_ns[$name]=$2
	invitation=$(ctl invite --json | json 'j["invitations"][0]["uri"]')
	chappe "$name" join "$invitation" >"$T/$name.join.log" 2>&1 || fail "$name could not join: $(<"$T/$name.join.log")"
}

chappe() { # chappe NAME ARGUMENT...: the device's command line
	local name=$1
	shift
	in_ns "${device_ns[$name]}" "$build/src/chappe" --dir "$T/device-$name" "$@"
}

# contact A B: A makes a link for B, B adds it; both can write to each other afterwards. A has to be
# online for B's hello.
contact() {
	local link
	link=$(chappe "$1" contact new "$2" 2>"$T/$1.log") || fail "$1 could not make a contact: $(<"$T/$1.log")"
	echo "$link" >"$T/$1-$2.link"
	spawn_in "${device_ns[$1]}" "$build/src/chappe" --dir "$T/device-$1" recv --timeout 15 \
		>"$T/$1.greeting.log" 2>&1 &
	local greeted=$!
	chappe "$2" contact add "$1" "$link" >"$T/$2.log" 2>&1 || fail "$2 could not add $1: $(<"$T/$2.log")"
	kill "$greeted" 2>/dev/null || :
	wait "$greeted" 2>/dev/null || :
}

# talk_start NAME: the device as a long-running application (tools/talk.c), driven by `talk`
talk_start() {
	local name=$1 fifo=$T/$1.fifo fd
	[ -p "$fifo" ] || mkfifo "$fifo"
	spawn_in "${device_ns[$name]}" "$build/tests/system/talk" "$T/device-$name" "$name" \
		<>"$fifo" >>"$T/$name.talk" 2>"$T/$name.talk.log" &
	device_pid[$name]=$!
	exec {fd}>"$fifo"
	device_in[$name]=$fd
	wait_for 10 "$name is connected" grep -q '^state connected' "$T/$name.talk"
}

talk() { # talk NAME LINE
	echo "$2" >&"${device_in[$1]}"
}

talk_stop() { # talk_stop NAME
	talk "$1" quit
	wait "${device_pid[$1]}" || fail "$1 ended with status $?"
}

acked() { # acked NAME CONTACT: how many of NAME's messages the contact acknowledged
	grep -c "^acked $2 " "$T/$1.talk" || :
}

accepted() { # accepted NAME CONTACT: how many of NAME's messages the relay has stored
	grep -c "^accepted $2 " "$T/$1.talk" || :
}

got() { # got NAME CONTACT: how many different whole messages NAME has of the contact
	awk -v c="$2" '$1 == "message" && $2 == c { print $4 }' "$T/$1.talk" | sort -u | wc -l
}

at_least() { # at_least N COMMAND...: the command prints a number that is not below N
	local n=$1
	shift
	[ "$("$@")" -ge "$n" ]
}

no_damage() { # no_damage NAME...: nothing came out changed or twice
	local name
	for name; do
		! grep '^damaged' "$T/$name.talk" || fail "$name received a message that is not what was sent"
		[ -z "$(awk '$1 == "message" { print $2, $4 }' "$T/$name.talk" | sort | uniq -d)" ] ||
			fail "$name received a message twice"
	done
}
