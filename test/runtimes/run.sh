#!/usr/bin/env bash
# The packed package in Deno, Bun, workerd and newer Nodes, and the kernels' own tests in those Nodes.
set -eu
cd "$(dirname "$0")/../.."
root=$PWD
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
[ -d dist ] || npm run build
npm pack --silent --pack-destination "$folder" >/dev/null
cp test/runtimes/*.mjs test/runtimes/workerd.capnp "$folder"
cd "$folder"
echo '{ "name": "runtimes", "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund ./attnspec-*.tgz esbuild deno@2 bun@1 workerd@1 \
  node22@npm:node@22 node24@npm:node@24 >/dev/null
bin=$folder/node_modules/.bin
node22=$folder/node_modules/node22/bin/node
node24=$folder/node_modules/node24/bin/node
for runtime in node "$node22" "$node24"; do printf 'Node %s: ' "$("$runtime" --version)" && "$runtime" main.mjs; done
printf 'Deno: ' && "$bin/deno" run --quiet --allow-read --allow-env main.mjs
printf 'Bun: ' && "$bin/bun" main.mjs
"$bin/esbuild" worker.mjs --bundle --format=esm --outfile=worker.bundle.mjs --log-level=error \
  '--external:attnspec/*.wasm' '--external:node:*'
printf 'workerd: ' && "$bin/workerd" test workerd.capnp
cd "$root"
for node in "$node22" "$node24"; do "$node" node_modules/vitest/vitest.mjs run test/wasm --reporter=dot; done
