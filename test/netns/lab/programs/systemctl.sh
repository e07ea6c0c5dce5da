#!/bin/sh
# As much of systemctl as `lacis init`, `join` and `leave` use, for a root without systemd: starts what the units say, as the users that they name and with their privileges.
set -e
units=/lib/systemd/system
of() { sed -n "s/^$2=//p" "$units/$1" | head -n 1; }

started() {
    unit=$1
    needed=$(of "$unit" Requires)
    [ -z "$needed" ] || (started "$needed") || return 1
    user=$(of "$unit" User)
    powers=$(of "$unit" AmbientCapabilities | tr 'A-Z' 'a-z' | sed 's/cap_/,+/g')
    folder=$(of "$unit" WorkingDirectory)
    runtime=$(of "$unit" RuntimeDirectory)
    command=$(of "$unit" ExecStart | sed 's/ \$[A-Z_]*//g')
    [ -z "$runtime" ] || { mkdir -p -m 0750 "/run/$runtime" && chown lacis: "/run/$runtime"; }
    cd "${folder:-/}"
    # shellcheck disable=SC2046,SC2086
    setsid setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs \
        --inh-caps "-all$powers" --ambient-caps "-all$powers" --bounding-set "-all$powers" \
        env $(of "$unit" Environment) $command >"/run/$unit.log" 2>&1 &
    echo $! >"/run/$unit.pid"
    ready='^serving '
    [ "$(of "$unit" Type)" != notify ] || ready='code=ready'
    listen=$(echo "$command" | sed -n 's/.*--listen \([^ ]*\).*/\1/p')
    for _ in $(seq 300); do
        if [ -S "$listen" ] || grep -q "$ready" "/run/$unit.log"; then return 0; fi
        sleep 0.1
    done
    cat "/run/$unit.log" >&2
    return 1
}

stopped() {
    [ -e "/run/$1.pid" ] || return 0
    pid=$(cat "/run/$1.pid")
    kill "$pid" && rm "/run/$1.pid"
    while [ -e "/proc/$pid" ] && [ "$(cut -d ' ' -f 3 "/proc/$pid/stat")" != Z ]; do sleep 0.05; done
    needed=$(of "$1" Requires)
    [ -z "$needed" ] || stopped "$needed"
}

case $1 in
    cat) test -e "$units/$2" ;;
    show) of "$4" User ;;
    enable) started "$3" ;;
    disable) stopped "$3" ;;
    *) exit 0 ;;
esac
