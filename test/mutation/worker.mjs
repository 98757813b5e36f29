import { parentPort } from "node:worker_threads";

parentPort.on("message", async (url) => {
  try {
    const { firstFailure } = await import(url);
    parentPort.postMessage({ killedBy: await firstFailure() });
  } catch (error) {
    parentPort.postMessage({ killedBy: `loading: ${error?.message ?? error}` });
  }
});
