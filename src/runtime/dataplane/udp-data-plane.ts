import { createSocket, type Socket } from "node:dgram";
import { type Rate, TokenBucket } from "../../core/base/token-bucket.ts";
import type { BootSettings, Settings } from "../../core/config/settings.ts";
import { CIPHERS } from "../../core/crypto/suite.ts";
import { CONTRACT_VERSIONS, type DataPlaneCommand, type DataPlaneEvent } from "../../core/dataplane/contract.ts";
import { type DataPlaneOutput, ReferenceDataPlane } from "../../core/dataplane/reference/reference-data-plane.ts";
import { parseAddress } from "../../core/netip/address.ts";
import { type Endpoint, endpoint, endpointAddress, endpointPort } from "../../core/netip/endpoint.ts";
import { Alarm } from "../alarm.ts";
import { readNow } from "../clock.ts";
import { listenAddress } from "../listen-address.ts";
import { nodeSuite } from "../node-crypto.ts";
import { systemCode } from "../operator-error.ts";
import { packageVersion } from "../package-root.ts";
import type { DataPlane, DataPlaneDescription, DataPlaneListener } from "./data-plane.ts";
import { ENGINE, SEND_ERRORS } from "./native/capabilities.ts";
import { refusedDevice } from "./native/device-complaint.ts";

/** A socket that fails is opened again after so long. */
const REOPEN_MS = 1_000;

/** What the kernel is asked to buffer when the configuration does not say. It gives what it may: this process has no right to more. */
const RECEIVE_BUFFER_BYTES = 8 << 20;

/** Of what the kernel refuses to send: a hint is enough. */
const SEND_ERRORS_TOLD: Rate = { perSecond: 10, burst: 10 };

/** Datagrams that may wait in the socket for the kernel. Past it they are lost, as the network might have done. */
const SEND_QUEUE_BYTES_MAX = 4 << 20;

/**
 * The readable data plane over one UDP socket, in this process: what a lighthouse with `tun.disabled` runs on. It needs neither Rust nor
 * rights. An IPv6 wildcard socket serves both families; IPv4 addresses are mapped here and nowhere else.
 */
export class UdpDataPlane implements DataPlane {
  readonly #listen: BootSettings["listen"];
  readonly #plane = new ReferenceDataPlane(nodeSuite);
  #listener: DataPlaneListener | undefined;
  #socket: Socket | undefined;
  #port = 0;
  /** An IPv6 socket takes IPv4 addresses mapped (RFC 4291 2.5.5.2). */
  #isDual = false;
  #restarts = 0;
  #lastError: string | undefined;
  readonly #alarm = new Alarm(readNow, () => {
    this.#plane.tick(readNow());
    this.#drain();
  });
  #draining = false;
  #sendsFailed = 0;
  #reopen: NodeJS.Timeout | undefined;
  readonly #sendErrors = new TokenBucket(SEND_ERRORS_TOLD);
  #stopped = false;

  constructor({ boot }: Settings) {
    this.#listen = boot.listen;
  }

  async start(listener: DataPlaneListener): Promise<void> {
    this.#listener = listener;
    if (this.#listen.soMark !== 0) listener.tell({ code: "so-mark-ignored" });
    const { port } = this.#listen;
    const isUp = (): void => listener.up(this.#port, { sessions: [], relays: [], isShortLived: true });
    try {
      this.#adopt(await this.#open(port));
    } catch (error) {
      // An address may come later: with DHCP, or with a cable.
      if (systemCode(error) === "EADDRNOTAVAIL") return this.#openLater(port, error, isUp);
      const code = { EADDRINUSE: "address-in-use", EACCES: "not-permitted" }[systemCode(error)] ?? "system";
      const reason = error instanceof Error ? error.message : String(error);
      throw refusedDevice(process.execPath, { device: "udp", port: this.#listen.port }, { code, error: reason });
    }
    isUp();
  }

  command(command: DataPlaneCommand): void {
    this.#plane.command(command, readNow());
    this.#drain();
  }

  describe(): DataPlaneDescription {
    return {
      kind: "typescript",
      state: this.#stopped ? "stopped" : this.#socket ? "up" : "starting",
      build: `TypeScript ${packageVersion()}`,
      contract: CONTRACT_VERSIONS.newest,
      capabilities: [...ENGINE, SEND_ERRORS],
      program: undefined,
      startedAt: undefined,
      ciphers: CIPHERS.map((cipher) => ({ cipher, library: `OpenSSL ${process.versions.openssl}` })),
      pid: undefined,
      confinement: undefined,
      device: undefined,
      port: this.#port,
      adopted: false,
      restarts: this.#restarts,
      lastError: this.#lastError,
    };
  }

  answers(): Promise<boolean> {
    return Promise.resolve(this.describe().state === "up");
  }

  renew(): void {}

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#reopen);
    this.#alarm.set(undefined);
    const socket = this.#socket;
    this.#socket = undefined;
    // Closing waits for nothing, so the farewells of the last commands get one turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    if (socket) await new Promise<void>((resolve) => socket.close(resolve));
  }

  async #open(port: number): Promise<Socket> {
    const { readBufferBytes, writeBufferBytes } = this.#listen;
    const host = listenAddress(this.#listen.host);
    const socket = createSocket({
      type: host.includes(":") ? "udp6" : "udp4",
      // Only literals are sent to, so that nothing is ever looked up.
      lookup: (address, _options, done) => done(null, address, address.includes(":") ? 6 : 4),
      recvBufferSize: readBufferBytes > 0 ? readBufferBytes : RECEIVE_BUFFER_BYTES,
      ...(writeBufferBytes > 0 && { sendBufferSize: writeBufferBytes }),
    });
    return new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.bind(port, host, () => {
        socket.off("error", reject);
        resolve(socket);
      });
    });
  }

  #adopt(socket: Socket): void {
    this.#socket = socket;
    const { port, family } = socket.address();
    this.#port = port;
    this.#isDual = family === "IPv6";
    this.#lastError = undefined;
    socket.on("message", (datagram, { address, port }) => {
      const source = parseAddress(address);
      if (!source) return;
      const bytes = new Uint8Array(datagram.buffer, datagram.byteOffset, datagram.length);
      this.#plane.fromUdp(endpoint(source, port), bytes, readNow());
      this.#drain();
    });
    socket.on("error", (error) => this.#lost(socket, error));
  }

  /** The sessions live on: only the socket is opened anew, on the same port. */
  #lost(socket: Socket, error: Error): void {
    if (this.#stopped || socket !== this.#socket) return;
    this.#socket = undefined;
    this.#restarts++;
    socket.close();
    this.#openLater(this.#port, error);
  }

  #openLater(port: number, why: unknown, opened: () => void = () => {}): void {
    this.#lastError = why instanceof Error ? why.message : String(why);
    this.#reopen = setTimeout(async () => {
      try {
        const socket = await this.#open(port);
        if (this.#stopped) return void socket.close();
        this.#adopt(socket);
        opened();
      } catch (again) {
        if (!this.#stopped) this.#openLater(port, again, opened);
      }
    }, REOPEN_MS);
  }

  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    for (let output = this.#plane.poll(); output; output = this.#plane.poll()) this.#carryOut(output);
    this.#draining = false;
    const at = this.#plane.pollTimeout();
    if (at !== undefined && !this.#stopped) this.#alarm.set(at);
  }

  #carryOut(output: DataPlaneOutput): void {
    if (output.to === "control") this.#listener?.event(this.#completed(output.event));
    else if (output.to === "udp") this.#send(output.endpoint, output.datagram);
  }

  #send(to: Endpoint, datagram: Uint8Array): void {
    const socket = this.#socket;
    const port = endpointPort(to);
    // What the kernel would refuse, Node.js throws at.
    if (!socket || port === 0) {
      this.#sendFailed(to, socket ? "EINVAL" : "ENETDOWN");
      return;
    }
    if (socket.getSendQueueSize() > SEND_QUEUE_BYTES_MAX) {
      this.#sendFailed(to, "ENOBUFS");
      return;
    }
    const address = endpointAddress(to);
    const mapped = this.#isDual && !address.includes(":") ? `::ffff:${address}` : address;
    // What the kernel refuses is lost like what the network loses: counted, and the protocol repeats it.
    socket.send(datagram, port, mapped, (error) => {
      if (error) this.#sendFailed(to, systemCode(error));
    });
  }

  #sendFailed(endpoint: Endpoint, error: string): void {
    this.#sendsFailed++;
    if (this.#sendErrors.take(readNow())) this.#listener?.event({ kind: "send-error", endpoint, error });
  }

  /** The readable data plane hands datagrams over and does not learn what became of them. */
  #completed(event: DataPlaneEvent): DataPlaneEvent {
    if (event.kind !== "sampled" || this.#sendsFailed === 0) return event;
    const drops = new Map(event.counters.drops).set("send-failed", BigInt(this.#sendsFailed));
    return { ...event, counters: { ...event.counters, drops } };
  }
}
