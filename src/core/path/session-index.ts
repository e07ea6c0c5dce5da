import type { Brand } from "../base/brand.ts";

/** Index of a session that we allocated and the peer sends to us. Never 0. */
export type LocalIndex = Brand<number, "LocalIndex">;
/** Index of a session that the peer allocated and we send to it. Never 0. */
export type RemoteIndex = Brand<number, "RemoteIndex">;
