import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { IpAddress } from "../../../../../src/core/netip/address.ts";
import { withBlock, withoutBlock } from "../../../../../src/runtime/platform/linux/resolver/block.ts";
import { fileWiring, takeOut } from "../../../../../src/runtime/platform/linux/resolver/resolver-file.ts";

const BEFORE = "# by hand\nsearch example.com\nnameserver 192.0.2.53\n";
const WISH = { owner: "config-1f0c93ab", domain: "mesh", server: "10.77.0.2" as IpAddress, device: "mesh0" };

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "resolver-"));
  path = join(folder, "resolv.conf");
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("the file of the resolver", () => {
  test("has our server in front of all others, once, and is afterwards as it was before", async () => {
    writeFileSync(path, BEFORE, { mode: 0o640 });
    const wiring = fileWiring(path);
    expect(await wiring.wire(WISH)).toBe(true);
    expect(await wiring.wire(WISH)).toBe(false);
    expect(serversIn(read())).toEqual(["10.77.0.2", "192.0.2.53"]);
    expect(read()).toContain("names below mesh are answered by this host");
    await wiring.unwire(WISH);
    expect([read(), statSync(path).mode & 0o777, readdirSync(folder)]).toEqual([BEFORE, 0o640, ["resolv.conf"]]);
  });

  test("keeps what others write meanwhile, and gets our line again", async () => {
    writeFileSync(path, BEFORE);
    const wiring = fileWiring(path);
    await wiring.wire(WISH);
    writeFileSync(path, `${read()}options edns0\n`);
    await wiring.unwire(WISH);
    expect(read()).toBe(`${BEFORE}options edns0\n`);
    await wiring.wire(WISH);
    writeFileSync(path, "nameserver 192.0.2.54\n");
    expect(await wiring.wire(WISH)).toBe(true);
    expect(serversIn(read())).toEqual(["10.77.0.2", "192.0.2.54"]);
  });

  test("that was a link stays one, and that was not there is not there again", async () => {
    writeFileSync(join(folder, "target"), BEFORE);
    symlinkSync("target", path);
    const wiring = fileWiring(path);
    await wiring.wire(WISH);
    expect([lstatSync(path).isSymbolicLink(), serversIn(read()).length]).toEqual([true, 2]);
    await wiring.unwire(WISH);
    expect([lstatSync(path).isSymbolicLink(), read()]).toEqual([true, BEFORE]);

    const none = join(folder, "none");
    await fileWiring(none).wire(WISH);
    await fileWiring(none).wire({ ...WISH, domain: "other" });
    await fileWiring(none).unwire(WISH);
    expect(readdirSync(folder)).not.toContain("none");
  });

  test("is cleaned after a run that was killed, half-written draft included, and never of another's lines", async () => {
    writeFileSync(path, BEFORE);
    await fileWiring(path).wire({ ...WISH, owner: "other" });
    const other = read();
    await fileWiring(path).wire(WISH);
    writeFileSync(`${path}.${WISH.owner}`, "half");
    takeOut(path, WISH.owner);
    expect([read(), readdirSync(folder)]).toEqual([other, ["resolv.conf"]]);
    takeOut(path, WISH.owner);
    expect(read()).toBe(other);
  });

  test("that cannot be written is left alone, and the system's reason is passed on", async () => {
    await expect(fileWiring(join(folder, "no", "file")).wire(WISH)).rejects.toThrow(/ENOENT/);
  });

  test("of any text is the same again, also with our lines behind it, as a run leaves them that is killed at the wrong moment", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const block = withBlock("", WISH);
        expect(withoutBlock(withBlock(text, WISH), WISH.owner)).toBe(text);
        expect(withoutBlock(text + block, WISH.owner)).toBe(text);
        expect(withoutBlock(text, WISH.owner)).toBe(text);
      }),
    );
  });
});

function read(): string {
  return readFileSync(path, "utf8");
}

function serversIn(text: string): readonly string[] {
  return [...text.matchAll(/^nameserver (\S+)$/gm)].flatMap(([, server]) => server ?? []);
}
