/** Activations of feed-forward blocks, by the names of configurations. */
import { ModelError } from "./error.ts";

export type Activation = "silu" | "gelu" | "gelu-tanh" | "relu";

const names: Readonly<Record<string, Activation>> = {
  silu: "silu",
  swish: "silu",
  gelu: "gelu",
  gelu_new: "gelu-tanh",
  gelu_fast: "gelu-tanh",
  gelu_pytorch_tanh: "gelu-tanh",
  relu: "relu",
};

/** The activation a configuration means. */
export function activation(name: string): Activation {
  const found = Object.hasOwn(names, name) ? names[name] : undefined;
  if (!found)
    throw new ModelError(
      "config.json",
      `the activation ${name} is not supported; supported are ${Object.keys(names).join(", ")}`,
    );
  return found;
}
