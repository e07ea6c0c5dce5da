import type { LighthouseService } from "../src/core/discovery/service.ts";
import type { Prefix } from "../src/core/netip/prefix.ts";
import { acceptUpdate, answerQuery } from "./answers.ts";
import { Directory } from "./directory.ts";

/** What a lighthouse needs to know about the host it runs on. */
export interface LighthouseOptions {
  /** This host's overlay networks: nothing inside them is an underlay address. */
  readonly ownNetworks: readonly Prefix[];
}

/**
 * A lighthouse: remembers where hosts are, from their reports and their packets, and tells whoever asks. It holds no secret and decides
 * nothing; anybody with a valid certificate may ask.
 */
export function createLighthouse(options: LighthouseOptions): LighthouseService {
  const directory = new Directory(options.ownNetworks);
  return {
    answer(from, request) {
      const { message } = request;
      if (message.kind === "host-update") return acceptUpdate(directory, from, message, request);
      if (message.kind === "host-query") return answerQuery(directory, from, message.target, request);
      return [];
    },
    learned(peer, at) {
      directory.learned(peer, at);
    },
    closed(peer) {
      directory.forget(peer);
    },
  };
}
