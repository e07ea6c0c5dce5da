import { createSocket, type Socket } from "node:dgram";

/**
 * `udp-cone HOST HOST_PORT [PORT=REMOTE:REMOTE_PORT]...`: the address translator of one host, of the kind that lets everybody in. The host is given PORT for
 * each remote; what it sends there goes on from one external port of this machine. Whoever else sends to that port gets a port of its own towards the host. On SIGUSR1 the
 * external port is another one, as after a restart of the box; it is printed each time.
 */
const [host = "", hostPort = "", ...known] = process.argv.slice(2);
const REMOTES_MAX = 64;
const inside = new Map<string, Socket>();
let outside = openOutside();

process.on("SIGUSR1", () => {
  outside.close();
  outside = openOutside();
});
for (const each of known) {
  const [port = "", remote = ""] = each.split("=");
  openInside(remote, Number(port));
}

function openOutside(): Socket {
  const socket = createSocket("udp4");
  socket.on("message", (datagram, { address, port }) => {
    const remote = `${address}:${port}`;
    const towardsHost = inside.get(remote) ?? (inside.size < REMOTES_MAX ? openInside(remote, 0) : undefined);
    towardsHost?.send(datagram, Number(hostPort), host);
  });
  socket.bind(0, () => process.stdout.write(`${socket.address().port}\n`));
  return socket;
}

function openInside(remote: string, port: number): Socket {
  const socket = createSocket("udp4");
  const [address = "", remotePort = ""] = remote.split(":");
  socket.on("message", (datagram, source) => {
    if (source.address === host) outside.send(datagram, Number(remotePort), address);
  });
  socket.bind(port);
  inside.set(remote, socket);
  return socket;
}
