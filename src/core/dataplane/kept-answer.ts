import type { LocalIndex } from "../path/session-index.ts";

/** Longest message whose answer a data plane keeps, which is not longer: room for every place that a report may name, in both families. */
export const ASKED_BYTES_MAX = 512;
/** No answer is kept for longer. */
export const KEPT_MS_MAX = 60_000;

/** What is said to the last lighthouse message of a session, should it come again from the same place. */
export interface AnswerToKeep {
  readonly localIndex: LocalIndex;
  readonly asked: Uint8Array;
  readonly answer: Uint8Array;
  /** 0: what is kept for this session is forgotten. */
  readonly forMs: number;
  /** Number of the message, as the data plane told it: nothing is kept once it has told another one. */
  readonly heard: number;
}
