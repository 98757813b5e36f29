import { defineConfig } from "vitest/config";

// Needs a driver of Vulkan: `.ci/run` brings a software one. Not part of `npm test`.
export default defineConfig({
  test: {
    root: new URL("../..", import.meta.url).pathname,
    include: ["test/webgpu/*.gpu.ts"],
    pool: "forks",
    isolate: false,
    maxWorkers: 1,
    testTimeout: 120_000,
    teardownTimeout: 5_000,
  },
});
