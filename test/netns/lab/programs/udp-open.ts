import { createSocket } from "node:dgram";

/** `udp-open LOCAL_PORT ADDRESS PORT`: echoes what comes to the local port, from which it first sends to somebody outside so that a translator knows it. */
const [localPort, address = "", port] = process.argv.slice(2);
const socket = createSocket("udp4");
socket.on("message", (datagram, from) => socket.send(datagram, from.port, from.address));
socket.bind(Number(localPort), () => socket.send("open", Number(port), address, () => process.stdout.write("open\n")));
