import type { Authority } from "../../test/netns/lab/certificates.ts";
import type { Machine } from "../../test/netns/lab/network.ts";

/** What two hosts are told to do before anything is measured. */
export interface Setup {
  readonly cipher: "aes" | "chachapoly";
  /** Firewall rules for what comes in; the last one allows everything, as the one for what goes out does. */
  readonly rules: number;
  /** Flows that the firewall may remember; without a number, as many as usually. */
  readonly flows?: number;
  /** Another authority that the server trusts, in PEM. */
  readonly trusted?: string;
}

export const USUAL: Setup = { cipher: "aes", rules: 1 };

/** Two machines with one cable between them. */
export interface Ends {
  readonly server: Machine;
  readonly client: Machine;
  readonly authority: Authority;
}

/** What is the same for every engine: Nebula's default MTU and queue, buffers that hold what a burst brings. */
export const OVERLAY_MTU = 1300;
export const TRANSMIT_QUEUE = 500;
export const SOCKET_BUFFER_BYTES = 8 << 20;

export const SERVER = "10.77.0.1";
export const CLIENT = "10.77.0.2";
/** Of a network that has room for many more peers. */
export const PREFIX_LENGTH = 8;

/** An implementation of a tunnel between two hosts that can be measured. */
export interface Engine {
  readonly name: string;
  /** What it says that it is. */
  readonly version: string;
  /** What it seals packets with in a setup; undefined where it cannot be set up so. */
  cipher(setup: Setup): string | undefined;
  /** Starts it on both machines; it stands when their devices do. It ends with the machines. */
  start(ends: Ends, setup: Setup): Promise<Running>;
}

export interface Running {
  /** Has both hosts read their configuration again; undefined where it knows no such thing. */
  readonly reload: (() => void) | undefined;
  /** How many flows both hosts remember: of the one that remembers fewer. Left out where it does not say. */
  readonly flows?: () => Promise<number>;
}
