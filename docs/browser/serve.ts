/** Serves a folder below a path of its own, as any static host would, ranges included; and a browser to look at it. */
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { gzipSync } from "node:zlib";
import { type Browser, chromium } from "playwright-core";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".woff2": "font/woff2",
  ".wasm": "application/wasm",
};

/** The address of the served folder, and what stops the server. */
export async function serve(
  folder: string,
  below = "/some/where/",
): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname);
    const wanted = path.startsWith(below) ? normalize(join(folder, path.slice(below.length))) : "";
    const file = existsSync(wanted) && statSync(wanted).isDirectory() ? join(wanted, "index.html") : wanted;
    if (!file.startsWith(folder) || !existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    const type = { "content-type": types[extname(file)] ?? "application/octet-stream" };
    const { size } = statSync(file);
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    if (from === undefined || Number(from) >= size) {
      response.writeHead(200, type);
      createReadStream(file).pipe(response);
      return;
    }
    const [start, end] = [Number(from), Math.min(Number(to), size - 1)];
    response.writeHead(206, { ...type, "content-range": `bytes ${start}-${end}/${size}` });
    createReadStream(file, { start, end }).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${below}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** What a static host that compresses text would send for this file. */
export const compressed = (file: string, bytes: Buffer): number =>
  /\.(html|css|js|json|svg)$/.test(file) ? gzipSync(bytes).length : bytes.length;

/** Starts the Chromium of the system. */
export function launch(): Promise<Browser> {
  const executablePath =
    process.env.CHROMIUM ??
    ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => existsSync(path));
  if (!executablePath)
    throw new Error("no Chromium found; install it (apt-get install chromium) or name it in CHROMIUM");
  return chromium.launch({
    executablePath,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
