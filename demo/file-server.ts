import { createReadStream } from "node:fs";
import { createServer } from "node:http";

/** Serves one file to whoever asks: `node file-server.js ADDRESS PORT FILE`. An ordinary program that knows nothing of the mesh. */
const [address, port, file] = process.argv.slice(2);
if (address === undefined || port === undefined || file === undefined) {
  process.stderr.write("usage: file-server ADDRESS PORT FILE\n");
  process.exit(2);
}
createServer((_request, response) => {
  createReadStream(file).pipe(response);
}).listen(Number(port), address);
