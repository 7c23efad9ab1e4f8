#!/usr/bin/env bash
# Assembles artifacts/epp-image.tar, an OCI image archive of artifacts/epp, without a daemon (umoci from Debian).
# No shell, no package manager: the binary, the shared objects it needs, CA certificates, a nonroot user.
# Why OpenSSL is shared and not linked in: docs/adr/0004. Same inputs give the same bytes (SOURCE_DATE_EPOCH).
set -euo pipefail
cd "$(dirname "$0")/.."

binary=${1:-artifacts/epp}
# EPP_IMAGE_COMMAND=bbr: an image of the body-based router, for charts that set no command.
command=${EPP_IMAGE_COMMAND:-}
archive=artifacts/epp${command:+-$command}-image.tar
tag=${EPP_IMAGE_TAG:-epp}
exposed=(--config.exposedports 9002/tcp --config.exposedports 9003/tcp --config.exposedports 9090/tcp)
entrypoint=(--config.entrypoint /epp)
if [ -n "$command" ]; then
    [ "$command" = bbr ] || { echo "image: EPP_IMAGE_COMMAND is '$command'; only bbr serves without more arguments" >&2; exit 1; }
    exposed=(--config.exposedports 9004/tcp --config.exposedports 9005/tcp --config.exposedports 9090/tcp)
    entrypoint+=(--config.entrypoint "$command")
fi
version=$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' Directory.Build.props)
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
created=$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)

[ -x "$binary" ] || { echo "image: $binary is missing; run 'make aot' first" >&2; exit 1; }
command -v umoci >/dev/null || { echo "image: umoci is missing (Debian package umoci)" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/rootfs
mkdir -p "$root"/{app,dev,proc,sys,etc/ssl/certs,home/nonroot,usr/share/doc,var/run}
install -d -m 1777 "$root/tmp"

install -m 0755 "$binary" "$root/epp"
ln -s /epp "$root/app/epp"

# Copies a shared object to the path the loader looks under, whichever of its links that is.
copy_library() { install -D -m 0755 "$(readlink -f "$1")" "$root$1"; }

# The binary's own list (libc, libm, the loader), then what it opens at run time: OpenSSL for TLS.
mapfile -t linked < <(ldd "$binary" | grep -oE '/[^ ]+')
for library in "${linked[@]}"; do copy_library "$library"; done
loader_dir=$(dirname "$(ldd "$binary" | awk '/libc\.so/ { print $3 }')")
for name in libssl.so.3 libcrypto.so.3; do
    path=$(ldconfig -p | awk -v n="$name" '$1 == n && /x86-64/ { if (!found++) print $NF }')
    [ -n "$path" ] || { echo "image: $name is missing (Debian package libssl3)" >&2; exit 1; }
    install -D -m 0755 "$(readlink -f "$path")" "$root$loader_dir/$name"
done

install -m 0644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
for package in libc6 libssl3 ca-certificates; do
    [ ! -f "/usr/share/doc/$package/copyright" ] ||
        install -D -m 0644 "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/copyright"
done
[ ! -f LICENSE ] || install -D -m 0644 LICENSE "$root/usr/share/doc/epp/LICENSE"

printf '%s\n' 'root:x:0:0:root:/root:/sbin/nologin' 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin' >"$root/etc/passwd"
printf '%s\n' 'root:x:0:' 'nonroot:x:65532:' >"$root/etc/group"
printf '%s\n' 'hosts: files dns' >"$root/etc/nsswitch.conf"
chmod 0644 "$root"/etc/{passwd,group,nsswitch.conf}
find "$root" -exec touch -h -d "@$epoch" {} +

layout=$work/layout
rootless=()
[ "$(id -u)" -eq 0 ] || rootless=(--rootless)
umoci init --layout "$layout"
umoci new --image "$layout:$tag"
umoci insert "${rootless[@]}" --image "$layout:$tag" \
    --history.created "$created" --history.created_by "build/image.sh" --history.author "" "$root" /
umoci config --image "$layout:$tag" --created "$created" --author "The Epp.Aot authors" \
    --os linux --architecture amd64 \
    --config.user 65532:65532 --config.workingdir / "${entrypoint[@]}" \
    --config.env PATH=/ --config.env HOME=/home/nonroot --config.env SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    "${exposed[@]}" \
    --config.label "org.opencontainers.image.title=epp" \
    --config.label "org.opencontainers.image.description=Endpoint picker for inference gateways, Native AOT" \
    --config.label "org.opencontainers.image.version=$version" \
    --config.label "org.opencontainers.image.licenses=Apache-2.0" \
    --history.created "$created" --history.created_by "build/image.sh" --history.author ""
umoci gc --layout "$layout" 2>/dev/null

mkdir -p artifacts
tar --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --format=gnu \
    -C "$layout" -cf "$archive.new" .
mv "$archive.new" "$archive"
digest=$(grep -oE '"digest": ?"sha256:[0-9a-f]+"' "$layout/index.json" | grep -oE "sha256:[0-9a-f]+" | sed -n 1p)
printf '%s: %s bytes (%s unpacked), %s\n' "$archive" "$(stat -c %s "$archive")" \
    "$(du -sb "$root" | cut -f1)" "$digest"
