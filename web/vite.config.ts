import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds a running `plainview serve`. */
const server = process.env.PLAINVIEW_URL ?? "http://127.0.0.1:7070";

export default defineConfig({
  build: {
    outDir: "../src/plainview/server/static",
    emptyOutDir: true,
    target: "es2022",
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  server: { proxy: { "/v1": server, "/api": server } },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
