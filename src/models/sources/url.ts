import { ModelError } from "../error.ts";
import { checkOptions } from "../options.ts";
import type { RangeFile, Source } from "../source.ts";

export interface UrlOptions {
  /** Headers of every request, for authorization say. Default none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Fetches instead of the global `fetch`. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/**
 * A model behind a base URL, read by range requests, no part twice. From a server that does not answer ranges a file is
 * taken whole and kept until it is read.
 *
 * @throws ModelError for a base that is no absolute URL
 */
export function fromUrl(base: string | URL, options: UrlOptions = {}): Source {
  checkOptions("fromUrl", options);
  const root = String(base).replace(/\/*$/, "/");
  if (!URL.canParse(root))
    throw new ModelError(
      "fromUrl",
      `base must be an absolute URL, got ${base}; in a page give new URL("${base}", document.baseURI)`,
    );
  const { headers = {}, fetch: get = (url, init) => fetch(url, init) } = options;
  return {
    name: root,
    async open(file, signal) {
      const url = new URL(file, root).href;
      const ask = async (begin: number, end: number, abort?: AbortSignal): Promise<Response> => {
        const range = { range: `bytes=${begin}-${end - 1}` };
        try {
          return await get(url, { headers: { ...headers, ...range }, ...(abort && { signal: abort }) });
        } catch (cause) {
          abort?.throwIfAborted();
          throw new ModelError(url, `the request failed (${String(cause)}); check the network and try again`, {
            cause,
          });
        }
      };
      const bytesOf = async (response: Response, abort?: AbortSignal): Promise<Uint8Array> => {
        try {
          return new Uint8Array(await response.arrayBuffer());
        } catch (cause) {
          abort?.throwIfAborted();
          throw new ModelError(url, `the download broke off (${String(cause)}); try again`, { cause });
        }
      };
      const first = await ask(0, 1, signal);
      const total = /\/(\d+)$/.exec(first.headers.get("content-range") ?? "")?.[1];
      if (first.status === 206 && total !== undefined) {
        await first.body?.cancel();
        const read: RangeFile["read"] = async (begin, end, abort) => {
          if (begin === end) return new Uint8Array(0);
          const response = await ask(begin, end, abort);
          if (response.status !== 206) throw refusal(url, response);
          return bytesOf(response, abort);
        };
        return { name: url, size: Number(total), read };
      }
      if (first.status === 200 || first.status === 416) {
        const whole = first.status === 200 ? await bytesOf(first, signal) : new Uint8Array(0);
        return { name: url, size: whole.length, read: async (begin, end) => whole.subarray(begin, end) };
      }
      await first.body?.cancel();
      if (first.status === 404 || first.status === 410) return undefined;
      throw refusal(url, first);
    },
  };
}

const refusal = (url: string, { status, statusText }: Response): ModelError =>
  new ModelError(url, `the server answered ${status} ${statusText}, expected the file; check the URL and its rights`);
