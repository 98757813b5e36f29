/** The site's pages: TypeScript templates over the gathered data, handed on as `site`. */
import type { Data } from "./templates/site.ts";

interface Config {
  addExtension(extensions: readonly string[], settings: { readonly key: string }): void;
  addTemplateFormats(format: string): void;
  addGlobalData(name: string, value: unknown): void;
  setFreezeReservedData(freeze: boolean): void;
  setUseGitIgnore(use: boolean): void;
}

export const configure = (data: Data) => (config: Config) => {
  config.addExtension(["11ty.ts"], { key: "11ty.js" });
  config.addTemplateFormats("11ty.ts");
  config.addGlobalData("site", () => data);
  config.setFreezeReservedData(false);
  config.setUseGitIgnore(false);
  return {
    dir: { input: "docs/templates", output: "docs/site" },
    markdownTemplateEngine: false,
    htmlTemplateEngine: false,
  };
};
