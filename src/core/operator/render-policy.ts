import type { EventOf } from "./event.ts";
import { serviceText } from "./explanation-text.ts";
import type { PolicyNews } from "./policy-news.ts";
import type { Rendering } from "./rendering.ts";

/** What the policy of the network has to tell. */
export const POLICY: { readonly [Code in PolicyNews["code"]]: Rendering<EventOf<Code>> } = {
  "policy-applied": {
    level: "info",
    text: ({ number, mode, rules, forSeconds }) => {
      if (mode === undefined) return `Policy ${number} applies: there is none, and this host goes by its own rules.`;
      const time = forSeconds === undefined ? "" : `, for ${forSeconds} s unless it is confirmed`;
      const told = mode === "audit" ? "; it is an audit, which refuses nothing" : "";
      return `Policy ${number} applies with ${rules} rules of this host${time}${told}.`;
    },
  },
  "policy-reverted": {
    level: "warn",
    text: ({ number }) => `Policy ${number} was not confirmed in time; the rules of before apply again.`,
  },
  "policy-refused": {
    level: "error",
    text: ({ number, why }) => `Policy ${number} cannot be used: ${why}; the rules of before go on.`,
  },
  "policy-would-refuse": {
    level: "info",
    text: ({ name, direction, protocol, destinationPort, rule }) => {
      const service = serviceText({ protocol, destinationPort, icmpMessage: undefined });
      const flow =
        direction === "inbound" ? `${name} reaches ${service} here` : `This host reaches ${service} on ${name}`;
      return `${flow}, and only ${rule} lets that through, which is merely audited.`;
    },
  },
};
