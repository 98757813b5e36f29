declare module "@11ty/eleventy" {
  export default class Eleventy {
    constructor(
      input: string,
      output: string,
      options: { readonly quietMode?: boolean; readonly config?: (config: never) => unknown },
    );
    write(): Promise<void>;
  }
}
