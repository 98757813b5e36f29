/** Serves the calls in Node, Deno and Bun; prints the port. */
import { createServer } from "node:http";
import { load } from "../../../dist/src/wasm.js";
import { answering } from "./work.mjs";

const answer = answering(await load());
const server = createServer((request, response) => response.end(answer(request.url)));
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port })));
