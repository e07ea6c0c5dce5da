import { fail, ok, type Result } from "../base/result.ts";
import { Banner, decodePem, encodePem } from "../cert/pem.ts";
import type { CryptoSuite } from "../crypto/suite.ts";
import { type Bulletin, decodeBulletin, encodeBulletin } from "./bulletin.ts";

/** A bulletin as text, for files and terminals; several stand one behind the other. */
export function formatBulletin(bulletin: Bulletin): string {
  return encodePem(Banner.bulletin, encodeBulletin(bulletin));
}

/** All bulletins of a text, at least one, and nothing else. */
export function parseBulletins(suite: CryptoSuite, text: string): Result<readonly Bulletin[], string> {
  const blocks = decodePem(text);
  if (!blocks.ok) return blocks;
  const bulletins: Bulletin[] = [];
  for (const [i, { banner, bytes }] of blocks.value.entries()) {
    if (banner !== Banner.bulletin) return fail(`block ${i + 1} is a ${banner}, not a bulletin`);
    const bulletin = decodeBulletin(suite, bytes);
    if (!bulletin.ok) return fail(`block ${i + 1}: ${bulletin.reason}`);
    bulletins.push(bulletin.value);
  }
  return ok(bulletins);
}
