/** What of the rivals is used, for checking types where they are not installed. */

declare module "@wllama/wllama" {
  interface Chunk {
    readonly choices: readonly {
      readonly logprobs?: {
        readonly content: readonly { readonly top_logprobs: readonly { readonly id: number }[] }[];
      };
    }[];
  }
  export class Wllama {
    constructor(paths: { readonly default: string });
    loadModel(files: readonly Blob[], options: Readonly<Record<string, number>>): Promise<void>;
    createCompletion(options: Readonly<Record<string, unknown>>): Promise<AsyncIterable<Chunk>>;
  }
}

declare module "wllama2/esm/index.js" {
  export class Wllama {
    constructor(paths: Readonly<Record<string, string>>);
    loadModel(files: readonly Blob[], options: Readonly<Record<string, number>>): Promise<void>;
    samplingInit(options: Readonly<Record<string, number>>): Promise<void>;
    samplingSample(): Promise<{ readonly token: number }>;
    samplingAccept(tokens: readonly number[]): Promise<void>;
    kvClear(): Promise<void>;
    decode(tokens: readonly number[], options: object): Promise<unknown>;
    getLogits(count: number): Promise<{ readonly token: number }[]>;
  }
}

declare module "@huggingface/transformers" {
  export class Tensor {
    constructor(type: string, data: ArrayLike<number> | BigInt64Array, shape: readonly number[]);
    readonly data: ArrayLike<number>;
    readonly dims: readonly number[];
    normalize(power: number, axis: number): Tensor;
  }
  type Tensors = Readonly<Record<string, Tensor>>;
  interface Callable {
    (inputs: Tensors): Promise<{ readonly last_hidden_state: Tensor; readonly logits: Tensor }>;
    generate(
      options: Readonly<Record<string, unknown>>,
    ): Promise<{ readonly sequences: Tensor; readonly past_key_values: unknown }>;
  }
  interface Loader {
    from_pretrained(name: string, options: Readonly<Record<string, unknown>>): Promise<Callable>;
  }
  export const AutoModel: Loader;
  export const AutoModelForCausalLM: Loader;
  export function mean_pooling(features: Tensor, mask: Tensor): Tensor;
  export const env: {
    allowRemoteModels: boolean;
    allowLocalModels: boolean;
    useBrowserCache: boolean;
    useWasmCache: boolean;
    localModelPath: string;
    readonly backends: {
      readonly onnx: {
        readonly wasm: { numThreads: number; wasmPaths: { readonly mjs: string; readonly wasm: string } };
      };
    };
  };
}

declare module "onnxruntime-web/wasm" {
  export class Tensor {
    constructor(type: string, data: Float32Array | BigInt64Array, shape: readonly number[]);
    readonly data: ArrayLike<number>;
    readonly dims: readonly number[];
  }
  export class InferenceSession {
    static create(path: string, options: Readonly<Record<string, unknown>>): Promise<InferenceSession>;
    readonly inputNames: readonly string[];
    run(inputs: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>;
  }
  export const env: { readonly wasm: { numThreads: number; wasmPaths: string } };
}
