#!/usr/bin/env bash
# Installs the Debian packages that the build and the tests use and that are missing. Starts no service.
# Without apt-get or root it changes nothing and names what is missing: those tests then skip with the reason.
set -euo pipefail

# command or file -> package
wanted=(
    gcc:gcc /usr/include/zlib.h:zlib1g-dev ldd:libc-bin curl:curl xz:xz-utils jq:jq
    /usr/lib/python3/dist-packages/jinja2:python3-jinja2
    umoci:umoci qemu-x86_64:qemu-user promtool:prometheus unshare:util-linux chroot:coreutils
    /etc/ssl/certs/ca-certificates.crt:ca-certificates
)
missing=()
for entry in "${wanted[@]}"; do
    need=${entry%%:*} package=${entry#*:}
    if [[ $need == /* ]]; then
        [ -e "$need" ] || missing+=("$package")
    else
        command -v "$need" >/dev/null || missing+=("$package")
    fi
done
[ ${#missing[@]} -gt 0 ] || exit 0

sudo=()
if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        sudo=(sudo -n)
    else
        echo "install-tools: not root; missing Debian packages: ${missing[*]}" >&2
        exit 0
    fi
fi
command -v apt-get >/dev/null || { echo "install-tools: no apt-get; missing: ${missing[*]}" >&2; exit 0; }

# Packages such as prometheus start their service when installed; a policy that forbids it keeps ports free.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee $policy >/dev/null
    "${sudo[@]}" chmod +x $policy
    trap '"${sudo[@]}" rm -f $policy' EXIT
fi
echo "install-tools: installing ${missing[*]}"
"${sudo[@]}" apt-get update -q
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
