#!/bin/sh
# As much of systemctl as `lacis init`, `join` and `leave` use, for a root without systemd: starts what the unit says, as the user that it names and with its privileges.
set -e
units=/lib/systemd/system
of() { sed -n "s/^$2=//p" "$units/$1" | head -n 1; }

started() {
    unit=$1
    user=$(of "$unit" User)
    powers=$(of "$unit" AmbientCapabilities | tr 'A-Z' 'a-z' | sed 's/cap_/,+/g')
    folder=$(of "$unit" WorkingDirectory)
    command=$(of "$unit" ExecStart | sed 's/ \$[A-Z_]*//g')
    mkdir -p -m 0750 /run/lacis && chown lacis: /run/lacis
    cd "${folder:-/}"
    # shellcheck disable=SC2086
    setsid setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs \
        --inh-caps "-all$powers" --ambient-caps "-all$powers" --bounding-set "-all$powers" \
        $command >"/run/$unit.log" 2>&1 &
    echo $! >"/run/$unit.pid"
    ready='^serving '
    [ "$(of "$unit" Type)" != notify ] || ready='code=ready'
    for _ in $(seq 300); do
        if grep -q "$ready" "/run/$unit.log"; then return 0; fi
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
}

case $1 in
    cat) test -e "$units/$2" ;;
    show) of "$4" User ;;
    enable) started "$3" ;;
    disable) stopped "$3" ;;
    *) exit 0 ;;
esac
