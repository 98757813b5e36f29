export declare function attention(inputs: unknown, options: unknown): { out: Float32Array };
export declare function wrongScale(inputs: unknown, options: unknown): { out: Float32Array };
