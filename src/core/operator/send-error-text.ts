/** Why the system did not send a datagram: a clause, and what to do. */
interface SendErrorText {
  readonly why: string;
  readonly todo: string;
}

const filter = "look at the packet filter of this machine (nft list ruleset) and let lacis' UDP port out";
const routes = "look at this machine's network and routes (ip address, ip route get the place)";
const capacity = "nothing, if it passes: this machine sends more than its interface takes";

/** By the system's name, as send(2), ip(7) and udp(7) explain it for datagrams. */
const TEXTS: Readonly<Record<string, SendErrorText>> = {
  EPERM: { why: "not permitted: a packet filter of this machine refuses them", todo: filter },
  EACCES: { why: "not permitted: a route or a rule of this machine prohibits it", todo: routes },
  ENETUNREACH: { why: "this machine has no route there", todo: routes },
  EHOSTUNREACH: { why: "nobody answers there on the network that is next to this machine", todo: routes },
  ENETDOWN: { why: "the interface that leads there is down", todo: routes },
  EADDRNOTAVAIL: { why: "this machine has no address to send from", todo: routes },
  EAFNOSUPPORT: {
    why: "the socket of this host is of the other address family",
    todo: 'set listen.host to "::", which serves both',
  },
  ECONNREFUSED: { why: "the machine there says that nobody listens", todo: "look whether the host there runs" },
  EMSGSIZE: {
    why: "too long for the interface or the way",
    todo: "set tun.mtu lower, or the interface's MTU higher",
  },
  EINVAL: { why: "a route of this machine throws them away, or no host can be there", todo: routes },
  EAGAIN: { why: "the socket's buffer is full", todo: capacity },
  ENOBUFS: { why: "this machine has no buffer left", todo: capacity },
};

/** What passes by itself, and is no more than loss. */
export function isCapacityError(error: string): boolean {
  return error === "EAGAIN" || error === "ENOBUFS";
}

/** "not permitted: a packet filter of this machine refuses them (EPERM)". */
export function sendErrorText(error: string): string {
  const text = Object.hasOwn(TEXTS, error) ? TEXTS[error] : undefined;
  return text ? `${text.why} (${error})` : `the system refuses it (${error})`;
}

export function sendErrorTodo(error: string): string {
  return (Object.hasOwn(TEXTS, error) && TEXTS[error]?.todo) || routes;
}
