import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SCHEMA } from "../../src/core/config/schema/schema.ts";
import { parseAddress } from "../../src/core/netip/address.ts";
import { type Endpoint, endpoint } from "../../src/core/netip/endpoint.ts";
import { parsePrefix } from "../../src/core/netip/prefix.ts";
import type { DataPlaneRequest } from "../../src/runtime/dataplane/contract/codec.ts";
import { NativeConnection } from "../../src/runtime/dataplane/native/native-connection.ts";
import { findDataPlaneBinary } from "../../src/runtime/dataplane/native/native-process.ts";
import { waitFor } from "./lab/wait.ts";

const at = (port: number): Endpoint => endpoint(parseAddress("127.0.0.1")!, port);
const BUFFERS = { readBufferBytes: 0, writeBufferBytes: 0, batch: 64 } as const;
const READ = { queues: 1, offloads: true } as const;
const THREADS = { pinned: true, seed: 0, cpus: [] } as const;
const UDP = { kind: "open-udp", bind: at(0), ...BUFFERS, mark: 0, ...READ } as const;
const ADDRESSES = [parsePrefix("10.77.0.1/16")!];
const TUN = {
  kind: "open-tun",
  name: "",
  mtu: 1300,
  txQueue: 500,
  addresses: ADDRESSES,
  ...READ,
  threads: THREADS,
} as const;

/** How the data plane gets the number of each key that has a range. */
const REQUESTS: Readonly<Record<string, (value: number) => DataPlaneRequest>> = {
  "listen.batch": (batch) => ({ ...UDP, batch }),
  "listen.port": (port) => ({ ...UDP, bind: at(port) }),
  "listen.read_buffer": (readBufferBytes) => ({ ...UDP, readBufferBytes }),
  "listen.routines": (routines) => ({ ...UDP, queues: Math.min(routines, 64) }),
  "listen.so_mark": (mark) => ({ ...UDP, mark }),
  "listen.write_buffer": (writeBufferBytes) => ({ ...UDP, writeBufferBytes }),
  "tun.mtu": (mtu) => ({ ...TUN, mtu }),
  "tun.routines": (routines) => ({ ...TUN, queues: Math.min(routines, 64) }),
  "tun.tx_queue": (txQueue) => ({ ...TUN, txQueue }),
};
/** Those whose range is the data plane's own, not the system's or that of a field. */
const ITS_OWN = ["listen.batch", "tun.mtu"];

/** It goes to a command beside the data plane. */
const NOT_ITS = "tun.use_system_route_table_buffer_size";
const ranges = SCHEMA.flatMap(({ path, type, state }) =>
  /^(listen|tun)\.\w+$/.test(path) && path !== NOT_ITS && state.kind === "implemented" && type.kind === "integer"
    ? [{ path, min: type.min, max: type.max }]
    : [],
);

let folder: string;
let child: ChildProcess;
let connection: NativeConnection;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "lacis-ranges-"));
  const socket = join(folder, "dataplane.sock");
  child = spawn(findDataPlaneBinary(), ["--socket", socket], { stdio: "ignore" });
  connection = await waitFor("the data plane", () => NativeConnection.open(socket).catch(() => undefined), {
    withinMs: 5_000,
  });
  await connection.hello();
});
afterAll(async () => {
  connection.close();
  child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

test("every key with a range that reaches the data plane is looked at here", () => {
  expect(ranges.map(({ path }) => path).sort()).toEqual(Object.keys(REQUESTS));
});

describe("what lacis check lets pass, the data plane opens:", () => {
  test.each(ranges)("$path from $min to $max", async ({ path, min, max }) => {
    for (const value of [min, max]) await expect(opened(path, value), `${value}`).resolves.toBe("opened");
  });

  test.each(ranges.filter(({ path }) => ITS_OWN.includes(path)))("$path, and nothing beside it", async (range) => {
    const { path, min, max } = range;
    for (const value of [min - 1, max + 1]) await expect(opened(path, value), `${value}`).resolves.toMatch(/between/);
  });
});

async function opened(path: string, value: number): Promise<string> {
  try {
    const result = await connection.ask(REQUESTS[path]!(value));
    return result?.kind === "tun-opened" || result?.kind === "udp-opened" ? "opened" : "nothing";
  } catch (error) {
    return String(error);
  }
}
