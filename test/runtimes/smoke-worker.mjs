/** A Worker: compiling is forbidden, so the kernels are imported as modules, and the model's files as data. */
import config from "attnspec/config.json";
import relaxed from "attnspec/kernels.relaxed.wasm";
import simd from "attnspec/kernels.wasm";
import weights from "attnspec/model.safetensors";
import { fromBuffers } from "attnspec/models";
import tokenizer from "attnspec/tokenizer.json";
import { load } from "attnspec/wasm";
import { smoke } from "./smoke.mjs";

const files = { "config.json": config, "model.safetensors": weights, "tokenizer.json": tokenizer };

export default {
  async test() {
    console.log(await smoke(await load({ module: { simd, relaxed } }), fromBuffers(files)));
  },
};
