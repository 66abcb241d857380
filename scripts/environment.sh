# shellcheck shell=bash
# Shared by scripts/run, scripts/test and scripts/check; sourced, never run.
#
#   use_environment run|dev    makes sure that .venv holds requirements/run.lock (or dev.lock)
#                              and sets $root (the checkout) and $venv
#
# Kept to what bash 3.2 and the plain tools of Linux, macOS and WSL have. Everything said while
# setting up goes to stderr, so that the engine's own output can be piped. When the environment is
# up to date this costs one cksum.

root=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P) || exit 1
venv=$root/.venv
setup_lock=$root/.venv.lock
setup_log=$root/.venv.log
setup_worker=

say() { printf '%s\n' "$*" >&2; }

# What the environment is made from: the two files' sums and the place (an environment holds
# absolute paths, so a checkout that was moved or copied needs its own).
wanted_stamp() {  # run|dev
    cksum "$root/requirements/$1.lock" "$root/pyproject.toml"
}

environment_is_ready() {  # run|dev
    [ -x "$venv/bin/python" ] && [ -f "$venv/.stamp-$1" ] && [ ! -e "$venv/.unfinished" ] &&
        [ "$(<"$venv/.stamp-$1")" = "$(wanted_stamp "$1")" ]
}

# A candidate counts only if it runs: a name on PATH may be a version manager's shim for a Python
# that is not there, or a distribution's Python without venv.
find_python() {
    local candidate found old='' bare=''
    for candidate in "${PYTHON:-}" python3.13 python3.12 python3.11 python3 python; do
        [ -n "$candidate" ] || continue
        found=$("$candidate" -c 'if True:
            import sys
            try:
                import ensurepip, venv
                has = "venv"
            except ImportError:
                has = "bare"
            print("old" if sys.version_info < (3, 11) else has)' 2>/dev/null </dev/null) || found=none
        case $found in
            venv) printf '%s\n' "$candidate"; return 0 ;;
            bare) bare=$candidate ;;
            old) old=$candidate ;;
        esac
        [ "$candidate" != "${PYTHON:-}" ] || say "PYTHON=$PYTHON cannot be used; looking for another."
    done
    if [ -n "$bare" ]; then
        say "$bare has no venv module. On Debian or Ubuntu: apt install python3-venv"
    elif [ -n "$old" ]; then
        say "Python 3.11 or newer is needed; found only $("$old" --version 2>&1)."
    else
        say "Python 3.11 or newer is needed, and none was found."
    fi
    say "If it is somewhere else, name it: PYTHON=/path/to/python3.12 $0"
    return 1
}

# --- one set-up at a time -------------------------------------------------------------------------
# The lock is a directory, since mkdir is atomic everywhere. It holds the process id of its owner
# and of the owner's worker (pip), which outlives an owner that was killed.

is_alive() {  # PID
    [ -n "$1" ] && { kill -0 "$1" 2>/dev/null || ps -p "$1" >/dev/null 2>&1; }
}

lock_is_abandoned() {
    local owner='' worker=''
    { read -r owner <"$setup_lock/owner"; } 2>/dev/null || :
    { read -r worker <"$setup_lock/worker"; } 2>/dev/null || :
    if [ -z "$owner" ]; then
        # its owner is between mkdir and writing its id, or died there
        sleep 2
        [ -d "$setup_lock" ] && [ ! -s "$setup_lock/owner" ]
    else
        ! is_alive "$owner" && ! is_alive "$worker"
    fi
}

take_lock() {
    local waited=0
    until mkdir "$setup_lock" 2>/dev/null; do
        if [ ! -d "$setup_lock" ]; then
            [ -w "$root" ] || { say "Cannot write in $root, so no environment can be made there."; return 1; }
            sleep 1  # it was released this very moment
        elif lock_is_abandoned && mkdir "$setup_lock/taking-over" 2>/dev/null; then
            # Only one process can be in here; look again, for another may just have taken over.
            if lock_is_abandoned; then
                say "An earlier set-up was stopped half-way; starting over."
                rm -f "$setup_lock/worker"
                printf '%s\n' "$$" >"$setup_lock/owner"
                rmdir "$setup_lock/taking-over"
                return 0
            fi
            rmdir "$setup_lock/taking-over" 2>/dev/null || :
        else
            [ "$waited" -gt 0 ] || say "Another process is setting up $venv; waiting for it."
            sleep 1
            waited=$((waited + 1))
            if [ "$waited" -ge 1800 ]; then
                say "Waited half an hour. If nothing is setting up any more: rm -r '$setup_lock'"
                return 1
            fi
        fi
    done
    printf '%s\n' "$$" >"$setup_lock/owner"
}

release_lock() {
    rm -f "$setup_lock/owner" "$setup_lock/worker"
    rmdir "$setup_lock" 2>/dev/null || :
}

# --- the set-up -----------------------------------------------------------------------------------

stop_setup() {  # EXIT_CODE
    trap '' HUP INT TERM
    if [ -n "$setup_worker" ]; then
        kill "$setup_worker" 2>/dev/null || :
        wait "$setup_worker" 2>/dev/null || :
    fi
    release_lock
    say "Set-up stopped; the next call starts over."
    exit "$1"
}

# Runs one step with its output in the log, in the background so that a signal reaches this shell.
step() {  # WHAT COMMAND...
    local what=$1 status=0
    shift
    say "  $what"
    "$@" >>"$setup_log" 2>&1 </dev/null &
    setup_worker=$!
    printf '%s\n' "$setup_worker" >"$setup_lock/worker"
    wait "$setup_worker" || status=$?
    setup_worker=
    rm -f "$setup_lock/worker"
    if [ "$status" -ne 0 ]; then
        say "Set-up failed ($what). The end of $setup_log:"
        tail -n 15 "$setup_log" >&2
    fi
    return "$status"
}

install() {  # WHAT PIP-INSTALL-ARGUMENTS...
    local what=$1
    shift
    step "$what" env PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 \
        "$venv/bin/python" -m pip install --no-input --progress-bar off "$@"
}

fill_environment() {  # run|dev
    local python
    : >"$setup_log"
    if [ -e "$venv/.unfinished" ] || ! "$venv/bin/python" -c 'if True:
            import os, sys, pip
            here = os.path.realpath(sys.prefix) == os.path.realpath(sys.argv[1])
            sys.exit(not (here and sys.version_info >= (3, 11)))' "$venv" >/dev/null 2>&1 </dev/null ||
        { [ -f "$venv/.place" ] && [ "$(<"$venv/.place")" != "$venv" ]; }; then
        python=$(find_python) || return 1
        say "Setting up the environment in $venv (once; a minute or so)"
        rm -rf "$venv" || return 1
        mkdir "$venv" && : >"$venv/.unfinished" || return 1
        step "Python: $("$python" --version 2>&1)" "$python" -m venv "$venv" || return 1
    else
        say "Bringing the environment in $venv up to date"
        : >"$venv/.unfinished" || return 1
        rm -f "$venv"/.stamp-*
    fi
    install "packages of requirements/$1.lock" --no-compile --require-hashes \
        -r "$root/requirements/$1.lock" || return 1
    # pip would compile on one core; a file that does not compile is no failure
    step "compiling them" "$venv/bin/python" -c 'if True:
        import compileall, sysconfig
        compileall.compile_dir(sysconfig.get_path("purelib"), quiet=2, workers=0)' || return 1
    rm -f "$venv/.unfinished"
    install "logistics, from this checkout" --no-deps --no-build-isolation -e "$root" || return 1
    # the first run should not pay for it; where it fails the first run does
    if [ -f "$root/logistics/warm_up.py" ]; then
        step "the engine's kernels" "$venv/bin/python" -m logistics.warm_up || :
    fi
    printf '%s\n' "$venv" >"$venv/.place"
    wanted_stamp run >"$venv/.stamp-run"  # dev.lock holds all of run.lock
    [ "$1" = run ] || wanted_stamp "$1" >"$venv/.stamp-$1"
    rm -f "$setup_log"
}

use_environment() {  # run|dev
    local status=0 level=$1
    environment_is_ready "$level" && return 0
    trap 'stop_setup 129' HUP
    trap 'stop_setup 130' INT
    trap 'stop_setup 143' TERM
    take_lock || exit 1
    # what was made while waiting for the lock counts
    if ! environment_is_ready "$level"; then
        # an environment that has the test tools keeps them
        [ ! -f "$venv/.stamp-dev" ] || level=dev
        fill_environment "$level" || status=1
    fi
    release_lock
    trap - HUP INT TERM
    [ "$status" -eq 0 ] || exit 1
    say "Ready."
}
