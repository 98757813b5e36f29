import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: new URL("../..", import.meta.url).pathname,
    include: ["docs/browser/*.test.ts"],
    testTimeout: 600_000,
    hookTimeout: 60_000,
  },
});
