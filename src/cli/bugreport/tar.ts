import { utf8Encode } from "../../core/base/bytes.ts";

const BLOCK_BYTES = 512;
/** What a name takes in a header (POSIX.1-1988, ustar). */
const NAME_BYTES_MAX = 100;

/** A file of an archive. */
export interface ArchivedFile {
  readonly name: string;
  readonly text: string;
}

/** An archive that any tar reads: plain files that only their owner may read. `at`: Unix milliseconds. */
export function tar(files: readonly ArchivedFile[], at: number): Uint8Array {
  const parts = files.flatMap(({ name, text }) => {
    const bytes = utf8Encode(text);
    return [header(name, bytes.length, at), bytes, new Uint8Array(-bytes.length & (BLOCK_BYTES - 1))];
  });
  return Buffer.concat([...parts, new Uint8Array(2 * BLOCK_BYTES)]);
}

function header(name: string, bytes: number, at: number): Uint8Array {
  const block = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, "0")}\0`;
  block.write(name.slice(0, NAME_BYTES_MAX), 0);
  block.write(octal(0o600, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(bytes, 12), 124);
  block.write(octal(Math.floor(at / 1000), 12), 136);
  block.write("        0", 148);
  block.write("ustar\x0000", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 7)} `, 148);
  return block;
}
