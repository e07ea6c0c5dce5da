import { createSocket } from "node:dgram";
import { systemCode } from "../../runtime/operator-error.ts";

/** Whether another process has this UDP port; whatever else is wrong with it is no answer to that. */
export async function portTaken(port: number, address: string | undefined): Promise<boolean> {
  if (port === 0) return false;
  const socket = createSocket(address === undefined || address.includes(":") ? "udp6" : "udp4");
  return new Promise((resolve) => {
    socket.once("error", (error) => {
      socket.close();
      resolve(systemCode(error) === "EADDRINUSE");
    });
    socket.bind({ port, ...(address !== undefined && { address }), exclusive: true }, () => {
      socket.close(() => resolve(false));
    });
  });
}
