# Disks for a test: ext4 on a loop device, its blocks in a file in memory, so that a sync costs little.
# Both go with the test, however it ends. Sourced after system.sh.
# shellcheck shell=bash disable=SC2034,SC2154

disks_possible() { # some containers have no loop devices
	losetup -f >/dev/null 2>&1
}

disk_make() { # disk_make NAME SIZE [MKFS OPTION...]: device in $disk, its blocks in $disk_image
	local held
	disk_image=$T/disks/$1.image
	if [ ! -d "$T/disks" ]; then
		mkdir "$T/disks"
		mount -t tmpfs tmpfs "$T/disks"
		# What is unmounted here has to be for processes in namespaces, too.
		mount --make-shared "$T/disks"
	fi
	truncate -s "$2" "$disk_image"
	mkfs.ext4 -q -m 0 "${@:3}" "$disk_image"
	disk=$(losetup -f --show "$disk_image")
	# The kernel frees it when nobody has it open any more.
	exec {held}<"$disk"
	losetup -d "$disk"
}

disk_mount() { # disk_mount NAME [OPTION...]: the device, at $T/disks/NAME
	mkdir -p "$T/disks/$1"
	mount "${@:2}" "$disk" "$T/disks/$1"
}
