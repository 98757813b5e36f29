#!/usr/bin/env bash
# The packed package in Node 20, 22, 24 and the newest, Deno, Bun, workerd and Chromium, all of which must let the
# embedded model write the same; the examples of docs/examples/edge there, as they stand; and a part of the kernels' own
# tests in two newer Nodes, whose engines are others. Left out there: Node 24, between the two; the conformance of all
# families but one, and the tests of single calls, which `npm test` runs in this Node for both targets.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
if ! command -v chromium >/dev/null && [ -z "${CHROMIUM:-}" ]; then
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm pack --silent --pack-destination "$folder" >/dev/null
cp test/runtimes/*.mjs test/runtimes/*.html test/runtimes/*.capnp docs/examples/edge/* "$folder"
cd "$folder"
echo '{ "name": "runtimes", "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund ./attnspec-*.tgz @huggingface/tokenizers@0.2 @huggingface/jinja@0.5 esbuild deno@2 bun@1 \
  workerd@1 node20@npm:node@20 node22@npm:node@22 node24@npm:node@24 newest@npm:node@latest >/dev/null
bin=$folder/node_modules/.bin
node() { "$folder/node_modules/$1/bin/node" "${@:2}"; }

written=
# Runs a command that prints a line for people and then what the model wrote, which must be what it wrote before.
writes() {
  local name=$1 output
  output=$("${@:2}" 2>"$folder/errors") || { cat "$folder/errors" && printf '%s: %s\n' "$name" "$output" && return 1; }
  printf '%s: %s\n' "$name" "$(head -n 1 <<<"$output")"
  written=${written:-$(sed -n 2p <<<"$output")}
  [ -n "$written" ] && [ "$(sed -n 2p <<<"$output")" = "$written" ] || { printf 'it writes: %s\n' "$output" && return 1; }
}
for name in node20 node22 node24 newest; do writes "Node $(node $name --version)" node $name main.mjs; done
writes Deno "$bin/deno" run --quiet --allow-read main.mjs
writes Bun "$bin/bun" main.mjs
"$bin/esbuild" smoke-worker.mjs --bundle --format=esm --outfile=smoke-worker.bundle.mjs --log-level=error \
  --external:attnspec/*.{wasm,json,safetensors} '--external:node:*'
writes workerd "$bin/workerd" test smoke.capnp
writes Chromium "$root/node_modules/.bin/tsx" "$root/test/runtimes/browser.ts" "$folder"
echo "all write: $written"

printf 'A Worker: ' && PATH=$bin:$PATH node newest serve-worker.mjs "$bin/workerd"
# With activations of 8 bits, as they are by default, engines agree that round alike: Node 20 has no relaxed SIMD, and
# Bun's multiplies and adds in two steps.
script=$(node node22 script.mjs)
for command in "node newest" "$bin/deno run --quiet --allow-read"; do
  [ "$($command script.mjs)" = "$script" ] || { printf 'another text by %s\n' "$command" && exit 1; }
done
[ "$("$bin/bun" script.mjs)" = "$(node node20 script.mjs)" ] || { printf 'Bun and Node 20 write other texts\n' && exit 1; }
printf 'A script: %s\n' "$script"
bash -eu commands.sh | cut -c 1-80

cd "$root"
for name in node22 newest; do node $name node_modules/vitest/vitest.mjs run test/wasm/{arena,functions,load,matmul,threads}.test.ts --reporter=dot; done
node newest node_modules/vitest/vitest.mjs run test/wasm/softmax.conformance.test.ts --testNamePattern=relaxed --reporter=dot
