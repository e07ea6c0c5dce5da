import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, vi } from "vitest";
import { main } from "../../../certs/cli/tool.ts";

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Each test of the file works in an empty folder, which is removed after it. */
export function inFolderOfItsOwn(): void {
  const home = process.cwd();
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "lacis-cert-"));
    process.chdir(folder);
  });
  afterEach(() => {
    process.chdir(home);
    rmSync(folder, { recursive: true, force: true });
  });
}

/** lacis-cert in this process and its working directory, with what it prints caught. */
export async function lacisCert(...args: readonly string[]): Promise<Ran> {
  const [out, err] = [caught(process.stdout), caught(process.stderr)];
  try {
    const status = await main(args);
    return { status, stdout: out.text(), stderr: err.text() };
  } finally {
    out.release();
    err.release();
  }
}

/** The same for a command that has to succeed; gives what it printed. */
export async function must(...args: readonly string[]): Promise<string> {
  const result = await lacisCert(...args);
  if (result.status !== 0) throw new Error(`${args.join(" ")}: ${result.stderr}`);
  return result.stdout;
}

function caught(stream: NodeJS.WriteStream) {
  const texts: string[] = [];
  const spy = vi.spyOn(stream, "write").mockImplementation((text) => {
    texts.push(String(text));
    return true;
  });
  return { text: () => texts.join(""), release: () => spy.mockRestore() };
}
