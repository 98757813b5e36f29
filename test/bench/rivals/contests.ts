/** What is compared with what: each contest has one model, in one form for each contender. */

/** How a contender finds its model in the folder `data`, see forms.ts. */
export interface Contender {
  /** The file of `pages` that opens the model. */
  readonly page: "attnspec" | "wllama" | "wllama2" | "transformers" | "onnxruntime";
  readonly model: string;
  /** What attnspec makes of the weights while it reads them. */
  readonly weights?: "float32" | "q8_0" | "q4_0" | "int8";
}

export interface Contest {
  readonly shape: "SmolLM2-135M" | "MiniLM-L6";
  readonly about: string;
  /** By the name that tables show, ours first. */
  readonly contenders: Readonly<Record<string, Contender>>;
}

export const contests: Readonly<Record<string, Contest>> = {
  "smollm2-q8_0": {
    shape: "SmolLM2-135M",
    about: "SmolLM2-135M, Q8_0",
    contenders: {
      attnspec: { page: "attnspec", model: "SmolLM2-135M-Q8_0.gguf" },
      wllama: { page: "wllama", model: "SmolLM2-135M-Q8_0.gguf" },
      "wllama 2": { page: "wllama2", model: "SmolLM2-135M-Q8_0.gguf" },
    },
  },
  "smollm2-q4_0": {
    shape: "SmolLM2-135M",
    about: "SmolLM2-135M, Q4_0 with embeddings in Q8_0, as llama.cpp leaves them at this width",
    contenders: {
      attnspec: { page: "attnspec", model: "SmolLM2-135M-Q4_0.gguf" },
      wllama: { page: "wllama", model: "SmolLM2-135M-Q4_0.gguf" },
      "wllama 2": { page: "wllama2", model: "SmolLM2-135M-Q4_0.gguf" },
    },
  },
  "smollm2-int8": {
    shape: "SmolLM2-135M",
    about: "SmolLM2-135M, 8 bits, ours with one scale a row",
    contenders: {
      attnspec: { page: "attnspec", model: "SmolLM2-135M", weights: "int8" },
      "transformers.js": { page: "transformers", model: "SmolLM2-135M" },
      "onnxruntime-web": { page: "onnxruntime", model: "SmolLM2-135M" },
    },
  },
  "minilm-int8": {
    shape: "MiniLM-L6",
    about: "MiniLM-L6, 8 bits, ours with one scale a row",
    contenders: {
      attnspec: { page: "attnspec", model: "MiniLM-L6", weights: "int8" },
      "transformers.js": { page: "transformers", model: "MiniLM-L6" },
      "onnxruntime-web": { page: "onnxruntime", model: "MiniLM-L6" },
    },
  },
};
