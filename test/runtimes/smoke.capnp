using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(
    name = "main",
    worker = (
      compatibilityDate = "2025-01-01",
      modules = [
        (name = "worker", esModule = embed "smoke-worker.bundle.mjs"),
        (name = "attnspec/kernels.wasm", wasm = embed "node_modules/attnspec/dist/kernels.wasm"),
        (name = "attnspec/kernels.relaxed.wasm", wasm = embed "node_modules/attnspec/dist/kernels.relaxed.wasm"),
        (name = "attnspec/config.json", data = embed "node_modules/attnspec/dist/src/models/embedded/config.json"),
        (name = "attnspec/model.safetensors", data = embed "node_modules/attnspec/dist/src/models/embedded/model.safetensors"),
        (name = "attnspec/tokenizer.json", data = embed "node_modules/attnspec/dist/src/models/embedded/tokenizer.json"),
      ],
    ),
  )],
);
