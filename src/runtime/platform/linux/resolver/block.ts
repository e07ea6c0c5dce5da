import type { NameWish } from "../../platform.ts";

/** Behind the first line of a block in a file that was not there before. */
const NO_FILE = " (there was no file)";

/** The text of resolv.conf(5) with our lines before everything else: the first server is asked first, and one that refuses or is not there is passed over. */
export function withBlock(text: string | undefined, { owner, domain, server }: Omit<NameWish, "device">): string {
  const rest = withoutBlock(text ?? "", owner);
  const fresh = text === undefined || (rest === "" && wasMade(text, owner)) ? NO_FILE : "";
  const begin = `${beginOf(owner)}${fresh}: names below ${domain} are answered by this host, until it stops\n`;
  return `${begin}nameserver ${server}\n${endOf(owner)}${rest}`;
}

/** Without them, wherever they are: what others have written meanwhile stays. */
export function withoutBlock(text: string, owner: string): string {
  const block = blockIn(text, owner);
  return block === "" ? text : text.replace(block, () => "");
}

/** Our lines in a text; empty when there are none. */
export function blockIn(text: string, owner: string): string {
  const begin = text.search(new RegExp(`${escaped(beginOf(owner))}(?: |:)`));
  const end = begin < 0 ? -1 : text.indexOf(endOf(owner), begin);
  return end < 0 ? "" : text.slice(begin, end + endOf(owner).length);
}

/** Whether the file is there for our lines alone. */
export function wasMade(text: string, owner: string): boolean {
  return blockIn(text, owner).startsWith(`${beginOf(owner)}${NO_FILE}:`);
}

function beginOf(owner: string): string {
  return `# lacis ${owner} begin`;
}

function endOf(owner: string): string {
  return `# lacis ${owner} end\n`;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
