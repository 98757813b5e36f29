/** Compiles the package into `dist`. */
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cache, compileKernels } from "./kernels.ts";
import { root } from "./pages.ts";

rmSync(join(root, "dist"), { recursive: true, force: true });
execFileSync(
  process.execPath,
  [join(root, "node_modules/typescript/bin/tsc"), "-p", join(root, "tsconfig.build.json")],
  { stdio: "inherit" },
);
copyFileSync(join(root, "spec/papers.json"), join(root, "dist/spec/papers.json"));
mkdirSync(join(root, "dist/src/models/embedded"));
for (const file of [
  "README.md",
  "config.json",
  "generation_config.json",
  "model.safetensors",
  "tokenizer.json",
  "tokenizer_config.json",
])
  copyFileSync(join(root, "src/models/embedded", file), join(root, "dist/src/models/embedded", file));
chmodSync(join(root, "dist/src/cli/main.js"), 0o755);
// Packing builds several times; kernels whose sources have not changed are compiled once.
await compileKernels(cache);
for (const file of ["kernels.wasm", "kernels.relaxed.wasm"]) copyFileSync(join(cache, file), join(root, "dist", file));
