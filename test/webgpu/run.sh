#!/usr/bin/env bash
# The kernels on a GPU, on a software one: Chromium brings it, and Dawn for Node runs on it.
set -u
cd "$(dirname "$0")/../.."
icd=/usr/lib/chromium/vk_swiftshader_icd.json
if [ ! -e "$icd" ] || ! ldconfig -p | grep -q libvulkan.so.1; then
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium libvulkan1 >/dev/null || exit 1
fi
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/tmp}" VK_DRIVER_FILES="$icd"
exec npm run --silent test:webgpu -- "$@"
