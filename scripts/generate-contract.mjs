#!/usr/bin/env node
// Generates src/runtime/dataplane/contract/generated/dataplane_pb.ts from native/contract/dataplane.proto, with the tools of node_modules and no network.
// With a folder as argument it writes there instead: that is how a test sees that what is checked in is what would be generated.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const out = process.argv[2] ?? `${root}src/runtime/dataplane/contract/generated`;
const template = {
  version: "v2",
  inputs: [{ directory: "native/contract" }],
  plugins: [
    {
      local: "node_modules/.bin/protoc-gen-es",
      out,
      opt: ["target=ts", "import_extension=ts", "erasable_syntax=true"],
    },
  ],
};

execFileSync("node_modules/.bin/buf", ["generate", "--template", JSON.stringify(template)], {
  cwd: root,
  stdio: "inherit",
});
