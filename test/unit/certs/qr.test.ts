import { readFileSync, statSync } from "node:fs";
import { inflateSync } from "node:zlib";
import decodeQR from "qr/decode.js";
import { expect, test } from "vitest";
import { inFolderOfItsOwn, lacisCert, must } from "./in-process.ts";

inFolderOfItsOwn();

test("a QR code of a certificate is read back as its file", async () => {
  await must("ca", "-name", "mesh", "-out-qr", "ca.png");
  await must("sign", "-name", "lap", "-networks", "10.77.1.2/16", "-out-qr", "lap.png");
  await must("print", "-path", "lap.crt", "-out-qr", "again.png");
  for (const [image, file] of [
    ["ca.png", "ca.crt"],
    ["lap.png", "lap.crt"],
    ["again.png", "lap.crt"],
  ] as const) {
    expect(decodeQR(pixelsOf(image))).toBe(readFileSync(file, "utf8"));
    expect(statSync(image).mode & 0o777).toBe(0o600);
  }
});

test("what does not fit is refused, and nothing is written", async () => {
  await must("ca", "-name", "mesh");
  const groups = Array.from({ length: 256 }, (_, i) => `group-${i}`).join(",");
  const result = await lacisCert(
    "sign",
    "-name",
    "lap",
    "-networks",
    "10.77.1.2/16",
    "-groups",
    groups,
    "-out-qr",
    "q",
  );
  expect(result).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/^lacis-cert: q - \d+ bytes .* do not fit/),
  });
  expect((await lacisCert("print", "-path", "lap.crt")).status).toBe(1);
});

/** A PNG of one bit a pixel, without interlacing and filters, as RGBA. */
function pixelsOf(file: string) {
  const png = readFileSync(file);
  const width = png.readUInt32BE(16);
  const height = png.readUInt32BE(20);
  const begin = png.indexOf("IDAT");
  const rows = inflateSync(png.subarray(begin + 4, begin + 4 + png.readUInt32BE(begin - 4)));
  const rowBytes = 1 + Math.ceil(width / 8);
  const data = new Uint8Array(4 * width * height).fill(255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const isWhite = (rows[y * rowBytes + 1 + (x >> 3)]! >> (7 - (x & 7))) & 1;
      if (!isWhite) data.fill(0, 4 * (y * width + x), 4 * (y * width + x) + 3);
    }
  }
  return { width, height, data };
}
