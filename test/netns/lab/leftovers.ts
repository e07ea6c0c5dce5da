import { readdir, readFile } from "node:fs/promises";
import { must } from "./command.ts";

/**
 * What is still there in a lab after everything should be gone: namespaces, devices, processes other than the shell that is
 * process 1 and ourselves, files of the daemons. One line each; empty when the lab is clean.
 */
export async function findLeftovers(): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of await list("/run/netns")) found.push(`network namespace ${name}`);
  const links: readonly { ifname: string }[] = JSON.parse(await must("ip", ["-json", "link", "show"]));
  for (const link of links) if (link.ifname !== "lo") found.push(`network device ${link.ifname}`);
  for (const entry of await list("/proc")) {
    const pid = Number(entry);
    if (Number.isInteger(pid) && !(await isOurAncestor(pid)) && (await commandOf(pid)) !== "") {
      found.push(`process ${pid}: ${await commandOf(pid)}`);
    }
  }
  for (const name of await list("/run/lab")) found.push(`/run/lab/${name}`);
  for (const folder of await list("/run/lacis")) {
    // The state folder itself stays, with the log of the data plane: a restart finds them again.
    const stale = (await list(`/run/lacis/${folder}`)).filter((name) => name !== "dataplane.log");
    found.push(...stale.map((name) => `/run/lacis/${folder}/${name}`));
  }
  return found;
}

async function isOurAncestor(pid: number): Promise<boolean> {
  for (let one = process.pid; one > 0; one = await parentOf(one)) if (one === pid) return true;
  return false;
}

async function parentOf(pid: number): Promise<number> {
  return Number(/^PPid:\s+(\d+)/m.exec(await read(`/proc/${pid}/status`))?.[1] ?? 0);
}

async function commandOf(pid: number): Promise<string> {
  return (await read(`/proc/${pid}/cmdline`)).replaceAll("\0", " ").trim();
}

async function read(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}

async function list(directory: string): Promise<readonly string[]> {
  return readdir(directory).catch(() => []);
}
