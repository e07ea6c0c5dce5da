import { fromBase64, toBase64 } from "../base/base64.ts";
import { fail, ok, type Result } from "../base/result.ts";

/** What stands between "-----BEGIN " and "-----" (protocol 4.1). The content is raw key bytes or a certificate, never PKCS#8 or SPKI. */
export const Banner = {
  certificateV1: "NEBULA CERTIFICATE",
  certificateV2: "NEBULA CERTIFICATE V2",
  x25519PrivateKey: "NEBULA X25519 PRIVATE KEY",
  x25519PublicKey: "NEBULA X25519 PUBLIC KEY",
  p256PrivateKey: "NEBULA P256 PRIVATE KEY",
  p256PublicKey: "NEBULA P256 PUBLIC KEY",
  ed25519PrivateKey: "NEBULA ED25519 PRIVATE KEY",
  ed25519PublicKey: "NEBULA ED25519 PUBLIC KEY",
  ecdsaP256PrivateKey: "NEBULA ECDSA P256 PRIVATE KEY",
  ecdsaP256PublicKey: "NEBULA ECDSA P256 PUBLIC KEY",
  ed25519EncryptedPrivateKey: "NEBULA ED25519 ENCRYPTED PRIVATE KEY",
  ecdsaP256EncryptedPrivateKey: "NEBULA ECDSA P256 ENCRYPTED PRIVATE KEY",
  /** Ours: what an authority tells its network. */
  bulletin: "LACIS BULLETIN",
} as const;

export type Banner = (typeof Banner)[keyof typeof Banner];

export interface PemBlock {
  /** As it stands in the text, known or not. */
  readonly banner: string;
  readonly bytes: Uint8Array;
}

/**
 * All blocks of a text. Other lines may stand before and between blocks, only white space after the last one. Reasons say where ("line 3")
 * and never repeat content, which may be a key.
 */
export function decodePem(text: string): Result<PemBlock[], string> {
  // Editors and shells of Windows put a byte order mark before the first line, and `cat` of two such files before one in the middle.
  const lines = text.replaceAll("\uFEFF", "").split(/\r?\n/);
  const blocks: PemBlock[] = [];
  let next = 0;
  for (;;) {
    const begin = lines.findIndex((line, i) => i >= next && BEGIN.test(line));
    if (begin < 0) break;
    const end = lines.findIndex((line, i) => i > begin && line.startsWith("-----"));
    const banner = BEGIN.exec(lines[begin] ?? "")?.[1] ?? "";
    if (end < 0 || (lines[end] ?? "").trimEnd() !== `-----END ${banner}-----`) {
      return fail(`the block that begins in line ${begin + 1} does not end with "-----END ${banner}-----"`);
    }
    const bytes = fromBase64(
      lines
        .slice(begin + 1, end)
        .join("")
        .replace(/[ \t]/g, ""),
    );
    if (!bytes) return fail(`the block that begins in line ${begin + 1} is not base64`);
    blocks.push({ banner, bytes });
    next = end + 1;
  }
  if (blocks.length === 0)
    return fail(
      text.includes("-----BEGIN")
        ? 'something stands before its "-----BEGIN": the line has to begin with it, without spaces or what cannot be seen'
        : 'there is no "-----BEGIN" line in it',
    );
  const trailing = lines.findIndex((line, i) => i >= next && line.trim() !== "");
  if (trailing >= 0) return fail(`there is something else in line ${trailing + 1}, after the last block`);
  return ok(blocks);
}

/** One block, 64 columns wide, ending in a newline. */
export function encodePem(banner: Banner, bytes: Uint8Array): string {
  const lines = toBase64(bytes).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${banner}-----\n${lines.map((line) => `${line}\n`).join("")}-----END ${banner}-----\n`;
}

const BEGIN = /^-----BEGIN ([A-Z0-9 ]{1,64})-----[ \t]*$/;
