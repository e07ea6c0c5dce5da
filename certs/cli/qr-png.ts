import zlib from "node:zlib";
import { fail, ok, type Result } from "../../src/core/base/result.ts";
import type { Refusal } from "../refusal.ts";

/** Pixels along the side of a module, and modules of white around the code: as nebula-cert draws it. */
const PIXELS_PER_MODULE = 5;
const BORDER_MODULES = 4;

/** Bytes of text that the largest code holds with medium error correction (ISO/IEC 18004, version 40-M). */
const TEXT_BYTES_MAX = 2331;

/** A QR code of the text, as a PNG image. `what` names the file in the refusal. */
export async function qrPng(text: string, what: string): Promise<Result<Uint8Array, Refusal>> {
  const bytes = new TextEncoder().encode(text).length;
  if (bytes > TEXT_BYTES_MAX) {
    const why = `${bytes} bytes of certificates do not fit a QR code, which holds ${TEXT_BYTES_MAX}`;
    return fail({ what, why, todo: "give fewer groups or networks, or carry the file another way" });
  }
  const { encodeQR } = await import("qr");
  const modules = encodeQR(text, "raw", { ecc: "medium", encoding: "byte", border: BORDER_MODULES });
  return ok(png(modules));
}

/** One bit a pixel, black on white, one filter byte before each row (PNG, third edition: colour type 0, bit depth 1). */
function png(modules: readonly (readonly boolean[])[]): Uint8Array {
  const width = modules.length * PIXELS_PER_MODULE;
  const rowBytes = 1 + Math.ceil(width / 8);
  const pixels = new Uint8Array(rowBytes * width);
  for (let y = 0; y < width; y++) {
    for (let x = 0; x < width; x++) {
      const isBlack = modules[Math.floor(y / PIXELS_PER_MODULE)]?.[Math.floor(x / PIXELS_PER_MODULE)] ?? false;
      const at = y * rowBytes + 1 + (x >> 3);
      if (!isBlack) pixels[at] = (pixels[at] ?? 0) | (0x80 >> (x & 7));
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(width, 4);
  header[8] = 1;
  return Buffer.concat([
    Buffer.from("89504e470d0a1a0a", "hex"),
    chunk("IHDR", header),
    chunk("IDAT", zlib.deflateSync(pixels)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** Length, type, content, CRC of type and content. */
function chunk(type: string, content: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), content]);
  const [length, crc] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  crc.writeUInt32BE(zlib.crc32(body));
  return Buffer.concat([length, body, crc]);
}

/** The same in half blocks, for whoever holds a camera before the terminal. */
export async function qrOnTerminal(text: string): Promise<string> {
  const { encodeQR } = await import("qr");
  return `${encodeQR(text, "ascii", { ecc: "low", encoding: "byte" })}\n`;
}
