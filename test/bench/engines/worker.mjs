/** Serves the calls in workerd. */
import relaxed from "kernels.relaxed.wasm";
import simd from "kernels.wasm";
import { load } from "../../../dist/src/wasm.js";
import { answering } from "./work.mjs";

let answer;

export default {
  async fetch(request) {
    answer ??= answering(await load({ module: { simd, relaxed } }));
    return new Response(answer(new URL(request.url).pathname));
  },
};
