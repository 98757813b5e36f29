// A plain script: node plain.mjs
import { scaledDotProductAttention } from "attnspec/core/scaled-dot-product-attention";
import { conforms } from "attnspec/oracle";
import { attention, wrongScale } from "./kernel.mjs";

const verdict = await conforms(scaledDotProductAttention, attention);
console.log(String(verdict));
console.log(String(await conforms(scaledDotProductAttention, wrongScale)));
process.exitCode = verdict.conforms ? 0 : 1;
