import { setup } from "./bundled.mjs";

/** For `node --import`: what follows runs the programs as they are packaged. */
await setup();
