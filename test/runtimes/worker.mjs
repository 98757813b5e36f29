/** A Worker: compiling is forbidden, so the kernels are imported as modules. */
import relaxed from "attnspec/kernels.relaxed.wasm";
import simd from "attnspec/kernels.wasm";
import { load } from "attnspec/wasm";
import { smoke } from "./smoke.mjs";

export default {
  async test() {
    console.log(await smoke(await load({ module: { simd, relaxed } })));
  },
};
