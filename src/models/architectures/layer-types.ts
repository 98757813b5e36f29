import type { Config } from "../config.ts";

/** The kind of each layer: as the file lists them, else by their number. */
export const layerTypes = (config: Config, type: (layer: number) => string): readonly string[] =>
  config.texts(
    "layer_types",
    Array.from({ length: config.count("num_hidden_layers") }, (_, layer) => type(layer)),
  );
