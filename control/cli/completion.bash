# Completion of chappectl for bash. Commands and options are those that the installed chappectl's help
# shows; devices, routes and invitations are asked of the running relay.
# shellcheck shell=bash

# The commands: one or two words a line.
_chappectl_commands() {
	"$1" --help 2>/dev/null |
		sed -n '/^Commands:/,/^$/s/^  \([a-z]\{1,\}\( [a-z]\{1,\}\)\{0,1\}\) .*/\1/p'
}

# The options of a command, or of none.
_chappectl_options() {
	local program=$1
	shift
	"$program" "$@" --help 2>/dev/null |
		sed -n '/^Options/,/^$/s/^  .\{4\}\(--[a-z-]*\).*/\1/p'
}

# The first column of a list, without its heading.
_chappectl_names() {
	"$@" 2>/dev/null | awk 'NR > 1 { print $1 }'
}

_chappectl() {
	local program=${COMP_WORDS[0]} cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local -a words=() call=("$program")
	local word i skip='' commands command='' operand=0
	COMPREPLY=()
	case $prev in
	--socket | -s | --state | --store)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--user)
		mapfile -t COMPREPLY < <(compgen -u -- "$cur")
		return
		;;
	--ttl | --count | -n | --frames | --bytes | --routes | --limit | --*-frames | --*-bytes | --disk-free)
		return
		;;
	esac
	# What stands before the cursor, without options and their arguments.
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [ -n "$skip" ]; then
			[ "$skip" != socket ] || call+=(--socket "$word")
			skip=
			continue
		fi
		case $word in
		--socket | -s) skip=socket ;;
		--state | --store | --user | --ttl | --count | -n | --frames | --bytes | --routes | --limit | --*-frames | --*-bytes | --disk-free)
			skip=other
			;;
		-*) ;;
		*) words+=("$word") ;;
		esac
	done
	commands=$(_chappectl_commands "$program")
	for i in 2 1; do
		[ ${#words[@]} -ge $i ] || continue
		word="${words[*]:0:i}"
		if grep -qxF -- "$word" <<<"$commands"; then
			command=$word
			operand=$((${#words[@]} - i))
			break
		fi
	done
	if [[ $cur == -* ]]; then
		# shellcheck disable=SC2086
		mapfile -t COMPREPLY < <(compgen -W "$(_chappectl_options "$program" $command)" -- "$cur")
	elif [ -z "$command" ] && [ ${#words[@]} -eq 0 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$(cut -d' ' -f1 <<<"$commands" | sort -u)" -- "$cur")
	elif [ -z "$command" ] && [ ${#words[@]} -eq 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W \
			"$(sed -n "s/^${words[0]} //p" <<<"$commands")" -- "$cur")
	else
		case $command:$operand in
		backup:0 | restore:0) mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
		store\ limits:0) mapfile -t COMPREPLY < <(compgen -W "show set" -- "$cur") ;;
		device\ list:* | invitation\ list:* | init:* | status:* | invite:* | stats:* | audit:*) ;;
		device\ *:0 | route\ list:0 | route\ revoke:1 | session\ list:0 | disclose:0)
			mapfile -t COMPREPLY < <(compgen -W \
				"$(_chappectl_names "${call[@]}" device list)" -- "$cur")
			;;
		route\ revoke:0)
			mapfile -t COMPREPLY < <(compgen -W \
				"$(_chappectl_names "${call[@]}" route list)" -- "$cur")
			;;
		invitation\ cancel:0)
			mapfile -t COMPREPLY < <(compgen -W \
				"$(_chappectl_names "${call[@]}" invitation list)" -- "$cur")
			;;
		esac
	fi
}

complete -F _chappectl chappectl
