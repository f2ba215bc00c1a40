#!/usr/bin/env bash
# Once they run, no task of the three relay processes has a capability, all have no_new_privs and a
# seccomp filter, none is root, and the processes can't be traced or dumped by their own user. A
# process that is compromised can open no file but its own and no socket of a network, reach no other
# process and start none: each is made to try.
#
#   alice 192.0.2.2 --veth-- relay: tap0 198.18.0.1, chappe-dataplane .2 --veth-- bob 198.51.100.2
. "$(dirname "$0")/lib/system.sh"

WORKERS=2
relay_namespace
attach alice e0 192.0.2.2/24 192.0.2.1/24
attach bob e0 198.51.100.2/24 198.51.100.1/24
relay_start

field() { # field NAME FILE
	awk -v n="$1:" '$1 == n { $1 = ""; sub(/^ /, ""); print }' "$2"
}

gone() {
	! alive "$1"
}

confined() { # confined NAME PID
	local task caps name tasks=0
	for task in "/proc/$2/task"/*; do
		tasks=$((tasks + 1))
		name="$1 task ${task##*/} ($(field Name "$task/status"))"
		for caps in CapInh CapPrm CapEff CapBnd CapAmb; do
			[ "$(field $caps "$task/status")" = 0000000000000000 ] ||
				fail "$name: $caps $(field $caps "$task/status")"
		done
		[ "$(field NoNewPrivs "$task/status")" = 1 ] || fail "$name: no_new_privs is not set"
		[ "$(field Seccomp "$task/status")" = 2 ] || fail "$name: no seccomp filter"
		[[ "$(field Uid "$task/status")" =~ ^65534[[:space:]]65534[[:space:]]65534 ]] ||
			fail "$name: uid $(field Uid "$task/status")"
		[[ ! "$(field Groups "$task/status")" =~ (^|[[:space:]])0([[:space:]]|$) ]] ||
			fail "$name: groups $(field Groups "$task/status")"
	done
	# Not dumpable: its /proc files belong to root, and its user can't attach to it.
	[ "$(stat -c %u "/proc/$2/mem")" = 0 ] || fail "$1 is dumpable"
	! setpriv --reuid nobody --regid nogroup --clear-groups head -c 1 "/proc/$2/environ" >/dev/null 2>&1 ||
		fail "$1 can be read by its own user"
	say "$1: $tasks tasks are confined"
}

confined chappe-dataplane "$dataplane_pid"
confined chappe-control "$control_pid"
confined chappe-store "$store_pid"

say "and they work like this"
device alice alice
device bob bob
contact alice bob
talk_start alice
talk_start bob
talk alice "send bob 5 3000 0"
wait_for 20 "messages arrive" at_least 5 acked alice bob
confined chappe-dataplane "$dataplane_pid"
confined chappe-control "$control_pid"
confined chappe-store "$store_pid"

say "locked memory: what holds keys is not swapped or dumped"
[ "$(field VmLck "/proc/$dataplane_pid/status" | tr -dc 0-9)" -gt 0 ] || fail "the dataplane locks no memory"
[ "$(stat -c %a "$state/relay.key")" = 600 ] || fail "relay.key has mode $(stat -c %a "$state/relay.key")"
[ "$(stat -c %a "$depot")" = 700 ] || fail "the store's directory has mode $(stat -c %a "$depot")"
for socket in table punt store store-admin; do
	[ "$(stat -c %a "$run/$socket.sock")" = 600 ] || fail "$socket.sock has mode $(stat -c %a "$run/$socket.sock")"
done
[ "$(stat -c %a "$control_socket")" = 660 ] || fail "control.sock has mode $(stat -c %a "$control_socket")"

tries() { # tries NAME PID EXPECTED WHAT [OPERAND]
	local status=0 said
	said=$(python3 "$lib/as_intruder.py" "$2" "${@:4}" 2>&1) || status=$?
	[ $status -ne 3 ] || skip "the rest: this machine lets nobody trace a process: $said"
	[ $status -eq 0 ] || fail "$1, $4: $said"
	[[ "$said" =~ ^"$4 ${5-}: "($3)$ ]] || fail "$1: $said, not $3"
}

# Version 2 is the first that is used, 6 keeps signals in.
landlock=$(python3 -c 'import ctypes; print(ctypes.CDLL(None).syscall(444, None, 0, 1))')

say "what somebody who has taken a process over would try"
chmod 644 "$T/control.conf"
if [ "$landlock" -ge 2 ]; then
	tries chappe-control "$control_pid" EACCES open "$depot/messages/index/CURRENT"
	tries chappe-control "$control_pid" EACCES create "$depot/new"
	tries chappe-store "$store_pid" EACCES open "$state/chappe.db"
	tries chappe-store "$store_pid" EACCES open "$T/control.conf"
	tries chappe-store "$store_pid" EACCES open /etc/passwd
	tries chappe-store "$store_pid" EACCES create "$run/new"
	tries chappe-store "$store_pid" allowed open "$depot/messages/index/CURRENT"
	tries chappe-control "$control_pid" allowed open "$state/chappe.db"
else
	say "this kernel has no Landlock: files are not tried"
fi
for process in "chappe-control $control_pid" "chappe-store $store_pid" "chappe-dataplane $dataplane_pid"; do
	read -r name pid <<<"$process"
	other=$store_pid
	[ "$pid" != "$store_pid" ] || other=$control_pid
	tries "$name" "$pid" EPERM kill "$other"
	tries "$name" "$pid" EPERM tgkill "$other"
	tries "$name" "$pid" EPERM fork
done
# Nor can it take the place of their sockets, in a directory of its own account.
tries chappe-dataplane "$dataplane_pid" EPERM listen "$run/new.sock"
for socket in "stream $control_socket" "seqpacket $run/store-admin.sock"; do
	tries chappe-dataplane "$dataplane_pid" EPERM ${socket% *} "${socket#* }"
done
tries chappe-dataplane "$dataplane_pid" EPERM open /etc/passwd
for process in "chappe-control $control_pid" "chappe-store $store_pid" "chappe-dataplane $dataplane_pid"; do
	read -r name pid <<<"$process"
	tries "$name" "$pid" "EACCES|EPERM" socket
done
talk alice "send bob 5 700 0"
wait_for 20 "and none has noticed" at_least 10 acked alice bob
check_wire

say "who starts a program ends"
for process in "chappe-control $control_pid" "chappe-store $store_pid" "chappe-dataplane $dataplane_pid"; do
	read -r name pid <<<"$process"
	if [ "$name" = chappe-store ]; then
		# Nobody is connected as control now.
		tries "$name" "$pid" closed seqpacket "$run/table.sock"
		tries "$name" "$pid" closed seqpacket "$run/punt.sock"
	fi
	tries "$name" "$pid" ended execve /bin/true 2>/dev/null
	wait_for 10 "$name has ended" gone "$pid"
done
