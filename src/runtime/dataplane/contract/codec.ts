/**
 * The contract of native/contract/dataplane.proto in the core's own types, as bytes: requests to a data plane, reports from it, and
 * the frames they travel in: the control plane's half. Total: bytes that mean nothing give a reason, never an exception.
 */
export { FRAME_LIMIT_BYTES, FrameBuffer, FrameReader } from "./frame.ts";
export {
  type CipherLibrary,
  type DataPlaneReport,
  type DataPlaneSnapshot,
  decodeFromDataPlane,
  type ReadyReport,
  type ResultReport,
  type ResultValue,
} from "./reports.ts";
export {
  type DataPlaneRequest,
  encodeToDataPlane,
  isSmall,
  messagesToDataPlane,
  messageToDataPlane,
  type SmallRequest,
} from "./requests.ts";
