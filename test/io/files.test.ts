import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readTensorFile, writeTensorFile } from "../../src/io/files.ts";
import { writeNpy } from "../../src/io/npy.ts";
import { writeSafetensors } from "../../src/io/safetensors.ts";
import { fixture, laterRefusal } from "./support.ts";

const tensors = {
  query: { shape: [2], data: [1, 2] },
  "größe 🙂": { shape: [], data: [1], dtype: "I8" as const },
  ["__proto__"]: { shape: [0, 2], data: [], dtype: "F16" as const },
};

let folder = "";
const at = (name: string) => join(folder, name);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "attnspec-io-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function expectTensors(path: string): Promise<void> {
  const read = await readTensorFile(path);
  expect(Object.keys(read.tensors).sort()).toEqual(["__proto__", "größe 🙂", "query"]);
  expect(read.tensors.query).toEqual({ dtype: "F64", shape: [2], data: Float64Array.of(1, 2) });
  expect(read.tensors["größe 🙂"]).toEqual({ dtype: "I8", shape: [], data: Int8Array.of(1) });
  expect({ ...read.metadata }).toEqual({ by: "test" });
}

describe("round trips", () => {
  test.each(["out.safetensors", "out", "out-1.5/", "folder.safetensors/"])("%s", async (name) => {
    await writeTensorFile(at(name), tensors, { by: "test" });
    await expectTensors(at(name));
    expect(await readdir(folder)).toEqual([name.replace("/", "")]);
  });

  test.each(["out.safetensors", "out"])("%s replaces what was there, and leaves nothing else", async (name) => {
    await writeTensorFile(at(name), { old: { shape: [], data: [0] } }, { old: "yes" });
    await writeTensorFile(at(name), tensors, { by: "test" });
    await expectTensors(at(name));
    expect(await readdir(folder)).toEqual([name]);
  });

  test("a link is followed, not replaced", async () => {
    await mkdir(at("real"));
    await symlink(at("real"), at("link"));
    await writeTensorFile(at("link"), tensors, { by: "test" });
    await expectTensors(at("real"));
    expect((await readdir(folder)).sort()).toEqual(["link", "real"]);
  });

  test("a single .npy file is a tensor named like the file", async () => {
    await writeFile(at("layer.0.NPY"), writeNpy({ shape: [1], data: [3] }));
    const { tensors: read, metadata } = await readTensorFile(at("layer.0.NPY"));
    expect({ ...read }).toEqual({ "layer.0": { dtype: "F64", shape: [1], data: Float64Array.of(3) } });
    expect(Object.keys(metadata)).toEqual([]);
  });

  test("a folder of NumPy's files and a file of the Python package", async () => {
    expect(Object.keys((await readTensorFile(fixture("numpy"))).tensors)).toContain("fortran");
    expect(Object.keys((await readTensorFile(fixture("reference.safetensors"))).tensors)).toContain("BF16");
  });

  test("hidden files and files of other kinds in a folder are passed over", async () => {
    await writeTensorFile(at("out"), tensors, { by: "test" });
    await writeFile(at("out/._query.npy"), "not an array");
    await writeFile(at("out/notes.txt"), "not an array");
    await expectTensors(at("out"));
  });
});

describe("reading is refused", () => {
  test("for a path that does not exist", async () => {
    for (const path of [at("none.safetensors"), at("none"), ""]) {
      const refused = await laterRefusal(readTensorFile(path));
      expect(refused).toMatchObject({ file: path, offset: undefined, reason: "the path does not exist" });
    }
  });

  test("for a path that cannot be read", async () => {
    await symlink(at("loop.npy"), at("loop.npy"));
    await writeFile(at("file.npy"), "");
    for (const path of [at("loop.npy"), at("file.npy/inner.npy"), at(`${"n".repeat(300)}.npy`), at("nul\0.npy")]) {
      expect((await laterRefusal(readTensorFile(path))).reason).toBe("the path cannot be read");
    }
  });

  test.skipIf(process.getuid?.() === 0)("for a file without permission", async () => {
    await writeFile(at("secret.npy"), writeNpy({ shape: [], data: [1] }));
    await chmod(at("secret.npy"), 0);
    const refused = await laterRefusal(readTensorFile(at("secret.npy")));
    expect(refused.reason).toBe("the path cannot be read");
    expect(refused.message).toContain("EACCES");
  });

  test("for an empty file, whichever its kind", async () => {
    for (const name of ["empty.safetensors", "empty.npy"]) {
      await writeFile(at(name), "");
      expect((await laterRefusal(readTensorFile(at(name)))).reason).toBe("the file is empty");
    }
  });

  test("for a file of another kind", async () => {
    for (const name of ["arrays.npz", "plain"]) {
      await writeFile(at(name), "x");
      expect((await laterRefusal(readTensorFile(at(name)))).reason).toBe("this kind of file is not supported");
    }
  });

  test("for a folder without any .npy file", async () => {
    expect((await laterRefusal(readTensorFile(folder))).message).toContain("found an empty folder");
    await writeFile(at("model.safetensors"), writeSafetensors({}));
    const refused = await laterRefusal(readTensorFile(folder));
    expect(refused).toMatchObject({ file: folder, reason: "the folder has no .npy file" });
    expect(refused.message).toContain('such as "model.safetensors"');
  });

  test("for a folder whose .npy entry is a folder, or whose files share a name", async () => {
    await mkdir(at("a.npy"));
    expect((await laterRefusal(readTensorFile(folder))).reason).toBe("this is not a regular file");
    await rm(at("a.npy"), { recursive: true });
    await writeFile(at("a.npy"), writeNpy({ shape: [], data: [1] }));
    await writeFile(at("a.NPY"), writeNpy({ shape: [], data: [2] }));
    const caseMatters = (await readdir(folder)).length === 2;
    if (caseMatters) expect((await laterRefusal(readTensorFile(folder))).reason).toContain("two files");
  });

  test("for a malformed file in a folder, by the name of that file", async () => {
    await writeTensorFile(at("out"), tensors, { by: "test" });
    await writeFile(at("out/bad.npy"), "bad");
    expect((await laterRefusal(readTensorFile(at("out")))).file).toBe(at("out/bad.npy"));
    await rm(at("out/bad.npy"));
    for (const [content, offset] of [
      ["[]", 0],
      ['{"a":1}', 5],
      ["{", 1],
      [Uint8Array.of(0x7b, 0xff), 1],
    ] as const) {
      await writeFile(at("out/__metadata__.json"), content);
      const refused = await laterRefusal(readTensorFile(at("out")));
      expect(refused).toMatchObject({ file: at("out/__metadata__.json"), offset });
    }
  });

  test("for a file over the limit, with its size and the limit", async () => {
    await writeTensorFile(at("out.safetensors"), tensors);
    const size = (await readFile(at("out.safetensors"))).length;
    await readTensorFile(at("out.safetensors"), { maxBytes: size });
    const refused = await laterRefusal(readTensorFile(at("out.safetensors"), { maxBytes: size - 1 }));
    expect(refused.reason).toBe(`the file of ${size} bytes is too large`);
    expect(refused.message).toContain(`at most ${size - 1} bytes`);
  });

  test("for a folder whose files together are over the limit", async () => {
    const tensor = { shape: [], data: [1] };
    await writeTensorFile(at("out"), { a: tensor, b: tensor });
    const size = writeNpy(tensor).length;
    await readTensorFile(at("out"), { maxBytes: 2 * size });
    const refused = await laterRefusal(readTensorFile(at("out"), { maxBytes: 2 * size - 1 }));
    expect(refused.file).toBe(at("out/b.npy"));
    expect(refused.message).toContain(`found ${2 * size} bytes up to this file`);
  });

  test("for a file over 2 GiB unless told otherwise", async () => {
    await writeFile(at("vast.npy"), "");
    await truncate(at("vast.npy"), 2 ** 31 + 1);
    expect((await laterRefusal(readTensorFile(at("vast.npy")))).message).toContain("at most 2147483648 bytes");
  });

  test("with a limit that is no number of bytes", async () => {
    for (const maxBytes of [Number.NaN, -1]) {
      await expect(readTensorFile(fixture("numpy"), { maxBytes })).rejects.toThrow(RangeError);
    }
  });
});

describe("writing is refused and leaves everything as it was", () => {
  async function expectUntouched(work: () => Promise<unknown>) {
    const before = (await readdir(folder, { recursive: true })).sort();
    const refused = await laterRefusal(work());
    expect((await readdir(folder, { recursive: true })).sort()).toEqual(before);
    return refused;
  }

  test("for values the element type cannot hold", async () => {
    const bad = { good: { shape: [], data: [1] }, mask: { shape: [1], data: [2], dtype: "BOOL" as const } };
    await writeTensorFile(at("old.safetensors"), tensors, { by: "test" });
    await writeTensorFile(at("old"), tensors, { by: "test" });
    for (const name of ["new.safetensors", "new", "old.safetensors", "old"]) {
      const refused = await expectUntouched(() => writeTensorFile(at(name), bad));
      expect(refused.message).toMatch(/mask/);
      expect(refused.file.startsWith(at(name))).toBe(true);
    }
    await expectTensors(at("old.safetensors"));
    await expectTensors(at("old"));
  });

  test("when the final rename fails", async () => {
    await mkdir(at("taken.safetensors"));
    const refused = await expectUntouched(() => writeTensorFile(at("taken.safetensors"), tensors));
    expect(refused).toMatchObject({ file: at("taken.safetensors"), reason: "the path cannot be written" });
    expect(refused.cause).toBeInstanceOf(Error);
  });

  test("when a file of a folder fails after others were written", async () => {
    const tensor = { shape: [], data: [1] };
    const refused = await expectUntouched(() => writeTensorFile(at("out"), { a: tensor, ["n".repeat(300)]: tensor }));
    expect(refused.message).toContain("ENAMETOOLONG");
  });

  test("for a folder that does not exist", async () => {
    for (const name of ["none/out.safetensors", "none/out"]) {
      const refused = await expectUntouched(() => writeTensorFile(at(name), tensors));
      expect(refused.reason).toBe("the path does not exist");
    }
  });

  test("for a folder that holds anything else", async () => {
    await mkdir(at("mixed"));
    await writeFile(at("mixed/thesis.tex"), "precious");
    const refused = await expectUntouched(() => writeTensorFile(at("mixed"), tensors));
    expect(refused.message).toContain('found "thesis.tex"');
  });

  test("for a path of another kind", async () => {
    await writeFile(at("plain"), "precious");
    for (const name of ["out.npy", "out.safetensor", "plain", "plain/"]) {
      const refused = await expectUntouched(() => writeTensorFile(at(name), tensors));
      expect(refused.reason).toBe("tensors cannot be written to this path");
    }
    expect(await readFile(at("plain"), "utf8")).toBe("precious");
  });

  test("for a folder of no tensors", async () => {
    expect((await expectUntouched(() => writeTensorFile(at("out"), {}))).reason).toBe("there is no tensor to write");
  });

  test("for names that no file can have", async () => {
    for (const name of ["", ".hidden", "..", "a/b", "a\\b", "a\0", "a\n", "a:b", "\ud800"]) {
      const refused = await expectUntouched(() => writeTensorFile(at("out"), { [name]: { shape: [], data: [1] } }));
      expect(refused.reason).toContain("cannot name a .npy file");
    }
  });
});
