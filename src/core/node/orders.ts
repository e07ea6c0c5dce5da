import type { DataPlaneCommand } from "../dataplane/contract.ts";
import type { OperatorOrder } from "../io.ts";
import { directPath } from "../path/path.ts";
import type { Peers } from "../peer/peer.ts";
import type { Machines } from "./machines.ts";

/** Does what an operator wants about one host; what makes no sense now does nothing. */
export function carryOut(
  order: OperatorOrder,
  peers: Peers,
  { calls, discovery, pathMtu, sessions }: Pick<Machines, "calls" | "discovery" | "pathMtu" | "sessions">,
  command: (command: DataPlaneCommand) => void,
): void {
  const { address } = order;
  switch (order.what) {
    case "create-tunnel":
      if (order.at) discovery.told(address, order.at);
      if (!peers.primaryOf(address)) calls.start(address);
      return;
    case "ask-where":
      discovery.ask(address);
      return;
    case "change-remote": {
      const session = peers.primaryOf(address);
      if (!session) return;
      const path = directPath(order.at);
      sessions.redirect(session, path);
      command({ kind: "set-path", localIndex: session.localIndex, path });
      return;
    }
    case "measure-mtu": {
      const session = peers.primaryOf(address);
      if (session) pathMtu.largeSent(session);
      return;
    }
    case "close-tunnel":
      for (const session of [...peers.sessionsOf(address)])
        sessions.end(session, "closed-by-operator", { sendClose: order.tellPeer && session.state.at === "live" });
  }
}
