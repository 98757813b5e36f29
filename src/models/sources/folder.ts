import type { RangeFile, Source } from "../source.ts";

/** What is used of `node:fs/promises`, which Node, Deno and Bun have. */
interface FileSystem {
  open(path: string | URL): Promise<{
    stat(): Promise<{ readonly size: number }>;
    read(into: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
    close(): Promise<void>;
  }>;
}

/** A model in a folder on disk (Node, Deno, Bun), by its path or `file:` URL; files are opened for each part and read no further. */
export function fromFolder(path: string | URL): Source {
  const root = String(path).replace(/[/\\]*$/, "/");
  return {
    name: String(path),
    async open(file) {
      // Asked for only here, under a name that bundlers do not follow.
      const name = "node:fs/promises";
      const { open }: FileSystem = await import(/* @vite-ignore */ name);
      const full = typeof path === "string" ? root + file : new URL(file, root);
      const size = await using(open, full, async (handle) => (await handle.stat()).size).catch((error: unknown) => {
        if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
          return undefined;
        throw error;
      });
      if (size === undefined) return undefined;
      const read: RangeFile["read"] = (begin, end) =>
        using(open, full, async (handle) => {
          const bytes = new Uint8Array(end - begin);
          let filled = 0;
          while (filled < bytes.length) {
            const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, begin + filled);
            if (bytesRead === 0) break;
            filled += bytesRead;
          }
          return bytes.subarray(0, filled);
        });
      return { name: String(full), size, read };
    },
  };
}

async function using<T>(
  open: FileSystem["open"],
  path: string | URL,
  body: (handle: Awaited<ReturnType<FileSystem["open"]>>) => Promise<T>,
): Promise<T> {
  const handle = await open(path);
  try {
    return await body(handle);
  } finally {
    await handle.close();
  }
}
