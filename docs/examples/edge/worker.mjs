/**
 * A Cloudflare Worker that streams a completion as server-sent events: GET /?prompt=And+God+said&seed=7
 *
 * Workers compile no WebAssembly from bytes, so the kernels are imported as modules; the model lies among the assets
 * (wrangler.jsonc).
 */
import relaxed from "attnspec/kernels.relaxed.wasm";
import simd from "attnspec/kernels.wasm";
import { fromUrl, generate, loadModel } from "attnspec/models";
import { load } from "attnspec/wasm";

let model;
/** Loads once in an isolate. Requests share the model but no promise: what a request waits for ends with it. */
async function ready(assets) {
  if (model) return model;
  const kernels = await load({ module: { simd, relaxed } });
  const source = fromUrl("https://assets", { fetch: (url, init) => assets.fetch(url, init) });
  model = await loadModel(source, { kernels });
  return model;
}

export default {
  async fetch(request, { ASSETS }) {
    const asked = new URL(request.url).searchParams;
    const number = (name, otherwise) => Number(asked.get(name) ?? otherwise);
    const pieces = generate(await ready(ASSETS), asked.get("prompt") ?? "", {
      maxTokens: number("tokens", 64),
      temperature: number("temperature", 0.7),
      seed: number("seed", 0),
    });
    let first;
    try {
      first = await pieces.next(); // the prompt is passed here, and options are judged
    } catch (error) {
      return new Response(error.message, { status: 400 });
    }
    let count = 1;
    const encoder = new TextEncoder();
    const event = ({ text, finish }) => encoder.encode(`data: ${JSON.stringify({ text, finish })}\n\n`);
    const body = new ReadableStream({
      start: (events) => events.enqueue(event(first.value)),
      async pull(events) {
        const { value, done } = await pieces.next();
        if (done) return events.close();
        events.enqueue(event(value));
        count++;
      },
      /** The client went away: the generator ends, and its cache is given back. */
      async cancel() {
        await pieces.return();
        console.log(`the client left after ${count} tokens`);
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream", "cache-control": "no-store" } });
  },
};
