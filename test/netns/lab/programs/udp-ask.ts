import { createSocket } from "node:dgram";
import { isIPv6 } from "node:net";
import { largeDatagram } from "./large-datagram.ts";

/**
 * `udp-ask ADDRESS PORT BYTES ANSWER_BYTES COUNT`: asks what answers by `udp-answer`, one question at a time, each at most a second; prints how many
 * whole and right answers it got.
 */
const [address = "", port, bytes, answerBytes, count] = process.argv.slice(2);
const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
const question = largeDatagram(Number(answerBytes), Number(bytes));
const expected = largeDatagram(Number(bytes), Number(answerBytes));

let answered = 0;
for (let n = 0; n < Number(count); n++) if (await ask()) answered++;
socket.close();
console.log(answered);

function ask(): Promise<boolean> {
  return new Promise((resolve) => {
    const patience = setTimeout(() => end(false), 1000);
    const hear = (answer: Buffer): void => end(answer.equals(expected));
    const end = (isRight: boolean): void => {
      clearTimeout(patience);
      socket.off("message", hear);
      resolve(isRight);
    };
    socket.on("message", hear);
    socket.send(question, Number(port), address);
  });
}
